"""Every Redis key of ours, once.

All of them expire but the streams and their consumer groups, which live as long as the bot is used: entries leave a
stream when they have been handled, so what stays is what still has to be done. The checkpointer names its own keys:
it is made to be taken by others.
"""

from datetime import timedelta
from urllib.parse import quote

SLACK = "watchkeeper:slack"
"""Stream of what people do in Slack or over the API and wait for: each a core.event.Event as JSON in the field
`event`."""

ACTIONS = "watchkeeper:actions"
"""Stream of what leads to an approved action, which has its clock, in the same form."""

WORK = "watchkeeper:work"
"""Stream of alerts and of the bot's other jobs, in the same form."""

STREAMS = (SLACK, ACTIONS, WORK)
"""Every stream there is."""

WORKERS = "workers"
"""Consumer group on the streams; each has its own under this name."""

OURS = "job."
"""What the kinds of our own jobs begin with."""

CONSUMERS = "watchkeeper:consumer:"
"""What `consumer` keys begin with; a script that looks for dead consumers puts their names behind it."""

SEEN_FOR = timedelta(minutes=15)
"""How long an event's id and the signature it came under are remembered: Slack's last retry comes after five to six
minutes, and a signature is good for ten at most."""

EPOCH_FOR = timedelta(days=30)
"""How long a lease's last epoch is remembered after it was taken, should the server's clock be set back meanwhile. An
epoch that begins anew after this, or after all was lost, follows the clock and so comes after all before it."""

ANSWER_FOR = timedelta(minutes=5)
"""How long the answer to a form is kept; Slack waits three seconds for it, the rest is for a worker that was killed."""

KEY_FOR = timedelta(days=1)
"""How long a client of the API may repeat a request under its Idempotency-Key and gets the same answer."""

LANE_FOR = timedelta(days=1)
"""How long the order of a key is remembered after its last event came."""


MARK = "watchkeeper:mark"
"""By which this Redis is known again; expires after MARK_FOR."""

MARK_FOR = timedelta(days=400)
"""How long a mark outlives the last worker that looked at it."""

_ACTS = frozenset({"job.propose", "job.edit", "job.resume"})


def stream_of(kind: str) -> str:
    """Return the stream for a kind of event; work in any number leaves the other streams to be read."""
    if kind.startswith(("slack.", "api.")):
        return SLACK
    return ACTIONS if kind in _ACTS else WORK


def seen(event_id: str) -> str:
    """Marks an event that has been put into a stream; expires after SEEN_FOR."""
    return f"watchkeeper:seen:{_word(event_id)}"


def signature(value: str) -> str:
    """Marks a signed request whose event has been put into a stream; expires after SEEN_FOR."""
    return f"watchkeeper:signature:{_word(value)}"


def lane(stream: str, key: str) -> str:
    """Lists the entries of one key in that stream, oldest first; expires after LANE_FOR."""
    return f"{stream}:lane:{_word(key)}"


def answer(event_id: str) -> str:
    """Holds the answer to a form, or that nobody waits for it any more; expires after ANSWER_FOR."""
    return f"watchkeeper:answer:{_word(event_id)}"


def api_request(event_id: str) -> str:
    """Holds the digest of the request that an Idempotency-Key stands for; expires after KEY_FOR."""
    return f"watchkeeper:api:request:{_word(event_id)}"


def api_answer(event_id: str) -> str:
    """Holds what that request was answered; expires after KEY_FOR."""
    return f"watchkeeper:api:answer:{_word(event_id)}"


def api_asked(approval_id: str) -> str:
    """Says that this was asked for over the API, for as long as there may be no row yet; expires after KEY_FOR."""
    return f"watchkeeper:api:asked:{_word(approval_id)}"


def consumer(name: str) -> str:
    """Says that this consumer of the streams is alive; expires seconds after it was last renewed."""
    return f"{CONSUMERS}{name}"


def lease(name: str) -> str:
    """Holds the token of a lease's holder; expires with the lease."""
    return f"watchkeeper:lease:{_word(name)}"


def epoch(name: str) -> str:
    """Holds the last epoch of a lease; expires after EPOCH_FOR."""
    return f"watchkeeper:epoch:{_word(name)}"


def heartbeat(role: str) -> str:
    """Names the processes of that role that are alive; expires seconds after the last beat of any. What each said of
    itself is under this key, a colon and its name; that expires seconds after its own."""
    return f"watchkeeper:heartbeat:{role}"


def _word(name: str) -> str:
    # Ids come from outside: quoted, they hold no `:` that blurs two keys and no lone surrogate that cannot be sent.
    return quote(name, safe="=", errors="surrogatepass")
