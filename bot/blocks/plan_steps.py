"""The steps of a plan on its card: how each of them stands, what one approval is for, and what a failure leads to."""

from collections.abc import Sequence

from bot.blocks import rich
from bot.blocks.exact_call import inline_call
from bot.blocks.text import Block, context, one_line
from bot.blocks.wording import STATUS_SENTENCES
from core.approval import NOTHING_RAN, ApprovalRequest, ApprovalStatus
from core.stepped_plan import standing, steps_of, undo_of

_STATES = {
    ApprovalStatus.PENDING: "🟠 waiting for approval",
    ApprovalStatus.APPROVED: "⏳ running",
    ApprovalStatus.EXECUTED: "✅ done",
    ApprovalStatus.FAILED: "❌ failed",
    ApprovalStatus.UNKNOWN: "❓ outcome unknown",
    ApprovalStatus.ROLLED_BACK: "↩️ rolled back",
    ApprovalStatus.ROLLBACK_FAILED: "🚨 rollback failed",
}
_OPEN = (ApprovalStatus.PENDING, ApprovalStatus.APPROVED)


def build_steps(request: ApprovalRequest, rows: Sequence[ApprovalRequest]) -> list[Block]:
    """Return the list of a plan's steps from the request's own on, with what its approval is for; nothing for a plan of
    one step. `rows` are all requests of its run."""
    steps = steps_of(request.plan)
    if len(steps) == 1:
        return []
    ids = [row.id for row in rows]
    own = list(rows[ids.index(request.id) :]) if request.id in ids else [request]
    own = [row for row in own if row.rollback_of is None or request.rollback_of is not None]
    failed = {row.rollback_of for row in rows if row.status is ApprovalStatus.ROLLBACK_FAILED}
    goes_on = bool(own) and own[-1].status in (*_OPEN, ApprovalStatus.EXECUTED) and request.status in _OPEN
    items: list[rich.Element] = []
    for number, step in enumerate(steps, 1):
        row = own[number - 1] if number <= len(own) else None
        state = _STATES.get(row.status, "🚫 not run") if row else "⏸️ waiting" if goes_on else "🚫 not run"
        state += ", 🚨 its undo failed" if row and row.id in failed else ""
        undo = inline_call(step.rollback, 120) if step.rollback else "none"
        call = rich.words(f"{one_line(step.call.name, 60)} on {one_line(step.service, 60)}", "code")
        items.append(rich.line(rich.words(f"{number}. {state}: "), call, rich.words(f" · undo: {undo}")))
    listed = rich.block(rich.line(rich.words(f"{len(steps)} steps, one after the other", "bold")), rich.bullets(items))
    return [listed, *([context(*covered_words(request))] if request.status in _OPEN else [])]


def covered_words(request: ApprovalRequest) -> list[str]:
    """Return what people have to know before they approve a plan of several steps."""
    needed, steps = request.requirement, steps_of(request.plan)
    if needed.steps == "whole":
        words = [f"☑️ *One approval is for all {len(steps)} steps.* Each begins only when the one before is done."]
    else:
        words = ["☑️ *This approval is for step 1 only;* each later one is asked for when its turn has come."]
    if request.rollback_of is not None:
        return [*words, "If a step fails, the ones before it stay as they are and people are called."]
    fixed = [str(number) for number, step in enumerate(steps, 1) if undo_of(step) is None]
    stays = f" Step {' and '.join(fixed)} cannot be undone." if fixed else ""
    if needed.rollback == "asked":
        return [*words, f"If a step fails, the undo of each step before it is asked for, in reverse order.{stays}"]
    return [
        *words,
        f"If a step fails, those before it are undone in reverse order *without another approval*.{stays}",
    ]


def stopped_at(request: ApprovalRequest, rows: Sequence[ApprovalRequest]) -> ApprovalRequest:
    """Return the request on which a plan has stopped: what its card's Ask again is about."""
    later = [row for row in rows if row.covered_by == request.id and row.rollback_of is None]
    return later[-1] if later else request


def sentence_of(request: ApprovalRequest, rows: Sequence[ApprovalRequest]) -> str:
    """Return what a status means, in a sentence; of a plan that stopped on its way, that some of it has happened."""
    if request.status in NOTHING_RAN and any(row.covered_by == request.id for row in rows):
        return "The plan stopped on its way; what was done before stays."
    return STATUS_SENTENCES[request.status]


def can_be_undone(request: ApprovalRequest, rows: Sequence[ApprovalRequest]) -> bool:
    """True when something of the request, or of its whole plan, can be undone."""
    return request.plan.rollback is not None or any(row.plan.rollback for row in standing(rows))
