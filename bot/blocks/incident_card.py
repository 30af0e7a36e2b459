"""The incident card: what is broken, since when, what it probably is, and what is being done about it."""

from collections.abc import Mapping, Sequence

from bot.blocks import rich
from bot.blocks.freeze import build_freeze_banner
from bot.blocks.needs import still_needs
from bot.blocks.request_name import request_name
from bot.blocks.text import Block, context, date, fields, header, inert, mention, one_line, section
from bot.blocks.wording import STATUS_SIGNS, STATUS_TITLES, confidence_words, loud_env, reads_only
from core.alert import Alert, AlertStatus
from core.approval import ApprovalRequest, ApprovalStatus
from core.evidence import Report
from core.freeze import Freeze
from core.incident import Incident, IncidentStatus

_SHOWN_ALERTS = 6
SHOWN_ACTIONS = 3


def incident_text(incident: Incident, report: Report | None, approvals: Sequence[ApprovalRequest]) -> str:
    """The card in one line, for notifications and screen readers."""
    env = inert(incident.env, 40).upper() or "no environment"
    where = f"{inert(incident.service, 80) or 'unknown service'} in {env}"
    return f"Incident {state_words(incident, report, approvals).lower()}: {inert(incident.title, 150)} ({where})"


def state_words(incident: Incident, report: Report | None, approvals: Sequence[ApprovalRequest]) -> str:
    """Say in a few words where the incident stands."""
    if incident.status is IncidentStatus.RESOLVED:
        return "Resolved"
    if any(request.status is ApprovalStatus.PENDING for request in approvals):
        return "Waiting for a decision"
    if approvals:
        return f"Action {STATUS_TITLES[approvals[-1].status].lower()}"
    return "Investigated" if report else "Investigating"


def build_incident_card(
    incident: Incident,
    report: Report | None,
    approvals: Sequence[ApprovalRequest],
    timeline_url: str,
    *,
    needs_human: Sequence[str] = (),
    banner: str = "",
    freeze: Freeze | None = None,
    urls: Mapping[str, str] | None = None,
    elsewhere: str = "",
) -> list[Block]:
    """Return the card; `approvals` are this incident's, oldest first, and so is what a human was called for. `banner`
    says why nothing can be changed at the moment, `freeze` who stopped it, `elsewhere` leads to the card that asks for
    the remedy already; a resolved incident shows none of them. `urls` are the addresses of the requests' cards by their
    ids."""
    resolved = incident.status is IncidentStatus.RESOLVED
    state = state_words(incident, report, approvals)
    since = f"Since {date(incident.opened_at, '{date_short_pretty} {time}')}"
    until = f"\nResolved {date(incident.resolved_at)}" if incident.resolved_at else ""
    blocks = [
        header(f"{'✅ Resolved' if resolved else '🚨 Incident'}: {incident.title}"),
        fields(
            f"*State*\n{state}",
            f"*Where*\n{loud_env(inert(incident.env, 40))} · {inert(incident.service, 80) or 'unknown service'}",
            f"*Severity*\n{inert(incident.severity, 40) or 'not given'}",
            f"*Time*\n{since}{until}",
        ),
        _alerts(incident.alerts),
    ]
    if banner and not resolved:
        blocks.insert(1, section(reads_only(banner)))
    if not resolved:
        blocks[1:1] = build_freeze_banner(freeze)
    if report is not None:
        blocks.append(_cause(report))
    if elsewhere and not resolved:
        blocks.append(context(f"➡️ *Asked for in another thread*: {elsewhere}"))
    blocks += [context(_action(request, (urls or {}).get(request.id, ""))) for request in approvals[-SHOWN_ACTIONS:]]
    blocks += [context(f"🙋 *Needs a human*: {inert(what)}") for what in needs_human[-2:]]
    link = [f"<{timeline_url}|Timeline>"] if timeline_url else []
    blocks.append(context(" · ".join([*link, f"{inert(incident.id, 40)}", "Ask me anything in this thread"])))
    return blocks


def _alerts(alerts: Sequence[Alert]) -> Block:
    # Firing ones first: they are why anybody reads this.
    ordered = sorted(alerts, key=lambda alert: (alert.status is AlertStatus.RESOLVED, alert.starts_at))
    items = [_alert(alert) for alert in ordered[:_SHOWN_ALERTS]]
    if len(ordered) > _SHOWN_ALERTS:
        items.append(rich.line(rich.words(f"and {len(ordered) - _SHOWN_ALERTS} more on the timeline", "italic")))
    firing = sum(alert.status is AlertStatus.FIRING for alert in alerts)
    title = f"Alerts ({firing} firing, {len(alerts) - firing} resolved)"
    return rich.block(rich.line(rich.words(title, "bold")), rich.bullets(items or [rich.line(rich.words("none"))]))


def _alert(alert: Alert) -> rich.Element:
    about = alert.summary or alert.description
    state = "" if alert.status is AlertStatus.FIRING else "resolved: "
    tail = f" {one_line(about, 220)}" if about else ""
    return rich.line(rich.words(f"{state}{one_line(alert.name, 80)}", "bold"), rich.words(tail))


def _cause(report: Report) -> Block:
    if not report.hypotheses:
        return rich.block(
            rich.line(rich.words("Cause: ", "bold"), rich.words("none found. " + one_line(report.answer, 300)))
        )
    best = report.hypotheses[0]
    seen = f" (evidence {', '.join(best.evidence_ids[:6])})" if best.evidence_ids else ""
    return rich.block(
        rich.line(
            rich.words(f"{confidence_words(best.confidence).capitalize()}: ", "bold"),
            rich.words(one_line(best.title, 250) + seen),
        )
    )


def _action(request: ApprovalRequest, url: str) -> str:
    who = ", ".join(mention(vote.person) for vote in request.votes)
    by = f" by {who}" if who else ""
    if request.status is ApprovalStatus.PENDING:
        by = f", still needs {still_needs(request)}"
    elif request.requirement.effect == "allow":
        by = ", allowed by policy"
    return f"{STATUS_SIGNS[request.status]} *{STATUS_TITLES[request.status]}*: {request_name(request, url)}{by}"
