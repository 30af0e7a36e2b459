"""A checkpoint without its values, and what it says of where these are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from langgraph.checkpoint.base import Checkpoint

from bot.adapters.redis.checkpointer.layout import LIST, VALUE, part, value_name

_LARGE = 128
"""Length of a text from which it is worth a field of its own."""

_SCALARS = (bool, int, float, type(None))
_SMALL = frozenset((*_SCALARS, str, bytes))


@dataclass(frozen=True, slots=True)
class Header:
    """What is stored of a checkpoint beside its values.

    `references` are the fields of these. `unseeded` are the delta channels whose value has to be rebuilt from
    ancestors. `body` is [the checkpoint without values, its metadata]."""

    parent: str
    references: Sequence[bytes]
    unseeded: Sequence[bytes]
    body: Any


def references_of(checkpoint: Checkpoint, namespace: bytes) -> dict[str, bytes]:
    """Return the field of each channel's value, by channel; `namespace` as `layout.part` gives it."""
    versions = checkpoint["channel_versions"]
    return {
        channel: value_name(LIST if _comes_in_pieces(value) else VALUE, namespace, channel, versions[channel])
        for channel, value in checkpoint["channel_values"].items()
        if channel in versions
    }


def unseeded_of(checkpoint: Checkpoint, metadata: Mapping[str, Any]) -> list[bytes]:
    """Return the delta channels that have a value which is not in this checkpoint.

    LangGraph counts, for each, the steps since its last snapshot; a channel without a version was never written."""
    waiting = metadata.get("counters_since_delta_snapshot") or {}
    values, versions = checkpoint["channel_values"], checkpoint["channel_versions"]
    return [part(channel) for channel in waiting if channel in versions and channel not in values]


def without_values(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the rest of a checkpoint."""
    return {name: value for name, value in checkpoint.items() if name != "channel_values"}


def _comes_in_pieces(value: Any) -> bool:
    # Looked at, not serialised, so that the values which did not change cost nothing.
    if type(value) is not list or not value:
        return False
    return _SMALL.isdisjoint(map(type, value)) or 2 * sum(map(_is_large, value)) >= len(value)


def _is_large(element: Any) -> bool:
    if isinstance(element, str | bytes):
        return len(element) >= _LARGE
    return not isinstance(element, _SCALARS)
