"""Evaluates the alert rules and keeps each alert's state: pending, firing, resolved."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from demo.shop.alerts.rules import FALSE_ALARM_PATH, RULES_PATH, Rule, load_rules, render
from demo.shop.metrics.evaluate import Evaluation, Sample, unnamed
from demo.shop.metrics.store import LabelKey, MetricsStore

FNV_OFFSET, FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3


def fingerprint(labels: dict[str, str]) -> str:
    """The 64-bit FNV-1a hash of the sorted labels, as Prometheus and Alertmanager identify an alert."""
    value = FNV_OFFSET
    for name in sorted(labels):
        for byte in f"{name}\0{labels[name]}\0".encode().replace(b"\0", b"\xff"):
            value = ((value ^ byte) * FNV_PRIME) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def moment(at: float) -> str:
    """Unix seconds as RFC 3339 in UTC with milliseconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Alert:
    """One alert of one label set; times in Unix seconds."""

    labels: dict[str, str]
    expression: str
    active_at: float
    annotations: dict[str, str] = field(default_factory=dict[str, str])
    value: float = 0.0
    fired_at: float | None = None
    resolved_at: float | None = None

    @property
    def firing(self) -> bool:
        return self.fired_at is not None and self.resolved_at is None

    def as_dict(self) -> dict[str, Any]:
        """The alert as /api/v1/alerts shows it."""
        return {
            "labels": self.labels,
            "annotations": self.annotations,
            "state": "firing" if self.firing else "pending",
            "activeAt": moment(self.active_at),
            "value": f"{self.value:e}",
        }


class AlertEngine:
    """The state of all alerts; `evaluate` is called after every scrape."""

    def __init__(self, store: MetricsStore) -> None:
        self._store = store
        self._rules = load_rules(RULES_PATH)
        self._extra_rules = load_rules(FALSE_ALARM_PATH)
        self._alerts: dict[tuple[int, LabelKey], Alert] = {}
        self.false_alarm = False

    def rows(self) -> list[dict[str, Any]]:
        return [alert.as_dict() for alert in self._alerts.values()]

    def evaluate(self, at: float) -> list[Alert]:
        """Move every alert on to `at` (Unix seconds); returns the ones that are firing or have just been resolved."""
        rules = [*self._rules, *(self._extra_rules if self.false_alarm else [])]
        seen: set[tuple[int, LabelKey]] = set()
        for index, rule in enumerate(rules):
            result = Evaluation(self._store, at).run(rule.node)
            assert isinstance(result, list)
            for sample in result:
                seen.add(self._observe(index, rule, sample, at))
        gone = [self._alerts.pop(key) for key in list(self._alerts) if key not in seen]
        for alert in gone:
            alert.resolved_at = at
        resolved = [alert for alert in gone if alert.fired_at is not None]
        return resolved + [alert for alert in self._alerts.values() if alert.firing]

    def _observe(self, index: int, rule: Rule, sample: Sample, at: float) -> tuple[int, LabelKey]:
        labels = {**unnamed(sample.labels), **rule.labels}
        key = (index, frozenset(labels.items()))
        alert = self._alerts.setdefault(key, Alert(labels, rule.expression, at))
        alert.value = sample.value
        alert.annotations = {n: render(text, labels, sample.value) for n, text in rule.annotations.items()}
        if alert.fired_at is None and at - alert.active_at >= rule.for_s:
            alert.fired_at = at
        return key
