"""What turns bytes into what Redis is given: nothing but a mark, or authenticated encryption bound to where they lie.

Encrypted bytes open only in the thread and under the name that they were sealed for, so nothing can be moved between
threads, checkpoints or fields. What is not hidden: ids, namespaces, channel names, how many elements a list has and
which of them are equal within one thread. What is not prevented: who can write to Redis can delete, or put back what
was there before.
"""

import hmac
import secrets
import struct
from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from typing import Protocol
from zlib import crc32

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.errors import CorruptCheckpointError

DIGEST = 16
"""Bytes of a digest."""

KEY = 32
"""Bytes of a key."""

_PLAIN, _SEALED = b"\0", b"\1"
_NONCE = 12
_CHECKSUM = struct.Struct(">I")


class Seal(Protocol):
    """Guards what one thread stores."""

    def close(self, plain: bytes, name: bytes) -> bytes:
        """Return what to store of `plain` under `name`; bytes in `name` are authenticated, not stored."""
        ...

    def open(self, stored: bytes, name: bytes) -> bytes:
        """Return what was closed under that name; CorruptCheckpointError for anything else."""
        ...

    def digest(self, plain: bytes) -> bytes:
        """Return 16 bytes that stand for `plain` within this thread."""
        ...


class PlainSeal:
    """Stores bytes readable by anybody, with a checksum: a flipped bit is found, a forger is not stopped."""

    def close(self, plain: bytes, name: bytes) -> bytes:
        """Return the bytes with a mark and a checksum before them."""
        return _PLAIN + _CHECKSUM.pack(crc32(plain, crc32(name))) + plain

    def open(self, stored: bytes, name: bytes) -> bytes:
        """Return the bytes; CorruptCheckpointError for those that are encrypted or not what was written there."""
        if stored[:1] != _PLAIN:
            raise CorruptCheckpointError("a checkpoint is encrypted, or torn, and there is no key")
        plain = stored[1 + _CHECKSUM.size :]
        if stored[1 : 1 + _CHECKSUM.size] != _CHECKSUM.pack(crc32(plain, crc32(name))):
            raise CorruptCheckpointError("a checkpoint is torn: its checksum differs")
        return plain

    def digest(self, plain: bytes) -> bytes:
        """Return BLAKE2b."""
        return blake2b(plain, digest_size=DIGEST).digest()


class AeadSeal:
    """AES-256-GCM under a key of the thread's own, which is derived from the saver's."""

    def __init__(self, key: bytes, thread: bytes) -> None:
        self._cipher = AESGCM(_derived(key, b"seal", thread))
        # Keyed: equal texts in two threads have digests that nobody without the key can compare.
        self._digest_key = _derived(key, b"digest", thread)

    def close(self, plain: bytes, name: bytes) -> bytes:
        """Return mark, nonce and ciphertext."""
        nonce = secrets.token_bytes(_NONCE)
        return _SEALED + nonce + self._cipher.encrypt(nonce, plain, name)

    def open(self, stored: bytes, name: bytes) -> bytes:
        """Return the plaintext; CorruptCheckpointError for plaintext, and for what was changed or moved."""
        if stored[:1] != _SEALED:
            raise CorruptCheckpointError("a checkpoint is not encrypted, and there is a key")
        try:
            return self._cipher.decrypt(stored[1 : 1 + _NONCE], stored[1 + _NONCE :], name)
        except (InvalidTag, ValueError) as error:
            raise CorruptCheckpointError("a checkpoint fails its authentication") from error

    def digest(self, plain: bytes) -> bytes:
        """Return keyed BLAKE2b."""
        return blake2b(plain, digest_size=DIGEST, key=self._digest_key).digest()


def sealing(key: bytes | None) -> Callable[[bytes], Seal]:
    """Return what makes a thread's seal from its name; ValueError when a key is not 32 bytes long."""
    if key is None:
        plain = PlainSeal()
        return lambda thread: plain
    if len(key) != KEY:
        raise ValueError(f"an encryption key is {KEY} bytes long, not {len(key)}")
    return lru_cache(maxsize=1024)(lambda thread: AeadSeal(key, thread))


def _derived(key: bytes, purpose: bytes, thread: bytes) -> bytes:
    return hmac.digest(key, purpose + b"\0" + thread, "sha256")
