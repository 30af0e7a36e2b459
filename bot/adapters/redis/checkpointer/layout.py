"""Where a thread is kept: the names of its two keys, and of the fields in them. The scripts know these names too.

Every key of a thread carries the thread's id as its hash tag, so that in a cluster one script reaches all of it. Names
sort as LangGraph wants their owners sorted: parts are joined by NUL, which comes before every other byte, and a NUL
within a part is escaped so that the order of what was escaped stays what it was.
"""

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote

HEADER, SEEDS, WRITE, VALUE, LIST, CHUNK = b"h", b"k", b"w", b"b", b"l", b"#"
"""First byte of a field: a checkpoint without its values, the ancestors that its delta channels rest on, one pending
write, one value of a channel, one value that is a list and is kept as the digests of its elements, one such element."""

CHECKPOINT, INTERRUPTED = b"c", b"p"
"""First byte of an index entry (beside WRITE): there is such a checkpoint; an interrupt is open on it."""

SEPARATOR = b"\0"
_AFTER_SEPARATOR = b"\1"
_INDEX_WIDTH = 8
_FIRST_INDEX = 10
"""Added to the index of a write: those of errors, interrupts and resumes are negative."""


@dataclass(frozen=True, slots=True)
class ThreadKeys:
    """The two keys of one thread: a hash with all it holds, and a sorted set that is its index."""

    data: bytes
    index: bytes

    @classmethod
    @lru_cache(maxsize=1024)
    def of(cls, prefix: str, thread_id: str) -> "ThreadKeys":
        """Return the keys; the id is percent-encoded, so `}`, `:` and a lone surrogate in it do no harm."""
        # The mark before the id keeps the hash tag of an empty id from being empty, which would be none.
        tag = f"{prefix}:{{={quote(thread_id, safe='', errors='surrogatepass')}}}".encode()
        return cls(tag + b":d", tag + b":z")


def all_indexes(prefix: str) -> str:
    """Return the pattern that the index of every thread matches; what the prefix holds is taken literally."""
    literal = "".join(f"\\{letter}" if letter in "*?[]\\^-" else letter for letter in prefix)
    return f"{literal}:{{=*}}:z"


def thread_of(index: bytes, prefix: str) -> str:
    """Return the id of the thread that a key found with `all_indexes` belongs to."""
    return unquote(index.decode()[len(prefix) + 3 : -3], errors="surrogatepass")


@lru_cache(maxsize=4096)
def part(text: str) -> bytes:
    """Return the text as part of a name."""
    raw = text.encode("utf-8", "surrogatepass")
    if b"\0" in raw or b"\1" in raw:
        # In this order, or the escape of NUL would be escaped again.
        raw = raw.replace(b"\1", b"\1\2").replace(b"\0", b"\1\1")
    return raw


def text(raw: bytes) -> str:
    """Return the text that `part` was given."""
    if b"\1" in raw:
        raw = raw.replace(b"\1\1", b"\0").replace(b"\1\2", b"\1")
    return raw.decode("utf-8", "surrogatepass")


def place(namespace: str, checkpoint_id: str) -> bytes:
    """Return what the names of all that belongs to one checkpoint go on with after their first byte."""
    return part(namespace) + SEPARATOR + part(checkpoint_id)


def value_name(kind: bytes, namespace: bytes, channel: str, version: object) -> bytes:
    """Return the name of a channel's value; `namespace` as `part` gives it."""
    return b"%b%b\0%b\0%b" % (kind, namespace, part(channel), part(str(version)))


def channel_of(value: bytes) -> str:
    """Return the channel whose value has this name."""
    return text(value.split(SEPARATOR)[1])


def write_name(of: bytes, task_path: str, task_id: str, index: int) -> bytes:
    """Return the name of a write; sorted, names are in the order of LangGraph's `writes_sort_key`."""
    number = b"%0*d" % (_INDEX_WIDTH, index + _FIRST_INDEX)
    return SEPARATOR.join((WRITE + of, part(task_path), part(task_id), number))


def task_of(write: bytes) -> str:
    """Return the id of the task whose write has this name."""
    return text(write.split(SEPARATOR)[-2])


def bounds(namespace: str | None, checkpoint_id: str | None, before: str | None) -> tuple[bytes, bytes]:
    """Return between which index entries the checkpoints are that are asked for, as ZRANGEBYLEX wants it said.

    Without a namespace these are the whole thread's, whatever else is given."""
    if namespace is None:
        return b"[" + CHECKPOINT, b"(" + bytes([CHECKPOINT[0] + 1])
    start = CHECKPOINT + part(namespace)
    if checkpoint_id:
        exact = b"[" + start + SEPARATOR + part(checkpoint_id)
        return exact, exact
    end = SEPARATOR + part(before) if before else _AFTER_SEPARATOR
    return b"[" + start + SEPARATOR, b"(" + start + end
