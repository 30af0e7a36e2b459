"""Builds the doors of the signed API; like all of the web role, without LangGraph and, until somebody reads, without
SQLAlchemy."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from importlib import import_module
from urllib.parse import urlsplit

from starlette.routing import Route

from bot.adapters.redis.api_memory import RedisApiMemory
from bot.api_clients import open_clients
from bot.ingress.message_signatures import MessageVerifier
from bot.settings import Settings
from bot.web.api import Api
from bot.web.api_reading import ApiReading
from core.ports import Clock, Inbox

_DEFAULT_PORTS = {"http": 80, "https": 443}


def build_api(
    settings: Settings, queue: Inbox, memory: RedisApiMemory, clock: Clock, stack: AsyncExitStack
) -> Sequence[Route]:
    """Return the API's routes; none where no file names its clients."""
    clients = open_clients(settings.files.api_clients_file, clock)
    if clients is None:
        return ()

    reading = _Reading(settings.database_url, memory, clock, stack).get
    verifier = MessageVerifier(authority_of(settings.web.links), clients.key_of, clock)
    return Api(queue, clock, clients, verifier, memory, memory, reading).routes()


def authority_of(url: str) -> str:
    """Return host[:port] of an address as RFC 9421 signs it: in lower case, without a scheme's own port."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    return host if parts.port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f"{host}:{parts.port}"


@dataclass(slots=True)
class _Reading:
    """The rows, reached for when somebody first reads; others are served while SQLAlchemy is being loaded."""

    database_url: str
    memory: RedisApiMemory
    clock: Clock
    stack: AsyncExitStack
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    built: ApiReading | None = None

    async def get(self) -> ApiReading:
        async with self.turn:
            if self.built is None:
                await asyncio.to_thread(import_module, "bot.bootstrap.stores")
                from bot.adapters.database.engine import open_database
                from bot.bootstrap.stores import Stores

                database = open_database(self.database_url)
                self.stack.push_async_callback(database.close)
                stores = Stores.of(database, self.clock)
                self.built = ApiReading(stores.approvals, stores.approvals, stores.audit, self.memory)
        return self.built
