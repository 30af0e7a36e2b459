"""The details modal: the exact bytes, their digest, the dry run, the undo, the policy and every vote."""

from bot.blocks import rich
from bot.blocks.budget import split
from bot.blocks.needs import needs
from bot.blocks.text import Block, asker, context, date, inert
from bot.blocks.wording import RISK_WORDS, STATUS_TITLES
from bot.identifiers import DETAILS_VIEW
from core.approval import ApprovalRequest
from core.exact_call import exact_call, exact_plan, visible_json

_PIECE, _PIECES = 2900, 8


def build_details_modal(request: ApprovalRequest) -> Block:
    """Return a view to read; texts over eight pieces of 2,900 bytes are cut, which it says."""
    plan, needed = request.plan, request.requirement
    blocks = [
        context(f"*{STATUS_TITLES[request.status]}* · {RISK_WORDS[plan.risk]} · {inert(plan.env, 40).upper()}"),
        *_code("Exactly this", exact_plan(plan)),
        *_code("Undo", exact_call(plan.rollback) if plan.rollback else "none: this tool has no undo"),
        *_code("Dry run", plan.diff or "not available for this tool"),
        *_code("Only if this still holds", visible_json(plan.precondition)),
        rich.block(rich.line(rich.words("Reaches", "bold")), rich.quote(plan.blast_radius or "not known")),
        rich.block(rich.line(rich.words("Reason", "bold")), rich.quote(request.reason or "none given")),
        context(
            f"*Policy rule* {inert(needed.rule, 80)}: {needs(needed)}",
            f"*Decide by* {date(request.decide_by, '{date_short_pretty} {time}')}",
            f"*Asked by* {asker(request.requester)}",
        ),
        context(
            f"*Request* {inert(request.id)}", f"*Digest* {request.digest}", f"*Policy* {needed.policy_sha256[:16]}"
        ),
    ]
    blocks += [
        rich.block(
            rich.line(rich.person(vote.person), rich.words(f" {vote.choice}s")),
            *([rich.quote(vote.reason)] if vote.reason else []),
        )
        for vote in request.votes[:20]
    ]
    return {
        "type": "modal",
        "callback_id": DETAILS_VIEW,
        "private_metadata": request.id,
        "title": {"type": "plain_text", "text": "Details"},
        "close": {"type": "plain_text", "text": "Close"},
        "blocks": blocks,
    }


def _code(title: str, text: str) -> list[Block]:
    pieces = split(text.rstrip("\n"), _PIECE)
    blocks = [rich.block(rich.line(rich.words(title, "bold")), rich.preformatted(pieces[0]))]
    blocks += [rich.block(rich.preformatted(piece)) for piece in pieces[1:_PIECES]]
    if len(pieces) > _PIECES:
        blocks.append(context(f"⚠️ {len(pieces) - _PIECES} more pieces are only in the thread's file."))
    return blocks
