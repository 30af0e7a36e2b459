"""The words for risk, status, confidence and environment: the same everywhere."""

from collections.abc import Sequence

from bot.blocks.text import inert
from core.approval import ApprovalStatus
from core.risk import Risk

RISK_WORDS = {
    Risk.READ: "Read only: changes nothing",
    Risk.REVERSIBLE: "Reversible: one step puts it back",
    Risk.DISRUPTIVE: "Disruptive: users may notice it",
    Risk.DESTRUCTIVE: "Destructive: what it removes is gone",
}

STATUS_TITLES = {
    ApprovalStatus.PENDING: "Approval needed",
    ApprovalStatus.APPROVED: "Approved, running",
    ApprovalStatus.REJECTED: "Rejected",
    ApprovalStatus.EXPIRED: "Expired",
    ApprovalStatus.SUPERSEDED: "Superseded",
    ApprovalStatus.FROZEN: "Stopped by the freeze",
    ApprovalStatus.RAN_OUT: "Ran out",
    ApprovalStatus.NOT_RUN: "Not run",
    ApprovalStatus.TAMPERED: "Stopped, changed outside Watchkeeper",
    ApprovalStatus.EXECUTED: "Executed",
    ApprovalStatus.FAILED: "Failed",
    ApprovalStatus.UNKNOWN: "Outcome unknown",
    ApprovalStatus.ROLLED_BACK: "Rolled back",
    ApprovalStatus.ROLLBACK_FAILED: "ROLLBACK FAILED",
}

STATUS_SIGNS = {
    ApprovalStatus.PENDING: "🟠",
    ApprovalStatus.APPROVED: "🟢",
    ApprovalStatus.REJECTED: "⛔",
    ApprovalStatus.EXPIRED: "⌛",
    ApprovalStatus.SUPERSEDED: "⚪",
    ApprovalStatus.FROZEN: "🧊",
    ApprovalStatus.RAN_OUT: "⏱️",
    ApprovalStatus.NOT_RUN: "🚫",
    ApprovalStatus.TAMPERED: "🛑",
    ApprovalStatus.EXECUTED: "✅",
    ApprovalStatus.FAILED: "❌",
    ApprovalStatus.UNKNOWN: "❓",
    ApprovalStatus.ROLLED_BACK: "↩️",
    ApprovalStatus.ROLLBACK_FAILED: "🚨",
}

STATUS_SENTENCES = {
    ApprovalStatus.PENDING: "Nothing runs before this is decided.",
    ApprovalStatus.APPROVED: "It runs now, exactly as shown.",
    ApprovalStatus.REJECTED: "Nothing was run.",
    ApprovalStatus.EXPIRED: "Nobody decided in time; nothing was run.",
    ApprovalStatus.SUPERSEDED: "It is not asked for any more; nothing was run.",
    ApprovalStatus.FROZEN: "It was approved, but everything was frozen when it was to start; nothing was run.",
    ApprovalStatus.RAN_OUT: "It was approved, but did not start in time; nothing was run.",
    ApprovalStatus.NOT_RUN: "It was approved, but the last check before the start refused it; nothing was run.",
    ApprovalStatus.TAMPERED: "Somebody has changed the stored request in the database; nothing was run. "
    "Do not trust what this card shows: tell whoever keeps the database, and ask anew.",
    ApprovalStatus.EXECUTED: "It ran once, exactly as shown.",
    ApprovalStatus.FAILED: "It was tried and did not succeed.",
    ApprovalStatus.UNKNOWN: "It may or may not have happened. Please look at the target before anything else is done.",
    ApprovalStatus.ROLLED_BACK: "It ran, and was undone afterwards.",
    ApprovalStatus.ROLLBACK_FAILED: "The undo did not come about. Somebody has to look at the target now.",
}


def reads_only(why: str) -> str:
    """Return the banner of a card that is open while nothing may be changed, as mrkdwn; `why` is our own sentence."""
    return f"⛔ *Nothing will run at the moment: I only read.* {inert(why, 600)}."


def amiss(notes: Sequence[str]) -> str:
    """Return what is amiss and stops nothing, a line each, as mrkdwn; they are our own sentences."""
    return "\n".join(f"⚠️ {inert(note[:1].upper() + note[1:], 600)}." for note in notes[:5])


def confidence_words(confidence: float) -> str:
    """Return a confidence of 0..1 as a word; numbers would claim a precision that is not there."""
    steps = ((0.85, "very likely"), (0.6, "likely"), (0.0, "possibly"))
    return next(word for least, word in steps if confidence >= least)


def loud_env(env: str) -> str:
    """Return the environment in capitals with a colour that is also said in words."""
    name = env.upper() or "NO ENVIRONMENT"
    return f"🔴 {name}" if name.startswith("PROD") else f"🔵 {name}"
