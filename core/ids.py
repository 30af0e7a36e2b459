"""How things are named: opaque ids for rows, stable ids for what must survive a re-run, thread ids for graphs."""

import hashlib
import secrets

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"

MOST_ATTEMPTS = 16
"""The most requests of one remediation: its steps, and an undo of each."""


def new_id(prefix: str) -> str:
    """Return `prefix_` and twelve unguessable characters (59 bits) without look-alikes."""
    return f"{prefix}_" + "".join(secrets.choice(_ALPHABET) for _ in range(12))


def stable_id(prefix: str, *parts: str) -> str:
    """Return the same id for the same parts, so that a node that runs again finds its own row."""
    digest = hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{prefix}_{digest[:16]}"


def incident_thread_id(incident_id: str) -> str:
    """LangGraph thread of an incident's investigation and of the questions asked in its Slack thread."""
    return f"incident:{incident_id}"


def conversation_thread_id(channel: str, thread_ts: str) -> str:
    """LangGraph thread of a conversation that began with a question in Slack."""
    return f"conversation:{channel}:{thread_ts}"


def conversation_place(thread_id: str) -> tuple[str, str]:
    """Return channel and thread_ts out of what `conversation_thread_id` made of them."""
    channel, _, thread_ts = thread_id.removeprefix("conversation:").partition(":")
    return channel, thread_ts


def remediation_thread_id(remediation_id: str) -> str:
    """LangGraph thread of one proposal: its gate, its effect, its verification and its rollback."""
    return f"remediation:{remediation_id}"


def remediation_id_in(thread_id: str) -> str:
    """Return the id that `remediation_thread_id` was given."""
    return thread_id.removeprefix("remediation:")


def remediation_id_of(report_id: str) -> str:
    """The remediation that a report's proposal starts."""
    return stable_id("rem", report_id)


def undo_id_of(approval_id: str, number: int) -> str:
    """The remediation that the undo `number` (from 1) of an executed request starts."""
    return stable_id("rem", approval_id, "undo", str(number))


def edit_id_of(approval_id: str, form: str) -> str:
    """The remediation that a filled-in form (its id is Slack's) makes of a request."""
    return stable_id("rem", approval_id, "edit", form)


def again_id_of(approval_id: str) -> str:
    """The remediation that asks anew for a request that ended without a run."""
    return stable_id("rem", approval_id, "again")


def attempt_of(thread_id: str, approval_id: str) -> int:
    """Return which attempt (from 1) of its remediation a request is; 0 for an id that is none of them."""
    remediation_id = remediation_id_in(thread_id)
    numbers = range(1, MOST_ATTEMPTS + 1)
    return next((number for number in numbers if approval_id_of(remediation_id, number) == approval_id), 0)


def approval_id_of(remediation_id: str, attempt: int) -> str:
    """The one request of a remediation's attempt (from 1), however often its node runs."""
    return stable_id("apr", remediation_id, str(attempt))
