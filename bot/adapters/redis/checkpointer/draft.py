"""What one put has to store, less what Redis is thought to have already."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.adapters.redis.checkpointer.cipher import DIGEST
from bot.adapters.redis.checkpointer.codec import Codec
from bot.adapters.redis.checkpointer.layout import CHUNK, LIST, SEPARATOR
from bot.adapters.redis.checkpointer.portrait import Portrait, portrait

_REMEMBERED = 8 * 2**20


@dataclass(frozen=True, slots=True)
class SentList:
    """A channel's list as it was last stored: its field, its elements serialised and their digests, one after another,
    and the portrait of those elements, if they have one."""

    name: bytes
    elements: list[bytes]
    digests: bytes
    seen: Portrait | None
    size: int

    def alike(self, elements: list[bytes]) -> int:
        """Return how many elements at the beginning are still the same, byte for byte."""
        length = min(len(self.elements), len(elements))
        if elements[:length] == self.elements[:length]:  # as nearly always, and settled without a loop of ours
            return length
        return next(at for at in range(length) if elements[at] != self.elements[at])


_NOTHING = SentList(b"", [], b"", None, 0)


class SentLists:
    """The lists that this process stored last, up to some megabytes of them.

    They may be wrong in any way (a thread deleted, expired, rolled back by a failover, written by others): the put
    script looks for itself what is there, and names what it lacks."""

    def __init__(self) -> None:
        self._lists: OrderedDict[bytes, SentList] = OrderedDict()
        self._size = 0

    def of(self, channel: bytes) -> SentList:
        """Return what was last stored of a channel; `channel` is whatever tells it from all others."""
        return self._lists.get(channel, _NOTHING)

    def note(self, channel: bytes, stored: SentList) -> None:
        """Remember that this is stored."""
        self._size += stored.size - self.of(channel).size
        self._lists[channel] = stored
        self._lists.move_to_end(channel)
        while self._size > _REMEMBERED:
            self._size -= self._lists.popitem(last=False)[1].size


class Draft:
    """The values of one checkpoint of a thread: serialised when they changed, or when Redis turns out to lack them."""

    def __init__(self, thread: bytes, values: Mapping[bytes, Any], codec: Codec, sent: SentLists) -> None:
        self._thread = thread
        self._values = values
        self._codec = codec
        self._sent = sent
        self._lists: dict[bytes, SentList] = {}
        self._grown: dict[bytes, bytes] = {}
        self._believed = set(values)
        self._due: dict[bytes, bytes] = {}

    def add(self, name: bytes) -> None:
        """Take in the value of that field."""
        self._believed.discard(name)
        if name[:1] == LIST:
            self._add_list(name, self._values[name])
        else:
            self._due[name] = self._codec.dump(self._values[name])

    def add_missing(self, names: Iterable[bytes]) -> None:
        """Take in what the put script asked for: values that did not change, and elements that were sent before."""
        for beginning in self._grown.values():
            self._believed.update(pieces(beginning))
        self._grown.clear()
        missing = set(names)
        for name in missing & self._values.keys():
            self.add(name)
        for stored in self._lists.values():
            held = zip(pieces(stored.digests), stored.elements, strict=True)
            self._due |= {piece: element for piece, element in held if piece in missing}
        self._believed -= self._due.keys()

    def arguments(self) -> tuple[Sequence[int], list[bytes]]:
        """Return what the put script is told: how many fields are believed to be there and how many lists have grown,
        then those fields, those lists with the digests that they should begin with, and names and contents of what is
        not there."""
        told = list(self._believed)
        for pair in self._grown.items():
            told += pair
        for name, plain in self._due.items():
            told += (name, self._codec.close(name, plain))
        return (len(self._believed), len(self._grown)), told

    def note_stored(self) -> None:
        """Remember, for the next put, that all of this is stored."""
        for channel, stored in self._lists.items():
            self._sent.note(channel, stored)

    def _add_list(self, name: bytes, values: Sequence[Any]) -> None:
        channel = self._thread + name[: name.rindex(SEPARATOR)]
        before, seen = self._sent.of(channel), portrait(values)
        if before.seen and seen and seen.continues(before.seen):
            alike = len(before.elements)
            elements = before.elements + list(map(self._codec.dump, values[alike:]))
        else:
            # Serialised anew, since graphs change what they hold in place; only what differs has to be hashed anew.
            elements = list(map(self._codec.dump, values))
            alike = before.alike(elements)
        beginning, changed = before.digests[: DIGEST * alike], list(map(self._codec.digest, elements[alike:]))
        if alike:
            self._grown[before.name] = beginning
        for digest, element in zip(changed, elements[alike:], strict=True):
            # Found across the border of two digests by chance, it would be asked for and sent all the same.
            if digest in before.digests:
                self._believed.add(CHUNK + digest)
            else:
                self._due[CHUNK + digest] = element
        self._due[name] = whole = b"".join((beginning, *changed))
        size = sum(map(len, elements)) + (len(seen.fields) if seen else 0)
        self._lists[channel] = SentList(name, elements, whole, seen, size)


def pieces(digests: bytes) -> list[bytes]:
    """Return the names of elements, given their digests one after another."""
    return [CHUNK + digests[start : start + DIGEST] for start in range(0, len(digests), DIGEST)]
