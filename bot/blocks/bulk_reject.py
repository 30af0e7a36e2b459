"""Rejecting several requests at once, in App Home: tick them, one reason, one confirmation. Nothing approves so."""

import hashlib
from collections.abc import Sequence

from bot.blocks.text import Block, header, one_line
from bot.identifiers import BULK_PICK, BULK_REASON, BULK_REJECT
from core.approval import ApprovalRequest
from core.change_words import change_of

_TICKS, _MOST = 10, 30


def build_bulk_reject(requests: Sequence[ApprovalRequest]) -> list[Block]:
    """Return the form for at most thirty requests; nothing when there is none."""
    if not requests:
        return []
    shown = requests[:_MOST]
    # Slack keeps what was typed under a block's id: other requests make another form, which begins empty.
    mark = hashlib.sha256("".join(request.id for request in shown).encode()).hexdigest()[:12]
    ticks = [
        _input(f"{mark}.{start}", "Which", _checkboxes(shown[start : start + _TICKS]))
        for start in range(0, len(shown), _TICKS)
    ]
    reason: Block = {
        "type": "plain_text_input",
        "action_id": BULK_REASON,
        "max_length": 1000,
        "placeholder": {"type": "plain_text", "text": "Wrong cause, wrong time, better remedy ..."},
    }
    return [
        header("Reject several at once"),
        *ticks,
        _input(f"{mark}.reason", "Why? Everybody in their threads will read this.", reason),
        {"type": "actions", "block_id": f"{mark}.act", "elements": [_button()]},
    ]


def _input(block_id: str, label: str, element: Block) -> Block:
    return {
        "type": "input",
        "block_id": block_id,
        "label": {"type": "plain_text", "text": label},
        "element": element,
    }


def _checkboxes(requests: Sequence[ApprovalRequest]) -> Block:
    return {"type": "checkboxes", "action_id": BULK_PICK, "options": [_option(request) for request in requests]}


def _option(request: ApprovalRequest) -> Block:
    plan, needed = request.plan, request.requirement
    change = change_of(plan)
    call = f"{plan.call.name} on {plan.service} in {plan.env.upper()}{f': {change}' if change else ''}"
    about = f"{request.id} · {needed.quorum} needed · {plan.risk.value}"
    return {
        "text": {"type": "plain_text", "text": one_line(call, 75)},
        "description": {"type": "plain_text", "text": one_line(about, 75)},
        "value": request.id,
    }


def _button() -> Block:
    return {
        "type": "button",
        "action_id": BULK_REJECT,
        "style": "danger",
        "text": {"type": "plain_text", "text": "Reject the ticked ones"},
        "value": "reject",
        "confirm": {
            "title": {"type": "plain_text", "text": "Reject them all?"},
            "text": {"type": "plain_text", "text": "None of the ticked requests will run. One rejection ends each."},
            "confirm": {"type": "plain_text", "text": "Reject"},
            "deny": {"type": "plain_text", "text": "Cancel"},
            "style": "danger",
        },
    }
