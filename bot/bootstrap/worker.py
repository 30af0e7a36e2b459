"""Builds the worker role: stores, tools, graphs and the Bolt app that runs listeners."""

import os
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.clock import SystemClock
from bot.adapters.database.engine import Database, open_database
from bot.adapters.database.migrate import migrate
from bot.adapters.redis.answers import RedisAnswers
from bot.adapters.redis.api_memory import RedisApiMemory
from bot.adapters.redis.checkpointer import RedisSaver, open_saver
from bot.adapters.redis.connection import connect
from bot.adapters.redis.heartbeat import Heartbeat
from bot.adapters.redis.inspection import inspect, reach, require_durable
from bot.adapters.redis.lease import RedisLease
from bot.adapters.redis.marker import Marker
from bot.adapters.redis.queue import RedisQueue
from bot.adapters.redis.stock import Stock
from bot.addresses import shown
from bot.api_clients import open_clients
from bot.app import build_app
from bot.bootstrap.api_desk import build_api_desk
from bot.bootstrap.dead_letters import build_dead_letters
from bot.bootstrap.history import build_history
from bot.bootstrap.life import build_holds, build_life, build_policy_news
from bot.bootstrap.second import build_second
from bot.bootstrap.slack import slack_client
from bot.bootstrap.stores import Stores
from bot.bootstrap.tools import build_tools
from bot.bootstrap.upkeep import build_self_check, build_tickers
from bot.cards.slack_cards import SlackCards
from bot.delivery import Delivery
from bot.directory import SlackDirectory
from bot.link_secret import link_secret
from bot.open_cards import OpenCards
from bot.policy_file import LivePolicy, load_policy
from bot.policy_news import PolicyNews
from bot.self_check import SelfCheck
from bot.services import Services
from bot.settings import Settings
from bot.slack_link import identify, own_ids
from bot.web.links import TimelineLinks
from bot.worker import Worker
from bot.worker_role import WorkerRole
from core.errors import ConfigurationError
from core.fitness import SKEW
from core.runbook import Runbook
from core.services.alert_intake import AlertIntake
from core.services.approval_desk import ApprovalDesk
from core.services.dead_letters import DeadLetterDesk
from core.services.editing import Editing
from core.services.freeze import FreezeSwitch
from core.services.grant_book import GrantBook
from core.services.granting import Granting
from core.services.investigation import Investigation
from core.services.remediation import Remediation
from core.services.second_opinion import Review
from graphs.context import GraphContext, InvestigatorConfig, Mind
from graphs.models.runbooks import load_runbooks
from graphs.runner import LangGraphRunner
from tools.catalogue import Catalogue, load_catalogue
from tools.environment import open_http
from tools.forms import ArgumentForms
from tools.guard import Guard
from tools.registry import Registry

_THREAD_LEASE = timedelta(seconds=5)  # what a killed worker held is free again after at most this long
_SLACK_WITHIN = aiohttp.ClientTimeout(total=30)


