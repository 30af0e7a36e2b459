"""The shop as it is on a quiet day: its services, how they depend on each other, and their past."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from demo.shop.supervisor.desired import Config, ConfigChange, Deploy, Desired, Histories


@dataclass(frozen=True)
class ServicePlan:
    """One service before anything happened to it."""

    name: str
    team: str
    depends_on: tuple[str, ...]
    desired: Desired
    past: tuple[tuple[str, float, str, str], ...]  # version, age in days, by, change; newest first
    tuning: tuple[tuple[str, float, str, str | int | bool], ...] = field(default=())  # key, age in days, by, old value

    def histories(self) -> Histories:
        """Fresh histories, dated back from now."""
        deploys = [
            Deploy(version, ago(days), by, change, "superseded" if index else "current")
            for index, (version, days, by, change) in enumerate(self.past)
        ]
        changes = [
            ConfigChange(len(self.tuning) + 1 - index, ago(days), by, key, old, self.desired.config[key])
            for index, (key, days, by, old) in enumerate(self.tuning)
        ]
        return Histories(deploys, changes)


def ago(days: float) -> str:
    """The moment `days` ago as ISO 8601."""
    moment = datetime.now(UTC) - timedelta(days=days)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _desired(version: str, workers: int, config: Config) -> Desired:
    return Desired(version, workers, config)


SERVICES = (
    ServicePlan(
        "payments",
        "payments",
        (),
        _desired("3.2.4", 2, {"currency": "EUR", "db_pool_size": 10, "db_pool_timeout_ms": 80}),
        (
            ("3.2.4", 6.2, "dana", "Round refunds to the cent"),
            ("3.2.3", 19.0, "ci", "Update the acquirer's certificates"),
            ("3.2.1", 33.5, "bob", "Retry captures once"),
        ),
        (("db_pool_size", 26.0, "dana", 8),),
    ),
    ServicePlan(
        "checkout",
        "checkout",
        ("payments",),
        _desired("1.8.2", 12, {"free_shipping_from": 49, "max_items": 60, "payments_timeout_ms": 2000}),
        (
            ("1.8.2", 4.1, "carol", "Keep the basket on a failed payment"),
            ("1.8.1", 11.3, "bob", "Show delivery dates"),
            ("1.8.0", 24.8, "carol", "Vouchers"),
        ),
        (("free_shipping_from", 9.0, "carol", 39),),
    ),
    ServicePlan(
        "front",
        "storefront",
        ("checkout",),
        _desired("5.0.7", 12, {"checkout_timeout_ms": 5000, "theme": "autumn"}),
        (
            ("5.0.7", 2.4, "erin", "Autumn banner"),
            ("5.0.6", 8.8, "erin", "Smaller images"),
        ),
        (("theme", 2.4, "erin", "summer"),),
    ),
)
