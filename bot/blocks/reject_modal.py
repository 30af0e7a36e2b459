"""The modal that asks why something is rejected."""

from bot.blocks import rich
from bot.blocks.exact_call import inline_call
from bot.blocks.text import Block
from bot.identifiers import REASON_BLOCK, REASON_INPUT, REJECT_VIEW
from core.approval import ApprovalRequest


def build_reject_modal(request: ApprovalRequest) -> Block:
    """Return a view whose private_metadata is the request's id."""
    call = rich.words(inline_call(request.plan.call), "code")
    where = rich.words(f" on {request.plan.service} in {request.plan.env}. Nothing will be run.")
    return {
        "type": "modal",
        "callback_id": REJECT_VIEW,
        "private_metadata": request.id,
        "title": {"type": "plain_text", "text": "Reject"},
        "submit": {"type": "plain_text", "text": "Reject"},
        "close": {"type": "plain_text", "text": "Cancel"},
        "blocks": [
            rich.block(rich.line(rich.words("You reject "), call, where)),
            {
                "type": "input",
                "block_id": REASON_BLOCK,
                "label": {"type": "plain_text", "text": "Why?"},
                "hint": {"type": "plain_text", "text": "Everybody in the thread will read this."},
                "element": {
                    "type": "plain_text_input",
                    "action_id": REASON_INPUT,
                    "multiline": True,
                    "min_length": 3,
                    "max_length": 1000,
                    "focus_on_load": True,
                    "placeholder": {"type": "plain_text", "text": "Wrong cause, wrong time, better remedy ..."},
                },
            },
        ],
    }
