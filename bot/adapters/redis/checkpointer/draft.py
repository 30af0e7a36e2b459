"""What one put has to store, less what Redis is thought to have already."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.adapters.redis.checkpointer.codec import Codec
from bot.adapters.redis.checkpointer.layout import LIST, SEPARATOR

_REMEMBERED = 8 * 2**20


@dataclass(frozen=True, slots=True)
class SentList:
    """A channel's list as it was last stored: its field, and its elements, serialised and by name."""

    name: bytes
    elements: list[bytes]
    pieces: list[bytes]

    def alike(self, elements: list[bytes]) -> int:
        """Return how many elements at the beginning are still the same, byte for byte."""
        length = min(len(self.elements), len(elements))
        if elements[:length] == self.elements[:length]:  # as nearly always, and settled without a loop of ours
            return length
        return next(at for at in range(length) if elements[at] != self.elements[at])


class SentLists:
    """The lists that this process stored last, up to some megabytes of them.

    They may be wrong in any way (a thread deleted, expired, rolled back by a failover, written by others): the put
    script looks for itself what is there, and names what it lacks."""

    def __init__(self) -> None:
        self._lists: OrderedDict[bytes, SentList] = OrderedDict()
        self._size = 0

    def of(self, channel: bytes) -> SentList:
        """Return what was last stored of a channel; `channel` is whatever tells it from all others."""
        return self._lists.get(channel) or SentList(b"", [], [])

    def note(self, channel: bytes, stored: SentList) -> None:
        """Remember that this is stored."""
        self._size += _size(stored) - _size(self.of(channel))
        self._lists[channel] = stored
        self._lists.move_to_end(channel)
        while self._size > _REMEMBERED:
            self._size -= _size(self._lists.popitem(last=False)[1])


class Draft:
    """The values of one checkpoint of a thread: serialised when they changed, or when Redis turns out to lack them."""

    def __init__(self, thread: bytes, values: Mapping[bytes, Any], codec: Codec, sent: SentLists) -> None:
        self._thread = thread
        self._values = values
        self._codec = codec
        self._sent = sent
        self._plain: dict[bytes, bytes] = {}
        self._lists: dict[bytes, SentList] = {}
        self._grown: dict[bytes, Sequence[bytes]] = {}
        self._believed = set(values)
        self._due: dict[bytes, None] = {}

    def add(self, name: bytes) -> None:
        """Take in the value of that field."""
        self._believed.discard(name)
        self._due[name] = None
        if name[:1] == LIST:
            self._add_list(name, [self._codec.dump(each) for each in self._values[name]])
        else:
            self._plain[name] = self._codec.dump(self._values[name])

    def add_missing(self, names: Iterable[bytes]) -> None:
        """Take in what the put script asked for: values that did not change, and elements that were sent before."""
        self._believed.update(*self._grown.values())
        self._grown.clear()
        for name in names:
            if name in self._values and name not in self._plain:
                self.add(name)
            else:
                self._due[name] = None
        self._believed -= self._due.keys()

    def arguments(self) -> list[bytes]:
        """Return what the put script is told: fields that are believed to be there, lists that are believed to be there
        with the digests that they are believed to begin with, and names and contents of what is not."""
        told = [b"%d" % len(self._believed), *self._believed, b"%d" % (2 * len(self._grown))]
        for name, pieces in self._grown.items():
            told += [name, digests(pieces)]
        for name in self._due:
            told += [name, self._codec.close(name, self._plain[name])]
        return told

    def note_stored(self) -> None:
        """Remember, for the next put, that all of this is stored."""
        for channel, stored in self._lists.items():
            self._sent.note(channel, stored)

    def _add_list(self, name: bytes, elements: list[bytes]) -> None:
        channel = self._thread + name[: name.rindex(SEPARATOR)]
        before = self._sent.of(channel)
        # Serialised anew above, since graphs change messages in place; only what differs has to be hashed anew.
        alike = before.alike(elements)
        changed = [self._codec.chunk_name(each) for each in elements[alike:]]
        stored = SentList(name, elements, [*before.pieces[:alike], *changed])
        self._lists[channel] = stored
        if alike:
            self._grown[before.name] = before.pieces[:alike]
        self._plain |= zip(stored.pieces, elements, strict=True)
        self._plain[name] = digests(stored.pieces)
        moved = set(changed).intersection(before.pieces)
        self._believed |= moved
        self._due |= dict.fromkeys(each for each in changed if each not in moved)


def digests(pieces: Iterable[bytes]) -> bytes:
    """Return the digests in the names of elements, one after another."""
    return b"".join([piece[1:] for piece in pieces])


def _size(stored: SentList) -> int:
    return sum(map(len, stored.elements))
