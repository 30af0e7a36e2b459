"""What the worker does by the clock: sweep, bring leftovers to their end, check itself, and say that it lives."""

from collections.abc import Mapping
from datetime import timedelta

from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.database.engine import Database
from bot.adapters.database.inspection import inspect_sql
from bot.adapters.redis.heartbeat import NOTES, Heartbeat
from bot.adapters.redis.inspection import inspect
from bot.adapters.redis.lease import RedisLease
from bot.adapters.scheduler import Ticker
from bot.bootstrap.stores import Stores
from bot.fitness_news import FitnessNews
from bot.self_check import Probe, SelfCheck, redis_probe, slack_probe, sql_probe
from bot.services import Services
from core.ports import Clock
from core.services.drift import DriftWatch
from core.services.leftovers import Leftovers
from core.services.sweeper import Sweeper
from graphs.context import GraphContext

_TICK = timedelta(seconds=2)
_LEFTOVERS = timedelta(seconds=5)
_DRIFT = timedelta(seconds=30)  # each look asks the targets of all that waits


def build_self_check(
    heartbeat: Heartbeat,
    database: Database,
    client: AsyncWebClient,
    clock: Clock,
    revision: str,
    more: Mapping[str, Probe],
) -> SelfCheck:
    """Return the check of everything that effects rest on; `revision` is what the database was migrated to."""
    probes = {
        "redis": redis_probe(lambda: inspect(heartbeat.redis), clock),
        "sql": sql_probe(lambda: inspect_sql(database), clock, revision),
        "slack": slack_probe(client, clock),
        **more,
    }
    return SelfCheck(probes, clock)


def build_tickers(
    stores: Stores, context: GraphContext, services: Services, check: SelfCheck, alive: Heartbeat, alone: RedisLease
) -> tuple[Ticker, ...]:
    """Return the tickers, not started yet; `alone` is a lease that does not wait."""
    rows, queue, clock = stores.approvals, services.queue, context.clock
    sweeper = Sweeper(rows, rows, stores.incidents, context.cards, queue, clock)
    leftovers = Leftovers(
        approvals=rows,
        approval_queue=rows,
        effects=stores.effects,
        incidents=stores.incidents,
        reports=stores.reports,
        toolbox=context.toolbox,
        endings=context.endings,
        queue=queue,
        clock=clock,
        letters=stores.deliveries,
    )
    drift = DriftWatch(context.toolbox, services.desk.policy, rows, rows, context.cards, queue, clock)
    news = FitnessNews(check, stores.audit, rows, stores.incidents, queue, clock, alive.name, alive.words)
    noted = Heartbeat(alive.redis, NOTES)

    async def beat() -> None:
        await alive.beat(check.told())
        if notes := "; ".join(services.notes()):
            await noted.beat(notes)

    return (
        Ticker("sweeper", sweeper.tick, _TICK, alone),
        Ticker("leftovers", leftovers.tick, _LEFTOVERS, alone),
        Ticker("drift", drift.tick, _DRIFT, alone),
        Ticker("self-check", news.tick, _TICK, None),
        Ticker("heartbeat", beat, _TICK, None),
    )
