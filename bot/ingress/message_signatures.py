"""Who sent a request to the API: HTTP Message Signatures (RFC 9421), in one strict profile.

One signature over method, authority, path, query, the body's digest (RFC 9530) and the idempotency key, with the time
and a nonce beside it. Whatever is written in another form is refused; nothing that comes from outside raises anything
but UnsignedError.
"""

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from core.errors import RefusedError
from core.ports import Clock

WINDOW = timedelta(minutes=5)
ACCEPTED = 'sig=("@method" "@authority" "@path" "@query" "content-digest" "idempotency-key");created;nonce;keyid'
"""What a client is told to sign (RFC 9421, section 5.1)."""
_LONGEST = 2048
_INPUT = re.compile(
    r'(?P<label>[a-z][a-z0-9_-]{0,31})=(?P<params>\((?P<names>"[a-z0-9@-]+"(?: "[a-z0-9@-]+")*)\)'
    r'(?P<rest>(?:;[a-z]+=(?:[0-9]{1,12}|"[\x20\x21\x23-\x5b\x5d-\x7e]*"))+))'
)
_PARAMETER = re.compile(r';([a-z]+)=(?:([0-9]+)|"([^"]*)")')
_SIGNATURE = re.compile(r"(?P<label>[a-z][a-z0-9_-]{0,31})=:(?P<bytes>[A-Za-z0-9+/]+={0,2}):")
_NONCE = range(16, 129)


class UnsignedError(RefusedError):
    """The sender gets the sentence with status 401."""


class Key(Protocol):
    """What proves one client."""

    @property
    def algorithm(self) -> str:
        """Return its name in RFC 9421's registry."""
        ...

    def proves(self, signature: bytes, base: bytes) -> bool:
        """True when whoever holds the other half signed these bytes; never raises."""
        ...


KeyOf = Callable[[str], Awaitable[Key | None]]


@dataclass(frozen=True, slots=True)
class Message:
    """A request as it came; `headers` holds every line of each header, under its name in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, Sequence[str]]
    body: bytes

    def line(self, name: str) -> str:
        """Return the header's one line; UnsignedError for none and for several, as others may read another one."""
        lines = self.headers.get(name, ())
        if len(lines) != 1:
            raise UnsignedError(f"Send the header {name} once: it came {len(lines)} times.")
        return lines[0].strip(" \t")


@dataclass(frozen=True, slots=True)
class Proof:
    """Who signed, and the nonce that makes this request different from every other one of theirs."""

    client: str
    nonce: str


@dataclass(frozen=True, slots=True)
class MessageVerifier:
    """`authority` is host[:port] as clients reach us: told to us and not taken from the request, so that what was
    signed for another installation is not good here."""

    authority: str
    key_of: KeyOf
    clock: Clock

    async def prove(self, message: Message) -> Proof:
        """Return who signed the message within five minutes of now; UnsignedError says what to sign anew."""
        names, parameters, params, signature = _read(message)
        for name in _needed(message):
            if name not in names:
                raise UnsignedError(f"The signature must cover {name}: sign the request again with it.")
        self._check_time(parameters)
        client, nonce = parameters.get("keyid", ""), parameters.get("nonce", "")
        if len(nonce) not in _NONCE:
            raise UnsignedError("The signature needs a nonce of 16 to 128 characters, a new one for each request.")
        if "content-digest" in names and not _digest_fits(message):
            raise UnsignedError("Content-Digest must hold the sha-256 of the body as it is sent: sign it again.")
        base = signature_base(names, params, lambda name: self._value(message, name)).encode("utf-8", "surrogatepass")
        key = await self.key_of(client)
        if key is None or parameters.get("alg", key.algorithm) != key.algorithm or not key.proves(signature, base):
            raise UnsignedError(
                f"The signature does not fit: check keyid, key and algorithm, and that @authority is {self.authority}."
            )
        return Proof(client, nonce)

    def _check_time(self, parameters: Mapping[str, str]) -> None:
        now = self.clock.now().timestamp()
        created, expires = parameters.get("created", ""), parameters.get("expires", "")
        if not created.isdigit() or abs(now - int(created)) > WINDOW.total_seconds():
            raise UnsignedError(
                f"created must be within five minutes of now ({int(now)}): check the clock, then sign it again."
            )
        if expires and (not expires.isdigit() or int(expires) <= now):
            raise UnsignedError("The signature has expired: sign it again.")

    def _value(self, message: Message, name: str) -> str:
        match name:
            case "@method":
                return message.method
            case "@authority":
                return self.authority
            case "@path":
                return message.path
            case "@query":
                return f"?{message.query}"
            case _ if name.startswith("@"):
                raise UnsignedError(f"The signature covers {name}, which is not known here: sign it without.")
            case _:
                return message.line(name)


def signature_base(names: Sequence[str], params: str, value_of: Callable[[str], str]) -> str:
    """Return the text that is signed (RFC 9421, section 2.5); `params` is what stands behind the label."""
    lines = [f'"{name}": {value_of(name)}' for name in names]
    return "\n".join([*lines, f'"@signature-params": {params}'])


def content_digest(body: bytes) -> str:
    """Return the header Content-Digest for a body."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def _read(message: Message) -> tuple[Sequence[str], Mapping[str, str], str, bytes]:
    """Return the covered components, the parameters, both as they were written, and the signature."""
    told, shown = message.line("signature-input"), message.line("signature")
    found = _INPUT.fullmatch(told) if len(told) <= _LONGEST else None
    signed = _SIGNATURE.fullmatch(shown) if len(shown) <= _LONGEST else None
    if found is None or signed is None or found["label"] != signed["label"]:
        raise UnsignedError(f"Sign the request once (RFC 9421), in this form: {ACCEPTED}")
    names = [name.strip('"') for name in found["names"].split(" ")]
    pairs = [(name, number or words) for name, number, words in _PARAMETER.findall(found["rest"])]
    if len(set(names)) != len(names) or len(dict(pairs)) != len(pairs):
        raise UnsignedError("The signature names something twice: sign it again with each once.")
    try:
        signature = base64.b64decode(signed["bytes"], validate=True)
    except ValueError:
        raise UnsignedError("The signature is not base64: sign it again.") from None
    return names, dict(pairs), found["params"], signature


def _needed(message: Message) -> list[str]:
    needed = ["@method", "@authority", "@path"]
    needed += ["@query"] if message.query else []
    needed += ["content-digest"] if message.body or message.method not in ("GET", "HEAD") else []
    return needed + (["idempotency-key"] if "idempotency-key" in message.headers else [])


def _digest_fits(message: Message) -> bool:
    members = [member.strip() for member in message.line("content-digest").split(",")]
    return [member for member in members if member.startswith("sha-256=")] == [content_digest(message.body)]
