"""Every Redis key of ours, once.

All of them expire but the streams and their consumer groups, which live as long as the bot is used: entries leave a
stream when they have been handled, so what stays is what still has to be done. The keys of checkpoints are named here
too; they live as long as CHECKPOINT_TTL_SECONDS says.
"""

from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import quote

SLACK = "watchkeeper:slack"
"""Stream of what people do in Slack and wait for: each a core.event.Event as JSON in the field `event`."""

WORK = "watchkeeper:work"
"""Stream of alerts and of the bot's own jobs, in the same form."""

WORKERS = "workers"
"""Consumer group on both streams; each has its own under this name."""

SEEN_FOR = timedelta(minutes=15)
"""How long an event's id and the signature it came under are remembered: Slack's last retry comes after five to six
minutes, and a signature is good for ten at most."""

EPOCH_FOR = timedelta(days=30)
"""How long a lease's counter is remembered after it was last taken; far longer than any holder can be asleep."""


def stream_of(kind: str) -> str:
    """Return the stream for a kind of event; work in any number leaves the other stream to be read."""
    return SLACK if kind.startswith("slack.") else WORK


def seen(event_id: str) -> str:
    """Marks an event that has been put into either stream; expires after SEEN_FOR."""
    return f"watchkeeper:seen:{_word(event_id)}"


def signature(value: str) -> str:
    """Marks a signed request whose event has been put into a stream; expires after SEEN_FOR."""
    return f"watchkeeper:signature:{_word(value)}"


def lease(name: str) -> str:
    """Holds the token of a lease's holder; expires with the lease."""
    return f"watchkeeper:lease:{_word(name)}"


def epoch(name: str) -> str:
    """Counts how often a lease was taken; expires after EPOCH_FOR."""
    return f"watchkeeper:epoch:{_word(name)}"


def heartbeat(role: str) -> str:
    """Says that some process of that role is alive; expires seconds after its last beat."""
    return f"watchkeeper:heartbeat:{role}"


def checkpoint(thread_id: str, namespace: str, checkpoint_id: str) -> str:
    """Holds one checkpoint."""
    return f"watchkeeper:checkpoint:{_word(thread_id)}:{_word(namespace)}:{checkpoint_id}"


def writes(thread_id: str, namespace: str, checkpoint_id: str) -> str:
    """Holds what nodes wrote on top of one checkpoint."""
    return f"watchkeeper:writes:{_word(thread_id)}:{_word(namespace)}:{checkpoint_id}"


def thread(thread_id: str, namespace: str) -> str:
    """Lists the ids of a thread's checkpoints in one namespace, newest first."""
    return f"watchkeeper:thread:{_word(thread_id)}:{_word(namespace)}"


def thread_namespaces(thread_id: str) -> str:
    """Pattern of `thread` keys of one thread; a quoted id holds neither `:` nor anything that a pattern obeys."""
    return f"watchkeeper:thread:{_word(thread_id)}:*"


def of_checkpoints(thread_key: str, checkpoint_ids: Sequence[str]) -> list[str]:
    """Return the `checkpoint` and `writes` keys of the checkpoints that are listed under a `thread` key."""
    place = thread_key.removeprefix("watchkeeper:thread:")
    return [f"watchkeeper:{kind}:{place}:{each}" for each in checkpoint_ids for kind in ("checkpoint", "writes")]


def _word(name: str) -> str:
    # Ids come from outside: quoted, they hold no `:` that blurs two keys and no lone surrogate that cannot be sent.
    return quote(name, safe="", errors="surrogatepass")
