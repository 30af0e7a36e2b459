"""Giving one thread's fields to another: opened under the one's seal and closed under the other's."""

from collections.abc import Mapping

from bot.adapters.redis.checkpointer.cipher import DIGEST
from bot.adapters.redis.checkpointer.codec import Codec
from bot.adapters.redis.checkpointer.layout import CHUNK, HEADER, LIST, SEEDS, VALUE, WRITE


def resealed(fields: Mapping[bytes, bytes], source: Codec, target: Codec) -> dict[bytes, bytes]:
    """Return the fields as the target thread stores them, without what belongs to the source alone (its fence).

    Elements of lists get the names that the target's seal gives them, and lists are made of these."""
    chunks = {name: source.open(name, stored) for name, stored in fields.items() if name[:1] == CHUNK}
    renamed = {name: CHUNK + target.digest(plain) for name, plain in chunks.items()}
    copied = {renamed[name]: target.close(renamed[name], plain) for name, plain in chunks.items()}
    for name, stored in fields.items():
        kind = name[:1]
        if kind == HEADER:
            copied[name] = target.header(name[1:], source.open_header(name[1:], stored))
        elif kind == LIST:
            plain = source.open(name, stored)
            digests = [renamed[CHUNK + plain[start : start + DIGEST]][1:] for start in range(0, len(plain), DIGEST)]
            copied[name] = target.close(name, b"".join(digests))
        elif kind in (VALUE, WRITE):
            copied[name] = target.close(name, source.open(name, stored))
        elif kind == SEEDS:
            copied[name] = stored
    return copied
