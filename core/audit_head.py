"""A head of the chain, signed: what a copy outside the database proves about the rows inside it.

The line that a head is written as has nothing in it that a chat could turn into something else: small letters, digits
and single spaces.
"""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple, Protocol, Self

from core.audit_chain import Head

# Names the bytes that are signed; other bytes need another label.
_LABEL = "watchkeeper head 1"
_WORD = "watchkeeperhead1"
_AT = "%Y%m%dt%H%M%Sz"
# Copied out of a chat, a line may be broken anywhere between its words, in whatever kind of space.
_SPACE = r"[\s\u00a0\u200b\ufeff>]+"
_LINE = re.compile(
    _SPACE.join([_WORD, r"([1-9][0-9]{0,17})", r"([0-9a-f]{64})", r"(\d{8}t\d{6}z)", r"([0-9a-f]{16})"])
    + _SPACE
    + r"([0-9a-f]{128})(?![0-9a-f])"
)


class SignedHead(NamedTuple):
    """Somebody's word that at that moment (UTC, whole seconds) the chain ended with that row.

    `hash` is 64, `key_id` 16 and `signature` 128 hex digits.
    """

    sequence: int
    hash: str
    at: datetime
    key_id: str
    signature: str

    @property
    def head(self) -> Head:
        """The head that was signed."""
        return Head(self.sequence, self.hash)

    @property
    def message(self) -> bytes:
        """The bytes that the signature is over: everything but itself."""
        return f"{_LABEL}\n{self.sequence}\n{self.hash}\n{self.at:{_AT}}\n{self.key_id}\n".encode("ascii")

    def __str__(self) -> str:
        return f"{_WORD} {self.sequence} {self.hash} {self.at:{_AT}} {self.key_id} {self.signature}"

    def as_json(self) -> str:
        """Return the head as a line of the heads file, without its end."""
        return json.dumps(self._asdict() | {"at": self.at.strftime("%Y-%m-%dT%H:%M:%SZ")}, separators=(",", ":"))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the one head in what `as_json` or `str` wrote; ValueError for anything else."""
        found = cls._of_json(text) if text.lstrip().startswith("{") else next(cls.find_in(text), None)
        if found is None:
            raise ValueError("this is no signed head")
        return found

    @classmethod
    def find_in(cls, text: str) -> Iterator[Self]:
        """Yield each head that stands in a text among whatever else."""
        for sequence, own_hash, at, key_id, signature in _LINE.findall(text.lower()):
            try:
                moment = datetime.strptime(at, _AT).replace(tzinfo=UTC)
            except ValueError:
                continue
            yield cls(int(sequence), own_hash, moment, key_id, signature)

    @classmethod
    def _of_json(cls, text: str) -> Self | None:
        try:
            fields = json.loads(text)
            moment = datetime.strptime(fields["at"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
            words = [str(fields[name]) for name in ("sequence", "hash", "key_id", "signature")]
        except (ValueError, TypeError, KeyError):
            return None
        # One set of rules for both forms.
        sequence, own_hash, key_id, signature = words
        line = f"{_WORD} {sequence} {own_hash} {moment:{_AT}} {key_id} {signature}"
        return next(cls.find_in(line), None) if _LINE.fullmatch(line) else None


class Signer(Protocol):
    """Who has the private key."""

    @property
    def key_id(self) -> str:
        """Sixteen hex digits that name the key."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of the signature."""
        ...


class Verifier(Protocol):
    """Who knows public keys."""

    def knows(self, key_id: str) -> bool:
        """Whether that key's signatures can be checked."""
        ...

    def verifies(self, key_id: str, message: bytes, signature: bytes) -> bool:
        """Whether that key has signed these bytes."""
        ...


def sign_head(head: Head, at: datetime, signer: Signer) -> SignedHead:
    """Return the head, signed as it stands at that moment."""
    draft = SignedHead(head.sequence, head.hash, at.astimezone(UTC).replace(microsecond=0), signer.key_id, "")
    return draft._replace(signature=signer.sign(draft.message).hex())


def fault_of(head: SignedHead, verifier: Verifier) -> str:
    """Return what is wrong with a head's signature, or an empty text."""
    if not verifier.knows(head.key_id):
        return f"the head of row {head.sequence} is signed with the unknown key {head.key_id}"
    if not verifier.verifies(head.key_id, head.message, bytes.fromhex(head.signature)):
        return f"the head of row {head.sequence} does not bear the signature of key {head.key_id}: it was forged"
    return ""


def key_id_of(public_key: bytes) -> str:
    """Return the sixteen hex digits that a public key goes by."""
    return sha256(public_key).hexdigest()[:16]


class Collected(NamedTuple):
    """What was found where heads are kept: those that count, and a sentence for each that does not."""

    heads: tuple[SignedHead, ...]
    faults: tuple[str, ...]


def collect_heads(text: str, verifier: Verifier) -> Collected:
    """Return the heads of a heads file, or of lines copied out of a chat, each once, in order.

    A last line of a heads file that has no end is a write that a crash cut off: nobody was told of that head.
    """
    heads: dict[str, SignedHead] = {}
    faults: dict[str, None] = {}
    for name, found in _pieces(text):
        wrong = fault_of(found, verifier) if found is not None else f"{name} holds no head that can be read"
        if wrong:
            faults[wrong] = None
        elif found is not None:
            heads[str(found)] = found
    ordered = sorted(heads.values(), key=lambda head: (head.sequence, head.at))
    return Collected(tuple(ordered), tuple(faults))


def _pieces(text: str) -> Iterable[tuple[str, SignedHead | None]]:
    pasted: list[str] = []
    lines = text.split("\n")
    for number, line in enumerate(lines, start=1):
        if not line.lstrip().startswith("{"):
            pasted.append(line)
        elif number < len(lines) or line.rstrip().endswith("}"):
            yield f"line {number}", _parsed(line)
    talk = "\n".join(pasted)
    found = list(SignedHead.find_in(talk))
    for head in found:
        yield "a line", head
    for _ in range(talk.lower().count(_WORD) - len(found)):
        yield "a pasted line", None


def _parsed(line: str) -> SignedHead | None:
    try:
        return SignedHead.parse(line)
    except ValueError:
        return None