@asynccontextmanager
async def build_worker(settings: Settings) -> AsyncIterator[WorkerRole]:
    """Yield the worker role; connections are closed when the block ends."""
    if not settings.redis.url:
        raise ConfigurationError("REDIS_URL is missing: a role of its own needs the Redis that the other role uses")
    clock = SystemClock()
    catalogue = load_catalogue(settings.files.services_file)
    read_policy = partial(load_policy, settings.files.policy_file, settings.checkpoint.interrupted_ttl_seconds)
    first_policy = read_policy()
    runbooks = load_runbooks(settings.files.runbooks_dir)
    api_clients = open_clients(settings.files.api_clients_file, clock)
    async with AsyncExitStack() as stack:
        # What files alone decide comes first: a wrong one is told before anything is reached or changed.
        http = open_http()
        stack.push_async_callback(http.aclose)
        registry = build_tools(settings, catalogue, http, clock)
        redis = connect(settings.redis.url)
        stack.push_async_callback(redis.aclose)
        await reach(redis, f"REDIS_URL {shown(settings.redis.url)}")
        require_durable(await inspect(redis))
        database, revision = await _database(settings, stack)
        stores = Stores.of(database, clock)
        policy = LivePolicy(read_policy, stores.audit, clock, first_policy)
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=_SLACK_WITHIN))
        client = slack_client(settings.slack, session)
        queue = RedisQueue(redis, consumer=_own_name())
        directory = SlackDirectory(client, clock)
        freeze, grants = build_holds(settings, policy, stores, directory, clock, registry.wraps)
        alive = Heartbeat(redis, "worker")
        history = build_history(settings, database)
        check = build_self_check(alive, database, client, clock, revision, history.probes)
        toolbox = _guard(registry, stores, database, clock, policy, freeze, grants, check)
        saver = await stack.enter_async_context(_saver(settings))
        lease = RedisLease(redis, ttl=_THREAD_LEASE)
        second = await build_second(settings, catalogue, runbooks, stores, stack)
        desk, cards = _people(
            settings, policy, stores, client, directory, queue, clock, check, freeze, grants, second, lease
        )
        context = await _context(settings, catalogue, runbooks, stores, toolbox, desk, cards, clock, stack)
        runner = LangGraphRunner(saver, context, lease)
        news = build_policy_news(settings, policy, client, cards)
        services = _services(
            settings, news, stores, desk, cards, directory, runner, queue, registry, toolbox, freeze, check, grants
        )
        identity = await identify(client)
        worker = Worker(
            build_app(services, identity, client),
            services,
            ours=own_ids(identity),
            answers=RedisAnswers(redis),
            api=build_api_desk(api_clients, services, RedisApiMemory(redis), client),
        )
        alone, stock = RedisLease(redis, wait=timedelta(0)), Stock(redis)
        tickers = build_tickers(stores, context, services, check, alive, alone)
        tickers += build_dead_letters(stores, queue, stock, client, services, context.human, alone)
        tickers += build_life(settings, stores, news, Marker(redis), stock, client, services, alone)
        tickers += history.begin(client, stores.audit, context.human, clock, alone, check, stack)
        await check.look_if_due()
        yield WorkerRole(queue, _delivery(settings, worker, stores, clock), alive, tickers)


async def _database(settings: Settings, stack: AsyncExitStack) -> tuple[Database, str]:
    revision = await migrate(settings.database_url)
    print(f"sql: at revision {revision}", flush=True)
    database = open_database(settings.database_url)
    stack.push_async_callback(database.close)
    return database, revision


def _delivery(settings: Settings, worker: Worker, stores: Stores, clock: SystemClock) -> Delivery:
    limits = settings.queue
    return Delivery(worker.handle, stores.deliveries, clock, most=limits.attempts, patience=limits.patience_seconds)


def _saver(settings: Settings) -> AbstractAsyncContextManager[RedisSaver]:
    kept = settings.checkpoint
    return open_saver(
        settings.redis.url,
        kept.ttl_seconds,
        ttl_interrupted=kept.interrupted_ttl_seconds,
        keep_last=kept.keep_last,
        encryption_key=kept.key,
    )


def _guard(
    registry: Registry,
    stores: Stores,
    database: Database,
    clock: SystemClock,
    policy: LivePolicy,
    freeze: FreezeSwitch,
    grants: GrantBook,
    check: SelfCheck,
) -> Guard:
    return Guard(
        registry,
        stores.approvals,
        stores.effects,
        stores.audit,
        clock,
        frozen=freeze.frozen,
        unfit=check.unfit,
        standing=grants.standing,
        in_force=lambda sha256: sha256 == policy.sha256,
        # Who shares a SQLite file shares a machine, and its clock.
        skew_seconds=0.0 if database.engine.dialect.name == "sqlite" else 2 * SKEW.total_seconds(),
    )


def _own_name() -> str:
    # Never that of a process that went before: what that one had is taken over, and counted as given up by it.
    return f"worker@{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"


