"""The doors of the API as the web role has them, over memory only, and what stands in their way piece by piece."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bot.api_clients import LiveClients, load_clients
from bot.ingress.message_signatures import MessageVerifier
from bot.web.api import Api
from bot.web.api_reading import ApiReading
from bot.web.pace import Pace
from bot.web.site import build_site
from tests.fakes.api_caller import Caller, write_clients
from tests.fakes.api_memory import InMemoryApiMemory
from tests.fakes.approvals import InMemoryApprovals
from tests.fakes.audit import InMemoryAudit
from tests.fakes.clock import FakeClock
from tests.fakes.queue import InMemoryQueue

AUTHORITY = "watchkeeper.example"


@dataclass
class Doors:
    """The site and what lies behind it; `caller` is known with all rights, `clock` is the bot's."""

    folder: Path
    clock: FakeClock
    caller: Caller
    queue: Any = field(default_factory=InMemoryQueue)
    memory: InMemoryApiMemory = field(default_factory=InMemoryApiMemory)
    approvals: InMemoryApprovals = field(default_factory=InMemoryApprovals)
    audit: InMemoryAudit = field(default_factory=InMemoryAudit)

    def api(self, pace: Pace | None = None) -> Api:
        """Return the API over a file that names the caller."""
        path = write_clients(
            self.folder / "api_clients.yaml", (self.caller, {"may_ask": True, "may_vote_for": ["U0ALICE"]})
        )
        clients = LiveClients(lambda: load_clients(path), self.clock)
        reading = ApiReading(self.approvals, self.approvals, self.audit, self.memory)
        verifier = MessageVerifier(AUTHORITY, clients.key_of, self.clock)
        memory = self.memory

        async def rows() -> ApiReading:
            return reading

        return Api(self.queue, self.clock, clients, verifier, memory, memory, rows, pace or Pace())

    @asynccontextmanager
    async def open(self, pace: Pace | None = None) -> AsyncIterator[httpx.AsyncClient]:
        """Yield a client of the site; what the site raises is answered 500, as a server would."""
        site = build_site(self.api(pace).routes())
        transport = httpx.ASGITransport(app=site, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{AUTHORITY}") as http:
            yield http
