"""What we did ourselves a moment ago: its effect still settles, and what is measured meanwhile is no news."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from core.approval import ApprovalRequest, ApprovalStatus
from graphs.investigation import looks
from graphs.models.facts import Facts, ServiceFacts, unix
from graphs.wording import ago_text

SETTLES_WITHIN = 30.0
_FRESH_TROUBLE = 3.0


@dataclass(frozen=True, slots=True)
class OwnAct:
    """One act; `at` in unix seconds."""

    service: str
    text: str
    at: float

    def explains(self, since: float | None) -> bool:
        """True for trouble that was there when we acted; what began after it is new."""
        return since is None or since <= self.at + _FRESH_TROUBLE


def acts_under_way(requests: Iterable[ApprovalRequest], now: datetime) -> list[OwnAct]:
    """Return what was approved and ran (or runs) in the last moments."""
    found: list[OwnAct] = []
    for row in requests:
        at = row.finished_at or row.decided_at
        ran = row.status in (ApprovalStatus.APPROVED, ApprovalStatus.EXECUTED)
        if ran and at is not None and (now - at).total_seconds() <= SETTLES_WITHIN:
            found.append(OwnAct(row.plan.service, f"{row.plan.call.name} on {row.plan.service}", at.timestamp()))
    return found


def acts_seen(facts: Facts) -> list[OwnAct]:
    """Return what the histories of changes show as ours of the last moments."""
    rows = [
        OwnAct(name, f"{'set_config' if change.key else 'rollback_deploy'} on {name}", change.at)
        for name, own in facts.services.items()
        for change in (*own.deploys[:1], *own.config_changes[:1])
        if change.is_own
    ]
    return [act for act in rows if facts.now - act.at <= SETTLES_WITHIN]


def restarts_seen(facts: Facts) -> list[OwnAct]:
    """Return restarts of the last moments that no crash explains; whose they are does not show."""
    begun = [(name, own, unix(own.status.get("started_at"))) for name, own in facts.services.items()]
    return [
        OwnAct(name, f"a restart of {name}", at)
        for name, own, at in begun
        if at is not None and facts.now - at <= SETTLES_WITHIN and not _crashed(own, at)
    ]


def _crashed(own: ServiceFacts, started: float) -> bool:
    ended: object = own.status.get("last_exit")
    exited = unix(ended.get("at")) if isinstance(ended, Mapping) else None
    if exited is not None and started - exited < SETTLES_WITHIN:
        return True
    late = [value for time, value in own.line(looks.RESTARTS).points if time >= started - SETTLES_WITHIN]
    return bool(late) and max(late) > min(late)


def watching(act: OwnAct, now: float) -> str:
    """Return the sentence, without its full stop, that stands for a cause while we wait."""
    return f"{act.text} ran {ago_text(now - act.at)} ago; watching whether it helps"
