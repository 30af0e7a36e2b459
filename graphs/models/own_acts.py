"""What we did ourselves: for a moment its effect still settles, and for a while it may be why something is wrong."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.approval import ApprovalRequest, ApprovalStatus
from core.change_words import change_of
from core.effect import Effect, EffectStatus
from graphs.investigation import looks
from graphs.models.facts import Facts, ServiceFacts, unix
from graphs.wording import ago_text

SETTLES_WITHIN = 30.0
CONNECTED_WITHIN = 900.0
"""Seconds after an act of ours in which every alert and question about its service is held against it."""

_FRESH_TROUBLE = 3.0


@dataclass(frozen=True, slots=True)
class OwnAct:
    """One act; `at` in unix seconds, `change` says from what to what."""

    service: str
    text: str
    at: float
    change: str = ""

    def explains(self, since: float | None) -> bool:
        """True for trouble that was there when we acted; what began after it is new."""
        return since is None or since <= self.at + _FRESH_TROUBLE


def act_of(request: ApprovalRequest, effect: Effect | None) -> OwnAct | None:
    """Return what was carried out by the ledger, or is about to be where that has no row yet; None for what nothing
    came of."""
    if effect is None and request.status is not ApprovalStatus.APPROVED:
        return None
    if effect is not None and effect.status is EffectStatus.FAILED:
        return None
    at = (effect.outcome_at or effect.intent_at) if effect else request.decided_at or request.created_at
    plan, doubt = request.plan, effect is not None and effect.status is EffectStatus.UNKNOWN
    change = ", ".join(part for part in (change_of(plan), "outcome unknown" if doubt else "") if part)
    return OwnAct(plan.service, f"{plan.call.name} on {plan.service}", at.timestamp(), change)


def settling(acts: Iterable[OwnAct], now: float) -> list[OwnAct]:
    """Return the acts of the last moments."""
    return [act for act in acts if now - act.at <= SETTLES_WITHIN]


def acts_seen(facts: Facts) -> list[OwnAct]:
    """Return what the histories of changes show as ours of the last moments."""
    rows = [
        OwnAct(name, f"{'set_config' if change.key else 'rollback_deploy'} on {name}", change.at)
        for name, own in facts.services.items()
        for change in (*own.deploys[:1], *own.config_changes[:1])
        if change.is_own
    ]
    return settling(rows, facts.now)


def restarts_seen(facts: Facts) -> list[OwnAct]:
    """Return restarts of the last moments that no crash explains; whose they are does not show. What was never measured
    before has begun for the first time."""
    begun = [(name, own, unix(own.status.get("started_at"))) for name, own in facts.services.items()]
    return [
        OwnAct(name, f"a restart of {name}", at)
        for name, own, at in begun
        if at is not None and facts.now - at <= SETTLES_WITHIN and not _crashed(own, at) and not _is_new(own, at)
    ]


def _is_new(own: ServiceFacts, started: float) -> bool:
    measured = [time for line in own.lines.values() for time, _ in line.points]
    return bool(measured) and min(measured) > started - _FRESH_TROUBLE


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
