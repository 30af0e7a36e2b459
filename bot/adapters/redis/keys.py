"""Every Redis key of ours, once.

All of them expire but the stream and its consumer group, which live as long as the bot is used: entries leave the
stream when they have been handled, so what stays is what still has to be done. The keys of checkpoints are named here
too; they live as long as CHECKPOINT_TTL_SECONDS says.
"""

from datetime import timedelta
from urllib.parse import quote

EVENTS = "watchkeeper:events"
"""Stream of core.event.Event as JSON in the field `event`."""

WORKERS = "workers"
"""Consumer group on EVENTS; it belongs to the stream."""

SEEN_FOR = timedelta(minutes=15)
"""How long an event's id is remembered; Slack's last retry comes after five to six minutes."""

EPOCH_FOR = timedelta(days=30)
"""How long a lease's counter is remembered after it was last taken; far longer than any holder can be asleep."""


def seen(event_id: str) -> str:
    """Marks an event that has been put; expires after SEEN_FOR."""
    return f"watchkeeper:seen:{event_id}"


def lease(name: str) -> str:
    """Holds the token of a lease's holder; expires with the lease."""
    return f"watchkeeper:lease:{name}"


def epoch(name: str) -> str:
    """Counts how often a lease was taken; expires after EPOCH_FOR."""
    return f"watchkeeper:epoch:{name}"


def checkpoint(thread_id: str, namespace: str, checkpoint_id: str) -> str:
    """Holds one checkpoint."""
    return f"watchkeeper:checkpoint:{quote(thread_id, safe='')}:{quote(namespace, safe='')}:{checkpoint_id}"


def writes(thread_id: str, namespace: str, checkpoint_id: str) -> str:
    """Holds what nodes wrote on top of one checkpoint."""
    return f"watchkeeper:writes:{quote(thread_id, safe='')}:{quote(namespace, safe='')}:{checkpoint_id}"


def thread(thread_id: str, namespace: str) -> str:
    """Lists the ids of a thread's checkpoints in one namespace, newest first."""
    return f"watchkeeper:thread:{quote(thread_id, safe='')}:{quote(namespace, safe='')}"


def thread_namespaces(thread_id: str) -> str:
    """Pattern of `thread` keys of one thread; a quoted id holds neither `:` nor anything that a pattern obeys."""
    return f"watchkeeper:thread:{quote(thread_id, safe='')}:*"


def namespace_of(thread_key: str) -> str:
    """Return the quoted namespace at the end of a `thread` key."""
    return thread_key.rpartition(":")[2]
