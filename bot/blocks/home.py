"""The App Home tab."""

from collections.abc import Sequence

from bot.blocks.bulk_reject import build_bulk_reject
from bot.blocks.freeze import build_freeze_banner
from bot.blocks.grants import build_grants
from bot.blocks.needs import needs, votes_so_far
from bot.blocks.request_name import request_name
from bot.blocks.text import DIVIDER, Block, asker, clock_time, context, date, header, inert, section
from bot.blocks.wording import RISK_WORDS, amiss, loud_env, reads_only
from bot.identifiers import DETAILS
from core.approval import ApprovalRequest
from core.freeze import Freeze
from core.incident import Incident
from core.standing_grant import StandingGrant

Linked = tuple[ApprovalRequest, str]


def build_home(
    mine: Sequence[Linked],
    others: Sequence[Linked],
    incidents: Sequence[tuple[Incident, str]],
    *,
    freeze: Freeze | None = None,
    unfit: str = "",
    notes: Sequence[str] = (),
    rejectable: Sequence[ApprovalRequest] = (),
    grants: Sequence[StandingGrant] = (),
    notice: str = "",
) -> Block:
    """Return the view: requests that wait for this person first; each row comes with its card's address or "". `unfit`
    says why nothing can be changed, `notes` what else is amiss, `notice` (mrkdwn) what came of what was just done."""
    blocks = [section(notice), DIVIDER] if notice else []
    blocks += build_freeze_banner(freeze) or ([] if unfit else [context("🟢 Changes run once they are approved.")])
    blocks += [section(reads_only(unfit))] if unfit else []
    blocks += [context(amiss(notes))] if notes else []
    blocks.append(header(f"Waiting for you ({len(mine)})"))
    blocks += [_request(*row) for row in mine] or [context("Nothing waits for your decision.")]
    if others:
        blocks += [DIVIDER, header(f"Waiting for others ({len(others)})"), *(_request(*row) for row in others)]
    blocks += [DIVIDER, header(f"Open incidents ({len(incidents)})")]
    blocks += [section(incident_line(*row)) for row in incidents] or [context("Nothing is known to be broken.")]
    if grants:
        frozen = freeze is not None and freeze.is_on
        blocks += [DIVIDER, header(f"Approved ahead ({len(grants)})"), *build_grants(grants, frozen=frozen)]
    form = build_bulk_reject(rejectable)
    blocks += [DIVIDER, *form] if form else []
    blocks += [DIVIDER, context("Mention me in a channel, write to me in Messages, or try `/ops help`.")]
    return {"type": "home", "blocks": blocks[:100]}


def request_line(request: ApprovalRequest, link: str) -> str:
    """One pending request in two lines of mrkdwn."""
    plan = request.plan
    title = request_name(request, link)
    return (
        f"*{title}* · {loud_env(inert(plan.env, 40))} · {RISK_WORDS[plan.risk]}\n"
        f"*decide by {clock_time(request.decide_by, request.created_at)}* · needs {needs(request.requirement)} "
        f"({votes_so_far(request)}) · asked by {asker(request.requester)} · `{inert(request.id, 40)}`"
    )


def incident_line(incident: Incident, link: str) -> str:
    """One incident in two lines of mrkdwn."""
    title = f"<{link}|{inert(incident.title, 150)}>" if link else inert(incident.title, 150)
    alerts = f"{len(incident.alerts)} alert{'' if len(incident.alerts) == 1 else 's'}"
    return (
        f"*{title}* · {loud_env(inert(incident.env, 40))} · {inert(incident.service, 60)}\n"
        f"{inert(incident.id, 40)}, {inert(incident.severity, 40) or 'no severity'}, {alerts}, "
        f"since {date(incident.opened_at, '{date_short_pretty} {time}')}"
    )


def _request(request: ApprovalRequest, link: str) -> Block:
    button = {
        "type": "button",
        "action_id": DETAILS,
        "text": {"type": "plain_text", "text": "Details"},
        "value": request.id,
        "accessibility_label": f"Details of {request.plan.call.name} on {request.plan.service}"[:75],
    }
    return section(request_line(request, link)) | {"accessory": button}
