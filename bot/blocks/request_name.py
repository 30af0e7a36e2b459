"""What people call a request: its tool, its target and what it changes, linked to its card; ids are for machines."""

from bot.blocks.text import inert
from core.approval import ApprovalRequest
from core.change_words import change_of


def request_name(request: ApprovalRequest, url: str = "") -> str:
    """Return `rollback_deploy on checkout (version 1.9.0 → 1.8.3)` as mrkdwn; `url` is our own card's, or empty."""
    change = inert(change_of(request.plan), 120)
    name = f"{inert(request.plan.call.name, 80)} on {inert(request.plan.service, 80)}" + (f" ({change})" * bool(change))
    return f"<{url}|{name}>" if url else name
