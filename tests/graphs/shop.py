"""The real shop, its real notices and the real tools around a World: what the graphs see in the demo."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from bot.ingress.alertmanager import parse
from core.alert import AlertStatus
from core.evidence import Report
from core.ids import incident_thread_id
from core.incident import Incident
from demo.shop.shop import Shop
from graphs.context import InvestigatorConfig
from tests.fakes.effects import InMemoryEffects
from tests.fakes.waiting import wait_until
from tests.graphs.world import World, a_brief
from tools.catalogue import load_catalogue
from tools.environment import Environment, open_http
from tools.guard import Guard
from tools.registry import build_registry


class WallClock:
    """The real time: a real shop stamps its metrics with it."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class Ward:
    """A running shop, and a fresh World for each case."""

    shop: Shop
    environment: Environment
    config: InvestigatorConfig
    clock: WallClock = field(default_factory=WallClock)
    world: World = field(default_factory=World)
    notices: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)
    investigated: int = 0

    async def admit(self) -> World:
        """Return a world that knows nothing yet, around the running shop, once all is quiet.

        An alert that still fires would not be told again, and a case would wait for its first notice forever.
        """
        await wait_until(lambda: not self.shop.status()["alerts"], within=25)
        self.world = world = World(clock=self.clock, config=self.config, verify_within=25, verify_every=0.5)
        world.effects = InMemoryEffects(world.audit, world.approvals)
        world.toolbox = Guard(
            build_registry(self.environment),
            world.approvals,
            world.effects,
            world.audit,
            self.clock,
            lambda: False,
        )
        while not self.notices.empty():
            self.notices.get_nowait()
        return world

    async def take_notices(self, seconds: float) -> None:
        """Join the alerts of the notices that come within this time to incidents."""
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    body = await self.notices.get()
            except TimeoutError:
                return
            for alert in parse(body, self.clock.now()):
                if alert.status is AlertStatus.FIRING or any(
                    row.group_key == alert.group_key for row in await self.world.incidents.open()
                ):
                    await self.world.incidents.join(alert, self.clock.now())

    async def first_incident(self) -> Incident:
        """Return an incident as soon as there is one."""
        while not (found := await self.world.incidents.open()):
            await self.take_notices(0.2)
        return found[-1]

    async def investigate(self, incident: Incident) -> Report:
        """Run the first look at an incident."""
        self.investigated += 1
        brief = a_brief(
            number=self.investigated,
            clock=self.clock,
            thread_id=incident_thread_id(incident.id),
            incident_id=incident.id,
        )
        return await self.world.runner().investigate(brief)

    async def ask(self, question: str) -> Report:
        """Ask a question in one long conversation."""
        self.investigated += 1
        return await self.world.runner().investigate(a_brief(question, self.investigated, self.clock))

    def expected(self, fault: str) -> dict[str, Any]:
        """Return what the shop itself says is right."""
        return next(row["expected"] for row in self.shop.faults() if row["name"] == fault)


@asynccontextmanager
async def ward(data_dir: Path, *, warm_up: float = 4.0) -> AsyncIterator[Ward]:
    """Start the shop and let it run healthily for a moment."""
    notices: asyncio.Queue[Any] = asyncio.Queue()

    async def take(request: web.Request) -> web.Response:
        notices.put_nowait(await request.json())
        return web.Response()

    app = web.Application()
    app.router.add_post("/alerts", take)
    receiver = web.AppRunner(app, shutdown_timeout=0.1)
    await receiver.setup()
    try:
        await web.TCPSite(receiver, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{receiver.addresses[0][1]}/alerts"
        async with Shop(data_dir, webhook_url=url, webhook_token="t") as shop, open_http() as http:
            catalogue = load_catalogue(shop.catalogue_path)
            clock = WallClock()
            environment = Environment.of(catalogue, supervisor_token=shop.supervisor_token, http=http, clock=clock)
            await asyncio.sleep(warm_up)
            yield Ward(shop, environment, InvestigatorConfig.from_catalogue(catalogue), clock, notices=notices)
    finally:
        await receiver.cleanup()
