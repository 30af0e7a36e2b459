"""The modal before an approval that a click is too easy for: the call once more, and its targets to be typed."""

from bot.blocks import rich
from bot.blocks.budget import split
from bot.blocks.text import Block, inert, section
from bot.blocks.wording import RISK_WORDS, loud_env
from bot.identifiers import CONFIRM_BLOCK, CONFIRM_INPUT, CONFIRM_VIEW
from core.approval import ApprovalRequest
from core.confirmation import wanted_text
from core.exact_call import exact_plan, plan_fits
from core.stepped_plan import steps_of

_PIECE, _PIECES = 2900, 8


def build_confirm_modal(request: ApprovalRequest) -> Block:
    """Return a view whose private_metadata is the request's id."""
    plan = request.plan
    worst = max((step.risk for step in steps_of(plan)), key=lambda risk: risk.rank)
    pieces = split(exact_plan(plan), _PIECE)
    blocks: list[Block] = [
        section(f"{loud_env(inert(plan.env, 40))} · {inert(wanted_text(plan), 300)} · {RISK_WORDS[worst]}"),
        rich.block(rich.line(rich.words("Exactly this will run", "bold")), rich.preformatted(pieces[0])),
        *(rich.block(rich.preformatted(piece)) for piece in pieces[1:_PIECES]),
    ]
    if not plan_fits(plan):
        whole = f"The whole call is the file {request.id}-call.txt in the thread. Read it before you approve."
        blocks.append(rich.block(rich.line(rich.words(whole, "bold"))))
    several = "s" * (len(plan.targets) > 1)
    label = f"Type the name{several} of the target{several}: {wanted_text(plan)}"
    return {
        "type": "modal",
        "callback_id": CONFIRM_VIEW,
        "private_metadata": request.id,
        "title": {"type": "plain_text", "text": "Approve"},
        "submit": {"type": "plain_text", "text": "Approve"},
        "close": {"type": "plain_text", "text": "Cancel"},
        "blocks": [
            *blocks,
            {
                "type": "input",
                "block_id": CONFIRM_BLOCK,
                "label": {"type": "plain_text", "text": label[:300], "emoji": False},
                "element": {
                    "type": "plain_text_input",
                    "action_id": CONFIRM_INPUT,
                    "max_length": 500,
                    "focus_on_load": True,
                },
            },
        ],
    }
