"""Builds what looks after events that were given up, and what forgets those that are long done."""

from datetime import timedelta

from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.redis.lease import RedisLease
from bot.adapters.redis.queue import RedisQueue
from bot.adapters.redis.stock import Stock
from bot.adapters.scheduler import Ticker
from bot.bootstrap.stores import Stores
from bot.cards.dead_letters import DeadLetterCards
from bot.dead_letters import DeadLetterOffice
from bot.lost_events import LostEvents
from bot.places import Places
from bot.services import Services
from core.services.needs_human import NeedsHuman

_TICK = timedelta(seconds=2)
_LOST_EVERY = timedelta(minutes=10)
_FORGET_EVERY = timedelta(hours=1)
_REMEMBERED = timedelta(days=30)


def build_dead_letters(
    stores: Stores,
    queue: RedisQueue,
    stock: Stock,
    client: AsyncWebClient,
    services: Services,
    human: NeedsHuman,
    alone: RedisLease,
) -> tuple[Ticker, ...]:
    """Return the tickers, not started yet; `alone` is a lease that does not wait."""
    office = DeadLetterOffice(
        stores.deliveries,
        queue,
        DeadLetterCards(client, services.incident_channel),
        human,
        Places(stores.incidents, stores.approvals),
    )

    async def forget() -> None:
        await stores.deliveries.forget(services.clock.now() - _REMEMBERED)

    return (
        Ticker("dead-letters", office.tick, _TICK, alone),
        Ticker("lost-events", LostEvents(stores.deliveries, stock.ids, services.clock).tick, _LOST_EVERY, alone),
        Ticker("forgetting", forget, _FORGET_EVERY, alone),
    )