async def _context(
    settings: Settings,
    catalogue: Catalogue,
    runbooks: tuple[Runbook, ...],
    stores: Stores,
    toolbox: Guard,
    desk: ApprovalDesk,
    cards: SlackCards,
    clock: SystemClock,
    stack: AsyncExitStack,
) -> GraphContext:
    return GraphContext(
        toolbox=toolbox,
        approvals=stores.approvals,
        approval_queue=stores.approvals,
        effects=stores.effects,
        desk=desk,
        incidents=stores.incidents,
        reports=stores.reports,
        cards=cards,
        audit=stores.audit,
        clock=clock,
        config=InvestigatorConfig.from_catalogue(catalogue),
        runbooks=runbooks,
        model=await _mind(settings, runbooks, stack),
        verify_within=settings.verify.within_seconds,
        verify_every=settings.verify.every_seconds,
    )


async def _mind(settings: Settings, runbooks: tuple[Runbook, ...], stack: AsyncExitStack) -> Mind | None:
    if not settings.openai.model:
        return None
    # Late: LangChain's and OpenAI's packages cost a second and 60 MB, which is for those who use them.
    from graphs.models.agent import ModelLimits
    from graphs.models.factory import open_mind

    spend = settings.model
    return await stack.enter_async_context(
        open_mind(
            settings.openai.model,
            base_url=settings.openai.base_url,
            api_key=settings.openai.api_key.get_secret_value(),
            limits=ModelLimits(spend.max_calls, spend.max_tokens, spend.max_seconds.total_seconds()),
            runbooks=runbooks,
        )
    )


def _people(
    settings: Settings,
    policy: LivePolicy,
    stores: Stores,
    client: AsyncWebClient,
    directory: SlackDirectory,
    queue: RedisQueue,
    clock: SystemClock,
    check: SelfCheck,
    freeze: FreezeSwitch,
    grants: GrantBook,
    second: Review,
    lease: RedisLease,
) -> tuple[ApprovalDesk, SlackCards]:
    desk = ApprovalDesk(
        stores.approvals, directory, policy, queue, stores.audit, clock, check.unfit, freeze.why, grants, second
    )
    cards = SlackCards(
        client,
        incidents=stores.incidents,
        reports=stores.reports,
        approvals=stores.approvals,
        approval_queue=stores.approvals,
        audit=stores.audit,
        directory=directory,
        links=TimelineLinks(settings.web.links, link_secret(settings), clock),
        incident_channel=settings.slack.incident_channel,
        banner=check.told,
        freeze=freeze.state,
        grants=grants,
        lease=lease,
    )
    return desk, cards


def _services(
    settings: Settings,
    news: PolicyNews,
    stores: Stores,
    desk: ApprovalDesk,
    cards: SlackCards,
    directory: SlackDirectory,
    runner: LangGraphRunner,
    queue: RedisQueue,
    registry: Registry,
    toolbox: Guard,
    freeze: FreezeSwitch,
    check: SelfCheck,
    grants: GrantBook,
) -> Services:
    clock = desk.clock
    remediation = Remediation(runner, stores.approvals, stores.approvals, queue, clock)
    open_cards = OpenCards(stores.approvals, stores.incidents, queue, clock)
    environments = {service.name: service.env for service in registry.environment.services}
    editing = Editing(
        desk, stores.approvals, stores.approvals, toolbox, ArgumentForms(registry), runner, cards, queue, clock
    )
    return Services(
        desk=desk,
        investigation=Investigation(runner, stores.incidents, stores.reports, remediation, cards, stores.audit, clock),
        remediation=remediation,
        intake=AlertIntake(stores.incidents, stores.reports, cards, queue, stores.audit, clock, environments),
        incidents=stores.incidents,
        reports=stores.reports,
        approvals=stores.approvals,
        approval_queue=stores.approvals,
        cards=cards,
        directory=directory,
        audit=stores.audit,
        queue=queue,
        clock=clock,
        dead_letters=DeadLetterDesk(stores.deliveries, stores.audit, clock),
        freeze=freeze,
        editing=editing,
        granting=Granting(grants, stores.approvals, stores.approvals, open_cards.refresh_request),
        links=settings.web.links,
        incident_channel=settings.slack.incident_channel,
        approvers=lambda: news.policy.members,
        unfit=check.told,
        notes=lambda: tuple(filter(None, (news.note(), *check.warnings()))),
    )
