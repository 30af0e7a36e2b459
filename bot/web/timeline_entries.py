"""What happened, in the order of time, out of rows of five kinds."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from bot.annotations import annotated
from bot.blocks.text import span
from bot.trail import Trail
from core.alert import AlertStatus
from core.series import Series

Kind = Literal["alert", "resolved", "evidence", "report", "request", "vote", "effect", "ended"]
_RANK: dict[Kind, int] = {
    "alert": 0, "evidence": 1, "report": 2, "request": 3, "vote": 4, "effect": 5, "ended": 6, "resolved": 7
}  # fmt: skip


class Seen(NamedTuple):
    """How evidence is shown: in full when a hypothesis rests on it, and with its lines annotated."""

    cited: bool
    series: tuple[Series, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing on the line; `anchor` is what cards link to, `row` is the domain object that the template reads."""

    at: datetime
    kind: Kind
    anchor: str
    row: Any
    extra: Any = None


def build_entries(trail: Trail) -> list[Entry]:
    """Return everything, oldest first; things of the same instant stand in the order of cause and effect."""
    entries = [*_alerts(trail), *_reports(trail), *_approvals(trail)]
    return sorted(entries, key=lambda entry: (entry.at, _RANK[entry.kind]))


def build_figures(trail: Trail, now: datetime) -> list[tuple[str, str]]:
    """Return the headline figures as (name, value)."""
    figures: list[tuple[str, str]] = []
    start = trail.incident.opened_at if trail.incident else None
    if start is not None and trail.incident is not None:
        ended = trail.incident.resolved_at
        figures.append(("Lasted" if ended else "Open for", span((ended or now) - start)))
        if trail.reports:
            figures.append(("Until the report", span(max(trail.reports[0].finished_at - start, timedelta(0)))))
    decided = [request.decided_at - request.created_at for request in trail.approvals if request.decided_at]
    if decided:
        figures.append(("Until the decision", span(decided[0])))
    spent = [report.usage for report in trail.reports]
    figures.append(("Tool calls", str(sum(len(report.evidence) for report in trail.reports))))
    figures.append(("Model calls", str(sum(usage.model_calls for usage in spent))))
    figures.append(("Tokens", f"{sum(usage.input_tokens + usage.output_tokens for usage in spent):,}"))
    return figures


def people_in(trail: Trail) -> set[str]:
    """Return the Slack user ids that the trail names."""
    people = {request.requester for request in trail.approvals} | {report.requester for report in trail.reports}
    people |= {vote.person for request in trail.approvals for vote in request.votes}
    people |= {event.actor for event in trail.audit}
    return {person for person in people if person[:1] in ("U", "W") and person.isupper() and person.isalnum()}


def _alerts(trail: Trail) -> Iterator[Entry]:
    for alert in trail.incident.alerts if trail.incident else ():
        yield Entry(alert.starts_at, "alert", f"alert-{alert.fingerprint}", alert)
        if alert.status is AlertStatus.RESOLVED and alert.ends_at is not None:
            yield Entry(alert.ends_at, "resolved", f"resolved-{alert.fingerprint}", alert)


def _reports(trail: Trail) -> Iterator[Entry]:
    for report in trail.reports:
        cited = {key for cause in report.hypotheses for key in cause.evidence_ids}
        for evidence in report.evidence:
            # Taken after it was finished would be a clock's fault; evidence stands before its report in any case.
            at = min(evidence.taken_at, report.finished_at)
            seen = Seen(evidence.id in cited, annotated(evidence, report, trail.incident))
            yield Entry(at, "evidence", f"{report.id}-{evidence.id}", evidence, seen)
        yield Entry(report.finished_at, "report", report.id, report)


def _approvals(trail: Trail) -> Iterator[Entry]:
    for request in trail.approvals:
        yield Entry(request.created_at, "request", request.id, request)
        for vote in request.votes:
            yield Entry(vote.at, "vote", f"{request.id}-{vote.person}", vote, request)
        effect = trail.effects.get(request.id)
        if effect is not None:
            yield Entry(effect.intent_at, "effect", effect.action_id, effect, request)
        ended = request.finished_at or (request.decided_at if not request.execute_by else None)
        if ended is not None:
            yield Entry(ended, "ended", f"{request.id}-ended", request)
