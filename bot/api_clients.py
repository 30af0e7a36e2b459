"""The file that names who may call the API, with which key, and for what; read again when it changes."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bot.ingress.message_signatures import Key
from core.api_client import ApiClient
from core.errors import ConfigurationError
from core.ports import Clock
from tools.operator_file import read_yaml

_log = structlog.get_logger(__name__)
_SETTING = "API_CLIENTS_FILE"
_EVERY = timedelta(seconds=2)
_SHORTEST_SECRET = 32
_SPKI = bytes.fromhex("302a300506032b6570032100")  # what stands before the 32 bytes of an Ed25519 key in DER (RFC 8410)


@dataclass(frozen=True, slots=True)
class SharedSecret:
    """Implements Key: both sides hold it, so the client cannot be told from us."""

    secret: bytes = field(repr=False)
    algorithm: str = "hmac-sha256"

    def proves(self, signature: bytes, base: bytes) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(hmac.new(self.secret, base, hashlib.sha256).digest(), signature)


class PublicKey:
    """Implements Key: an Ed25519 key, of which only the client holds the other half."""

    algorithm = "ed25519"

    def __init__(self, raw: bytes) -> None:
        from cryptography.exceptions import InvalidSignature  # late: only for those who have such clients
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        self._key, self._refusal = Ed25519PublicKey.from_public_bytes(raw), InvalidSignature

    def proves(self, signature: bytes, base: bytes) -> bool:
        """Verify."""
        try:
            self._key.verify(signature, base)
        except self._refusal:
            return False
        return True


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Entry(_Strict):
    """One client as operators write it."""

    ed25519: str = ""
    hmac_file: str = ""
    may_ask: bool = False
    may_read: bool = True
    may_vote_for: tuple[Annotated[str, Field(pattern=r"^[UW][A-Z0-9]{2,30}$")], ...] = ()

    @model_validator(mode="after")
    def _has_one_key(self) -> "_Entry":
        if bool(self.ed25519) == bool(self.hmac_file):
            raise ValueError("needs either ed25519 or hmac_file")
        return self


class _File(_Strict):
    version: Literal[1]
    clients: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")], _Entry]


@dataclass(frozen=True, slots=True)
class KnownClient:
    """A client with what proves it."""

    rights: ApiClient
    key: Key


def load_clients(path: Path) -> Mapping[str, KnownClient]:
    """Return the clients by id; ConfigurationError in one line names the first fault. A secret's file is looked for
    beside this one."""
    _, parsed = read_yaml(path, _SETTING)
    try:
        file = _File.model_validate(parsed)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise ConfigurationError(f"{_SETTING} {path}: {where}: {fault['msg'].removeprefix('Value error, ')}") from None
    rights = {"may_ask", "may_read", "may_vote_for"}
    return {
        name: KnownClient(rights=ApiClient(id=name, **entry.model_dump(include=rights)), key=_key(path, name, entry))
        for name, entry in file.clients.items()
    }


def _key(path: Path, name: str, entry: _Entry) -> Key:
    if entry.ed25519:
        try:
            raw = base64.b64decode(entry.ed25519, validate=True).removeprefix(_SPKI)
        except ValueError:
            raw = b""
        if len(raw) != 32:
            raise ConfigurationError(f"{_SETTING} {path}: clients.{name}.ed25519 is no public key of Ed25519 in base64")
        return PublicKey(raw)
    try:
        secret = (path.parent / entry.hmac_file).read_bytes().strip()
    except OSError as error:
        raise ConfigurationError(
            f"{_SETTING} {path}: clients.{name}.hmac_file cannot be read ({error.strerror})"
        ) from error
    if len(secret) < _SHORTEST_SECRET:
        raise ConfigurationError(
            f"{_SETTING} {path}: clients.{name}.hmac_file holds less than {_SHORTEST_SECRET} bytes; "
            "make it with: openssl rand -base64 48"
        )
    return SharedSecret(secret)


class LiveClients:
    """The newest file that was whole: a client that is struck out is refused within seconds, without a restart."""

    def __init__(self, load: Callable[[], Mapping[str, KnownClient]], clock: Clock) -> None:
        self._load = load
        self._clock = clock
        self._known = load()
        self._read_at: datetime = clock.now()
        self._fault = ""

    async def of(self, client_id: str) -> KnownClient | None:
        """Return the client, or None for one that is not in the file."""
        now = self._clock.now()
        if abs(now - self._read_at) >= _EVERY:
            self._read_at = now
            await self._refresh()
        return self._known.get(client_id)

    async def key_of(self, client_id: str) -> Key | None:
        """Return what proves the client."""
        known = await self.of(client_id)
        return known.key if known else None

    async def _refresh(self) -> None:
        try:
            self._known = await asyncio.to_thread(self._load)
            self._fault = ""
        except ConfigurationError as error:
            if str(error) != self._fault:
                self._fault = str(error)
                _log.error("api_clients_refused", error=self._fault)


def open_clients(path: str, clock: Clock) -> LiveClients | None:
    """Return the clients, or None where no file names any; ConfigurationError when the file is at fault."""
    return LiveClients(partial(load_clients, Path(path)), clock) if path else None
