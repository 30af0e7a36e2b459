"""The evidence, turned from tool results into what the rules ask for: per service, typed, each with its evidence id."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from core.evidence import Evidence
from graphs.investigation import looks
from graphs.models.lines import Point, clean, number, onset

_END_OF_TIME = 4e9  # unix; the year 2096


@dataclass(frozen=True, slots=True)
class Line:
    """One measured line and the evidence it comes from."""

    evidence_id: str = ""
    points: tuple[Point, ...] = ()

    @property
    def now(self) -> float | None:
        """The latest value."""
        return self.points[-1][1] if self.points else None

    def above(self, limit: float) -> bool:
        """True when the latest value is above the limit."""
        return self.now is not None and self.now > limit

    def onset(self, limit: float) -> float | None:
        """When the lasting stretch above the limit began (unix)."""
        return onset(self.points, limit)


@dataclass(frozen=True, slots=True)
class Change:
    """A deploy or a change of configuration; `at` in unix seconds."""

    at: float
    by: str
    evidence_id: str
    version: str = ""
    previous: str = ""
    key: str = ""
    old: Any = None
    new: Any = None
    note: str = ""
    status: str = ""

    @property
    def is_own(self) -> bool:
        """True when it came through us, whoever had asked."""
        return self.by.startswith("watchkeeper ")

    @property
    def who(self) -> str:
        """What people call whoever made it; of what came through us the target knows ids only, the card has names."""
        if self.is_own:
            return "Watchkeeper, for an alert," if self.is_own_remedy else "Watchkeeper, for somebody who asked,"
        return self.by or "somebody"

    @property
    def is_own_remedy(self) -> bool:
        """True when it was our answer to an alert; what a person told us to do may be as wrong as any change."""
        return self.by.startswith("watchkeeper for alert")


@dataclass(slots=True)
class ServiceFacts:
    """What is known of one service."""

    name: str
    depends_on: tuple[str, ...] = ()
    lines: dict[str, Line] = field(default_factory=dict[str, Line])
    calls: dict[tuple[str, str], Line] = field(default_factory=dict[tuple[str, str], Line])
    dependency_latency: dict[str, Line] = field(default_factory=dict[str, Line])
    errors_by_version: dict[str, float] = field(default_factory=dict[str, float])
    requests_by_version: dict[str, float] = field(default_factory=dict[str, float])
    status: Mapping[str, Any] = field(default_factory=dict[str, Any])
    probe: Mapping[str, Any] = field(default_factory=dict[str, Any])
    patterns: tuple[Mapping[str, Any], ...] = ()
    deploys: tuple[Change, ...] = ()
    config_changes: tuple[Change, ...] = ()
    ids: dict[str, str] = field(default_factory=dict[str, str])
    failed: set[str] = field(default_factory=set[str])

    def line(self, title: str) -> Line:
        """Return a line by its look's title; an empty one when nothing was measured."""
        return self.lines.get(title, Line())

    def evidence(self, *titles: str) -> tuple[str, ...]:
        """Return the evidence ids of these looks, as far as they gave something."""
        ids = (self.lines[t].evidence_id if t in self.lines else self.ids.get(t, "") for t in titles)
        return tuple(dict.fromkeys(i for i in ids if i))


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the rules may look at."""

    now: float
    services: Mapping[str, ServiceFacts]
    signals: Mapping[str, tuple[float, ...]]
    titles: Mapping[str, str] = field(default_factory=dict[str, str])

    def of(self, service: str) -> ServiceFacts:
        """Return a service's facts, empty ones for a service that was not looked at."""
        return self.services.get(service, ServiceFacts(service))

    def beneath(self, service: str) -> list[str]:
        """Return what the service depends on, near and far, nearest first."""
        order = list(self.of(service).depends_on)
        for name in order:
            order.extend(dep for dep in self.of(name).depends_on if dep not in order and dep != service)
        return [name for name in order if name in self.services]


def unix(value: object) -> float | None:
    """Return unix seconds of a number or an ISO 8601 text; None for anything else."""
    seconds = number(value)
    if isinstance(value, str):
        with suppress(ValueError, OverflowError):
            moment = datetime.fromisoformat(value)
            seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return seconds if seconds is not None and 0 < seconds < _END_OF_TIME else None


