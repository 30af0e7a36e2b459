"""Between LangGraph's values and what is stored of them: a checkpoint as a header, its values, and its lists in pieces.

A list is kept as the digests of its elements and each element once, so a conversation that grows by a message a step
costs that message and not itself again. That an object was stored before says nothing about what it holds now, since
graphs change messages in place: portrait.py tells what need not be serialised and hashed anew.
"""

import struct
from collections.abc import Mapping
from typing import Any

from langgraph.checkpoint.serde.base import SerializerProtocol

from bot.adapters.redis.checkpointer.cipher import DIGEST, Seal
from bot.adapters.redis.checkpointer.header import Header
from bot.adapters.redis.checkpointer.layout import CHUNK, HEADER, LIST, SEPARATOR, part, text
from core.errors import CorruptCheckpointError

Stored = bytes | None
"""What Redis gave for a field; None for a field that is not there."""

_COUNT, _COUNTS = struct.Struct(">I"), struct.Struct(">II")


class Codec:
    """Encodes and decodes what one thread holds, under its seal."""

    def __init__(self, serde: SerializerProtocol, seal: Seal) -> None:
        self._serde = serde
        self._seal = seal

    def dump(self, value: Any) -> bytes:
        """Return a value serialised, still to be closed."""
        kind, raw = self._serde.dumps_typed(value)
        return b"%b\0%b" % (kind.encode(), raw)

    def digest(self, plain: bytes) -> bytes:
        """Return what a list says of an element; after CHUNK, it is the field of that."""
        return self._seal.digest(plain)

    def close(self, name: bytes, plain: bytes) -> bytes:
        """Return the bytes that go to Redis."""
        if name[:1] == LIST:
            # The digests stay readable for the scripts, which have to find the elements; the seal vouches for them.
            return _COUNT.pack(len(plain) // DIGEST) + plain + self._seal.close(b"", name + plain)
        return self._seal.close(plain, name)

    def open(self, name: bytes, stored: Stored) -> bytes:
        """Return what was closed; CorruptCheckpointError for anything else."""
        if stored is None:
            raise CorruptCheckpointError("a part of a checkpoint is missing")
        if name[:1] != LIST:
            return self._seal.open(stored, name)
        try:
            end = _COUNT.size + DIGEST * _COUNT.unpack_from(stored)[0]
        except struct.error as error:
            raise CorruptCheckpointError("a list of a checkpoint is torn") from error
        digests = stored[_COUNT.size : end]
        if end > len(stored) or self._seal.open(stored[end:], name + digests) != b"":
            raise CorruptCheckpointError("a list of a checkpoint is torn")
        return digests

    def open_value(self, name: bytes, stored: Stored, pieces: Mapping[bytes, Stored]) -> Any:
        """Return the value that a field holds, for a list from `pieces` by name."""
        plain = self.open(name, stored)
        if name[:1] != LIST:
            return self.load(plain)
        names = [CHUNK + plain[start : start + DIGEST] for start in range(0, len(plain), DIGEST)]
        return [self.load(self.open(piece, pieces.get(piece))) for piece in names]

    def write(self, name: bytes, channel: str, value: Any) -> bytes:
        """Return the bytes of one pending write."""
        return self.close(name, part(channel) + SEPARATOR + self.dump(value))

    def open_write(self, name: bytes, stored: Stored) -> tuple[str, Any]:
        """Return the channel and the value of a pending write."""
        channel, plain = self.peek_write(name, stored)
        return channel, self.load(plain)

    def peek_write(self, name: bytes, stored: Stored) -> tuple[str, bytes]:
        """Return the channel of a pending write, and its value for `load`."""
        channel, _, plain = self.open(name, stored).partition(SEPARATOR)
        return text(channel), plain

    def load(self, plain: bytes) -> Any:
        """Return the value of a serialised one."""
        kind, _, raw = plain.partition(SEPARATOR)
        try:
            return self._serde.loads_typed((kind.decode(), raw))
        except CorruptCheckpointError:
            raise
        except Exception as error:
            raise CorruptCheckpointError(f"a checkpoint does not decode: {type(error).__name__}: {error}") from error

    def header(self, place: bytes, header: Header) -> bytes:
        """Return the bytes of a header: what scripts read of it, open and authenticated, and its body."""
        parts = [part(header.parent), *header.references, *header.unseeded]
        outside = _COUNTS.pack(len(header.references), len(header.unseeded))
        outside += b"".join(_COUNT.pack(len(each)) + each for each in parts)
        return outside + self._seal.close(self.dump(header.body), HEADER + place + outside)

    def open_header(self, place: bytes, stored: Stored) -> Header:
        """Return a header; its body is what it was made with."""
        if stored is None:
            raise CorruptCheckpointError("a checkpoint is listed and not there")
        try:
            references, unseeded = _COUNTS.unpack_from(stored)
            end, parts = _COUNTS.size, []
            for _ in range(1 + references + unseeded):
                start = end + _COUNT.size
                end = start + _COUNT.unpack_from(stored, end)[0]
                parts.append(stored[start:end])
        except struct.error as error:
            raise CorruptCheckpointError("a checkpoint's header is torn") from error
        body = self.load(self._seal.open(stored[end:], HEADER + place + stored[:end]))
        return Header(text(parts[0]), parts[1 : 1 + references], parts[1 + references :], body)
