"""Reminders of an open request: one under its card, and one to each of those whose word would count."""

from bot.blocks.needs import called_for, needs, still_needs, votes_so_far, why_you
from bot.blocks.text import Block, asker, clock_time, context, inert, mention, section
from bot.blocks.wording import RISK_WORDS, loud_env
from core.approval import ApprovalRequest, ApprovalStatus
from core.change_words import change_of
from core.objection import EDITED

_ENDS = {
    ApprovalStatus.REJECTED: "rejected",
    ApprovalStatus.EXPIRED: "not decided in time, and has expired",
    ApprovalStatus.SUPERSEDED: "superseded: it is not asked for any more",
}


def what(request: ApprovalRequest) -> str:
    """Return the call and its target in a few words of mrkdwn."""
    plan = request.plan
    change = change_of(plan)
    where = f"{inert(plan.call.name, 60)} on {inert(plan.service, 60)} in {inert(plan.env, 40).upper()}"
    return f"{where} ({inert(change, 80)})" if change else where


def reminder_text(request: ApprovalRequest, number: int) -> str:
    """The reminder in one line, for notifications and screen readers."""
    last = " (last reminder)" if _is_last(request, number) else ""
    return f"Still waiting for a decision{last}: {what(request)}, needs {still_needs(request)}."


def _is_last(request: ApprovalRequest, number: int) -> bool:
    return number > 1 and number >= len(request.requirement.remind)


def build_thread_reminder(request: ApprovalRequest) -> list[Block]:
    """Return the one under the card; it calls the groups, as the card did."""
    called = " ".join(mention(member) for member in called_for(request)[:8])
    return [
        section(
            f"⏰ *Still waiting:* {what(request)}\n"
            f"Needs {still_needs(request)} ({votes_so_far(request)}). {called}\n"
            f"*Decide by* {clock_time(request.decide_by, request.created_at)} on the card above."
        )
    ]


def settled_text(request: ApprovalRequest) -> str:
    """What a reminder says once its request is decided, in one line."""
    return f"No longer waiting for you: {what(request)} was {_end(request)}."


def _end(request: ApprovalRequest) -> str:
    if request.outcome_text.startswith(EDITED):
        return "edited, and its place is taken by a new request that needs its own decision"
    return _ENDS.get(request.status, "approved")


def build_settled_reminder(request: ApprovalRequest, link: str) -> list[Block]:
    """Return what takes the place of a reminder of a request that is decided."""
    title = f"<{link}|{what(request)}>" if link else what(request)
    return [section(f"☑️ *No longer waiting:* {title} was {_end(request)}.")]


def build_direct_reminder(request: ApprovalRequest, number: int, group: str, link: str) -> list[Block]:
    """Return the one to a member of the group, with the way to the card and its buttons."""
    plan = request.plan
    title = f"<{link}|{what(request)}>" if link else what(request)
    further = number > 2 and group != request.requirement.groups[0]
    escalated = f" It was brought to {inert(group, 40)} as those asked before have not decided it." if further else ""
    way = f"*<{link}|Open the card to decide>*" if link else "Its card is in the thread where it was asked for."
    return [
        section(
            f"⏰ *{'Last reminder: y' if _is_last(request, number) else 'Y'}our decision is waited for:* {title}\n"
            f"{loud_env(inert(plan.env, 40))} · {RISK_WORDS[plan.risk]} · asked by {asker(request.requester)}"
        ),
        section(f"*Why you:* {why_you(request, (group,))}.{escalated}\n{way}"),
        context(
            f"*Decide by* {clock_time(request.decide_by, request.created_at)} · "
            f"needs {needs(request.requirement)}, {votes_so_far(request)} · request {inert(request.id, 40)}"
        ),
    ]