def read_facts(evidence: Iterable[Evidence], depends_on: Mapping[str, tuple[str, ...]], now: datetime) -> Facts:
    """Sort the evidence into facts; what failed or is of another shape than expected is left out, not an error."""
    services = {name: ServiceFacts(name, deps) for name, deps in depends_on.items()}
    signals: dict[str, tuple[float, ...]] = {}
    titles: dict[str, str] = {}
    for item in evidence:
        data = item.data if isinstance(item.data, dict) else {}
        own = services.get(item.service)
        if item.status != "ok":
            if own is not None:
                own.failed.add(item.title)
            continue
        titles[item.id] = f"{item.title}: {item.summary[:120]}"
        if item.title == looks.SIGNAL:
            rows = _rows(data, "result")
            signals[item.id] = tuple(number(row.get("value")) or 0.0 for row in rows)
        elif own is not None:
            own.ids[item.title] = item.id
            _READERS.get(item.title, _ignore)(own, data, item.id)
        else:
            _metrics(services, item, data)
    return Facts(now.timestamp(), services, signals, titles)


def _rows(data: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    rows = data.get(key)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _labels(row: Mapping[str, Any]) -> Mapping[str, Any]:
    labels = row.get("labels")
    return labels if isinstance(labels, dict) else {}


def _metrics(services: Mapping[str, ServiceFacts], item: Evidence, data: Mapping[str, Any]) -> None:
    for row in _rows(data, "series"):
        labels, line = _labels(row), Line(item.id, clean(row.get("points")))
        if (own := services.get(str(labels.get("service", "")))) is None or not line.points:
            continue
        dependency = str(labels.get("dependency", ""))
        if item.title == looks.DEPENDENCY_OUTCOMES:
            own.calls[dependency, str(labels.get("outcome", ""))] = line
        elif item.title == looks.DEPENDENCY_LATENCY:
            own.dependency_latency[dependency] = line
        else:
            own.lines[item.title] = line
    for row in _rows(data, "result"):
        labels = _labels(row)
        if (own := services.get(str(labels.get("service", "")))) is None:
            continue
        own.ids[item.title] = item.id
        table = own.errors_by_version if item.title == looks.ERRORS_BY_VERSION else own.requests_by_version
        table[str(labels.get("version", ""))] = number(row.get("value")) or 0.0


def _status(own: ServiceFacts, data: Mapping[str, Any], _: str) -> None:
    own.status = data


def _probe(own: ServiceFacts, data: Mapping[str, Any], _: str) -> None:
    own.probe = data


def _logs(own: ServiceFacts, data: Mapping[str, Any], _: str) -> None:
    own.patterns = tuple(_rows(data, "patterns"))


def _deploys(own: ServiceFacts, data: Mapping[str, Any], evidence_id: str) -> None:
    rows = [row for row in _rows(data, "deploys") if unix(row.get("at")) is not None]
    own.deploys = tuple(
        Change(
            at=unix(row["at"]) or 0.0,
            by=str(row.get("by", "")),
            evidence_id=evidence_id,
            version=str(row.get("version", "")),
            previous=_previous(rows[index + 1 :], str(row.get("version", ""))),
            note=str(row.get("change", "")),
            status=str(row.get("status", "")),
        )
        for index, row in enumerate(rows)
    )
    own.config_changes = tuple(
        Change(
            at=unix(row["at"]) or 0.0,
            by=str(row.get("by", "")),
            evidence_id=evidence_id,
            key=str(row.get("key", "")),
            old=row.get("old"),
            new=row.get("new"),
        )
        for row in _rows(data, "config_changes")
        if unix(row.get("at")) is not None
    )


def _previous(older: list[Mapping[str, Any]], version: str) -> str:
    """Return the newest earlier version that was not taken back itself."""
    good = [str(row.get("version", "")) for row in older if row.get("status") != "rolled_back"]
    return next((name for name in good if name and name != version), "")


def _ignore(own: ServiceFacts, data: Mapping[str, Any], _: str) -> None:
    del own, data


_READERS = {looks.STATUS: _status, looks.PROBE: _probe, looks.LOGS: _logs, looks.DEPLOYS: _deploys}
