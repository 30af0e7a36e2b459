"""What one put has to store, less what Redis is thought to have already."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Set
from typing import Any

from bot.adapters.redis.checkpointer.codec import Codec
from bot.adapters.redis.checkpointer.layout import LIST, SEPARATOR

_CHANNELS = 256


class SentPieces:
    """The elements of each channel's list at its last put, for the channels that were put last.

    It may be wrong in any way (a thread deleted, expired, rolled back by a failover, written by others): the put script
    looks for itself what is there, and names what it lacks."""

    def __init__(self) -> None:
        self._sent: OrderedDict[bytes, Set[bytes]] = OrderedDict()

    def of(self, channel: bytes) -> Set[bytes]:
        """Return the names of the elements that were sent; `channel` is whatever tells it from all others."""
        return self._sent.get(channel, frozenset())

    def note(self, channel: bytes, pieces: Set[bytes]) -> None:
        """Remember that these are stored."""
        self._sent[channel] = pieces
        self._sent.move_to_end(channel)
        if len(self._sent) > _CHANNELS:
            self._sent.popitem(last=False)


class Draft:
    """The values of one checkpoint of a thread: serialised when they changed, or when Redis turns out to lack them."""

    def __init__(self, thread: bytes, values: Mapping[bytes, Any], codec: Codec, sent: SentPieces) -> None:
        self._thread = thread
        self._values = values
        self._codec = codec
        self._sent = sent
        self._plain: dict[bytes, bytes] = {}
        self._pieces: dict[bytes, Set[bytes]] = {}
        self._due: dict[bytes, None] = {}

    def add(self, name: bytes) -> None:
        """Take in the value of that field."""
        plain = self._codec.value(name, self._values[name])
        self._plain |= plain
        due = plain.keys()
        if name[:1] == LIST:
            channel = self._thread + name[: name.rindex(SEPARATOR)]
            self._pieces[channel] = plain.keys() - {name}
            due = due - self._sent.of(channel) | {name}
        self._due |= dict.fromkeys(due)

    def add_missing(self, names: Iterable[bytes]) -> None:
        """Take in what the put script asked for: values that did not change, and elements that were sent before."""
        for name in names:
            if name in self._values and name not in self._plain:
                self.add(name)
            elif name in self._plain:
                self._due[name] = None

    def contents(self) -> list[bytes]:
        """Return names and closed contents of what has to be sent, one after another."""
        return [piece for name in self._due for piece in (name, self._codec.close(name, self._plain[name]))]

    def note_stored(self) -> None:
        """Remember, for the next put, that all of this is stored."""
        for channel, pieces in self._pieces.items():
            self._sent.note(channel, pieces)
