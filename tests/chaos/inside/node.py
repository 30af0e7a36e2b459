"""One worker with connections of its own, assembled as the worker role is, that can be killed at any of its calls."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any
from unittest import mock

import httpx
from slack_bolt.authorization import AuthorizeResult

from bot.adapters.redis.checkpointer import RedisSaver
from bot.adapters.redis.connection import connect
from bot.adapters.redis.lease import RedisLease
from bot.adapters.redis.queue import RedisQueue
from bot.app import build_app
from bot.bootstrap.stores import Stores
from bot.cards.dead_letters import DeadLetterCards
from bot.cards.slack_cards import SlackCards
from bot.dead_letters import DeadLetterOffice
from bot.delivery import Delivery
from bot.directory import SlackDirectory
from bot.places import Places
from bot.policy_file import LivePolicy
from bot.services import Services
from bot.web.links import TimelineLinks
from bot.worker import Worker
from core.event import Event
from core.policy import Policy
from core.ports import Clock
from core.services.alert_intake import AlertIntake
from core.services.approval_desk import ApprovalDesk
from core.services.dead_letters import DeadLetterDesk
from core.services.drift import DriftWatch
from core.services.editing import Editing
from core.services.freeze import FreezeSwitch
from core.services.grant_book import GrantBook
from core.services.granting import Granting
from core.services.investigation import Investigation
from core.services.leftovers import Leftovers
from core.services.remediation import Remediation
from core.services.sweeper import Sweeper
from graphs.context import GraphContext, InvestigatorConfig, KnownService
from graphs.investigation import graph as investigation
from graphs.remediation import graph as remediation
from graphs.runner import LangGraphRunner
from tests.chaos.inside.board import BOT, INCIDENTS, Board, BoardClient
from tests.chaos.inside.knobs import LOOKED, SERVICES, Knobs
from tests.chaos.inside.plug import Plug, PluggedDatabase, PluggedRedis, bury
from tests.chaos.inside.policies import Reigns
from tests.chaos.inside.rows import open_rows
from tools.environment import Environment, Service
from tools.forms import ArgumentForms
from tools.guard import Guard
from tools.registry import Registry
from tools.secrets import SecretFilter

Tick = Callable[[], Awaitable[None]]
LEASE = timedelta(seconds=0.4)
SETTLE = 0.05
TOOL_TIMEOUT = 0.2


@dataclass
class World:
    """What all workers share and none of them owns."""

    redis_url: str
    database_url: str
    clock: Clock
    policy: Policy
    board: Board
    knobs: Knobs
    canary: str
    http: httpx.AsyncClient
    reigns: Reigns
    calls: int = 0
    slow: Random | None = None
    handled: list[str] = field(default_factory=list[str])
    deaths: list[str] = field(default_factory=list[str])
    broken_off: list[str] = field(default_factory=list[str])

    def delay(self) -> float:
        """Count a call of some worker, and return how many seconds it is held up."""
        self.calls += 1
        return self.slow.choice((0.0, 0.0, 0.001, 0.004)) if self.slow else 0.0


class Node:
    """Built by `start`; `kill` leaves what kill -9 leaves, `close` gives back the memory either way."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.name = world, name
        self.plug = Plug(self._died, world.delay)
        self.redis = _plugged_redis(world.redis_url, self.plug)
        opened = open_rows(world.database_url)
        self.database = PluggedDatabase(opened.engine, plug=self.plug)
        self.client = BoardClient(world.board, self.plug)
        self.queue = RedisQueue(
            self.redis, consumer=name, lease=LEASE, pause=timedelta(seconds=0.01), longest_pause=timedelta(seconds=0.1)
        )
        self._stores = Stores.of(self.database, world.clock)
        self.services, self.ticks = self._assemble()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._funeral: asyncio.Task[None] | None = None

    def _assemble(self) -> tuple[Services, list[Tick]]:
        world, client, queue, stores = self.world, self.client, self.queue, self._stores
        directory = SlackDirectory(client, world.clock)
        lease = RedisLease(self.redis, ttl=LEASE, wait=timedelta(seconds=2))
        cards = SlackCards(
            client, incidents=stores.incidents, reports=stores.reports, approvals=stores.approvals,
            approval_queue=stores.approvals, audit=stores.audit, directory=directory,
            links=TimelineLinks("https://bot.example", "a secret of this test", world.clock),
            incident_channel=INCIDENTS, lease=lease,
        )  # fmt: skip
        self.policy = LivePolicy(lambda: world.policy, stores.audit, world.clock, world.policy)
        freeze = FreezeSwitch(stores.switches, directory, stores.audit, world.clock, lambda: self.policy.freezers)
        desk = ApprovalDesk(
            stores.approvals, directory, self.policy, queue, stores.audit, world.clock, frozen=freeze.why
        )
        registry = self._registry()

        async def frozen() -> bool:
            LOOKED.set(world.clock.now())
            return await freeze.frozen()

        guard = Guard(
            registry, stores.approvals, stores.effects, stores.audit, world.clock, frozen,
            settle_seconds=SETTLE, skew_seconds=0.0, in_force=lambda sha256: sha256 == self.policy.sha256,
        )  # fmt: skip
        context = GraphContext(
            toolbox=guard, approvals=stores.approvals, approval_queue=stores.approvals, desk=desk,
            effects=stores.effects, incidents=stores.incidents, reports=stores.reports, cards=cards,
            audit=stores.audit, clock=world.clock,
            config=InvestigatorConfig({name: KnownService("prod", calls) for name, calls in SERVICES.items()}),
            verify_within=timedelta(milliseconds=20), verify_every=timedelta(milliseconds=1),
        )  # fmt: skip
        saver = RedisSaver(self.redis, ttl=timedelta(hours=1))
        runner = _runner(saver, context, lease)
        remediation = Remediation(runner, stores.approvals, stores.approvals, queue, world.clock)
        clock, audit, incidents, reports = world.clock, stores.audit, stores.incidents, stores.reports
        services = Services(
            desk=desk, investigation=Investigation(runner, incidents, reports, remediation, cards, audit, clock),
            remediation=remediation, intake=AlertIntake(incidents, reports, cards, queue, audit, clock),
            incidents=incidents, reports=reports, approvals=stores.approvals, approval_queue=stores.approvals,
            cards=cards, directory=directory, audit=audit, queue=queue, clock=clock,
            approvers=lambda: self.policy.members,
            dead_letters=DeadLetterDesk(stores.deliveries, audit, clock),
            freeze=freeze,
            editing=Editing(
                desk, stores.approvals, stores.approvals, guard, ArgumentForms(registry), runner, cards, queue, clock
            ),
            granting=Granting(
                GrantBook(stores.grants, directory, self.policy, audit, clock), stores.approvals, stores.approvals
            ),
        )  # fmt: skip
        sweeper = Sweeper(stores.approvals, stores.approvals, incidents, cards, queue, clock)
        left = Leftovers(
            stores.approvals, stores.approvals, stores.effects, incidents, reports, guard, context.endings, queue,
            clock, stores.deliveries,
        )  # fmt: skip
        letters = DeadLetterCards(client, INCIDENTS)
        places = Places(incidents, stores.approvals)
        office = DeadLetterOffice(stores.deliveries, queue, letters, context.human, places)
        drift = DriftWatch(guard, self.policy, stores.approvals, stores.approvals, cards, queue, clock)
        return services, [sweeper.tick, left.tick, office.tick, drift.tick]

    def _registry(self) -> Registry:
        listed = [
            Service(name=name, env="prod", url="http://127.0.0.1:9", depends_on=calls)
            for name, calls in SERVICES.items()
        ]
        http = self.world.http
        environment = Environment(
            listed, None, None, "", http, self.world.clock, SecretFilter(known=(self.world.canary,))
        )
        return Registry(environment, self.world.knobs.specs(self.plug, TOOL_TIMEOUT))

    def start(self) -> None:
        """Take events until it dies."""
        identity = AuthorizeResult(
            enterprise_id=None, team_id="T0", bot_user_id=BOT["user_id"], bot_id=BOT["bot_id"], bot_token="xoxb-none"
        )
        app = build_app(self.services, identity, self.client)
        app.use(self._with_client)
        worker = Worker(app, self.services, pause=0.0, ours=frozenset({BOT["user_id"], BOT["bot_id"]}))

        async def handle(event: Event) -> None:
            running = self.world.reigns.begin()
            try:
                await worker.handle(event)
            except BaseException as error:
                self.world.broken_off.append(f"{event.id} {type(error).__name__}: {error}")
                raise
            finally:
                self.world.reigns.end(running, self.world.clock.now())
            self.world.handled.append(event.id)

        delivery = Delivery(handle, self._stores.deliveries, self.world.clock)
        self.run(self.queue.consume(delivery.handle, 32, 0.0))

    async def _with_client(self, context: Any, next: Callable[[], Awaitable[Any]]) -> Any:
        context["client"] = self.client
        return await next()

    def run(self, work: Any) -> "asyncio.Task[Any]":
        """Run something as a part of this worker: it dies with it."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        return task

    @property
    def alive(self) -> bool:
        """False once it was killed."""
        return not self.plug.pulled

    def kill(self) -> None:
        """End it as kill -9 would, now."""
        self.plug.pull()

    def _died(self) -> None:
        self.world.deaths.append(f"{self.name} {self.plug.last}".strip())
        self._funeral = asyncio.ensure_future(self._bury())

    async def _bury(self) -> None:
        # The server sees the connections close, so that what it is still asked for goes to nobody.
        await self.redis.connection_pool.disconnect()
        await bury(self._tasks)

    async def close(self) -> None:
        """Give everything back."""
        self.kill()
        assert self._funeral is not None
        await self._funeral
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.redis.connection_pool.disconnect()
        await self.database.engine.dispose()


INVESTIGATION, REMEDIATION = investigation.compile_graph(), remediation.compile_graph()


def _runner(saver: RedisSaver, context: GraphContext, lease: RedisLease) -> LangGraphRunner:
    """Compile the graphs once for all workers: that takes longer than most schedules do."""
    with ExitStack() as stack:
        for module, graph in ((investigation, INVESTIGATION), (remediation, REMEDIATION)):
            copied = graph.copy({"checkpointer": saver})
            stack.enter_context(mock.patch.object(module, "compile_graph", lambda saver, copied=copied: copied))
        return LangGraphRunner(saver, context, lease)


def _plugged_redis(url: str, plug: Plug) -> PluggedRedis:
    client = PluggedRedis(connection_pool=connect(url).connection_pool)
    client.plug = plug
    return client
