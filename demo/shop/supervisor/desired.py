"""What a service is desired to be, and the history of how it came to be so."""

import difflib
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import yaml

Config = dict[str, str | int | bool]


def now_text() -> str:
    """The current time as ISO 8601 in UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Desired:
    """One desired state; every change makes a new one."""

    version: str
    workers: int
    config: Config
    restart_generation: int = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def unified_diff(service: str, before: Desired, after: Desired) -> str:
    """The change as a unified diff of both states in YAML; empty when nothing changes."""
    texts = [yaml.safe_dump(state.as_dict(), sort_keys=True).splitlines() for state in (before, after)]
    names = (f"{service} (now)", f"{service} (then)")
    return "\n".join(difflib.unified_diff(texts[0], texts[1], *names, lineterm=""))


@dataclass
class Deploy:
    """One row of the deploy history."""

    version: str
    at: str
    by: str
    change: str
    status: str  # current | superseded | rolled_back


@dataclass
class ConfigChange:
    """One row of the configuration history."""

    revision: int
    at: str
    by: str
    key: str
    old: str | int | bool | None
    new: str | int | bool


@dataclass
class Histories:
    """Both histories of one service, newest first."""

    deploys: list[Deploy] = field(default_factory=list[Deploy])
    config_changes: list[ConfigChange] = field(default_factory=list[ConfigChange])

    @property
    def config_revision(self) -> int:
        return self.config_changes[0].revision if self.config_changes else 1

    def versions(self) -> set[str]:
        return {deploy.version for deploy in self.deploys}

    def previous_version(self) -> str:
        """The version that ran before the current one."""
        current = self.deploys[0].version
        return next(deploy.version for deploy in self.deploys if deploy.version != current)

    def record(self, before: Desired, after: Desired, by: str, change: str | None = None) -> None:
        """Write down what differs between two desired states."""
        if after.version != before.version:
            self._record_deploy(before, after, by, change)
        for key, new in after.config.items():
            if before.config.get(key) != new:
                row = ConfigChange(self.config_revision + 1, now_text(), by, key, before.config.get(key), new)
                self.config_changes.insert(0, row)

    def _record_deploy(self, before: Desired, after: Desired, by: str, change: str | None) -> None:
        back = after.version in self.versions()
        for deploy in self.deploys:
            if deploy.status == "current":
                deploy.status = "rolled_back" if back else "superseded"
        text = change or f"rollback from {before.version}"
        self.deploys.insert(0, Deploy(after.version, now_text(), by, text, "current"))
