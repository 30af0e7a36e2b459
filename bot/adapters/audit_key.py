"""The Ed25519 key that signs the heads of history: a file, so that owning the database is not enough to forge one."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from core.audit_head import key_id_of
from core.errors import ConfigurationError

_PREFIX = "ed25519:"
_NOBODY_ELSES = 0o027  # a group may read it, as that of a mounted secret does


class AuditKey:
    """Implements core.audit_head.Signer."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key().public_bytes_raw()
        self.key_id = key_id_of(self.public)

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of the signature."""
        return self._private.sign(message)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Implements core.audit_head.Verifier over public keys by their ids."""

    keys: Mapping[str, bytes]

    @classmethod
    def of(cls, *public: bytes) -> "KeyRing":
        """Return the ring of these keys."""
        return cls({key_id_of(key): key for key in public})

    def knows(self, key_id: str) -> bool:
        """Whether that key's signatures can be checked."""
        return key_id in self.keys

    def verifies(self, key_id: str, message: bytes, signature: bytes) -> bool:
        """Whether that key has signed these bytes."""
        try:
            Ed25519PublicKey.from_public_bytes(self.keys[key_id]).verify(signature, message)
        except (InvalidSignature, ValueError, KeyError):
            return False
        return True


def public_text(public: bytes) -> str:
    """Return a public key as people pass it on."""
    return _PREFIX + public.hex()


def parse_public(text: str) -> bytes:
    """Return the public key that `public_text` wrote; ValueError for anything else."""
    raw = bytes.fromhex(text.strip().lower().removeprefix(_PREFIX))
    if len(raw) != 32:
        raise ValueError("a public key is written ed25519:HEX, as `audit key` prints it")
    return raw


def make_key(path: Path) -> AuditKey:
    """Return the key in the file, which is made where there is none, readable by its owner alone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _make(path)
    except OSError as error:
        raise ConfigurationError(f"AUDIT_KEY_FILE {path} cannot be made ({error.strerror})") from error
    return load_key(path)


def load_key(path: Path) -> AuditKey:
    """Return the key in the file; ConfigurationError when it is not there, is no such key or is open to others."""
    try:
        mode, pem = path.stat().st_mode, path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"AUDIT_KEY_FILE {path} cannot be read ({error.strerror})") from error
    if mode & _NOBODY_ELSES:
        raise ConfigurationError(f"AUDIT_KEY_FILE {path} is open to others: chmod 600 it, and think of a new key")
    try:
        private = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(f"AUDIT_KEY_FILE {path} holds no private key in PEM without a password") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise ConfigurationError(f"AUDIT_KEY_FILE {path} holds another kind of key than Ed25519")
    return AuditKey(private)


def _make(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    # Written aside and linked into place, so that of two processes both read the same whole key.
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
