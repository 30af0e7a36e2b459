"""What keeps open requests moving and what holds them: reminders, policy, the freeze and the grants."""

from collections.abc import Callable
from datetime import timedelta

from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.database.reminder_store import SqlReminders
from bot.adapters.redis.lease import RedisLease
from bot.adapters.redis.marker import Marker
from bot.adapters.redis.stock import Stock
from bot.adapters.scheduler import Ticker
from bot.bootstrap.stores import Stores
from bot.cards.operators import Operators
from bot.cards.reminders import SlackReminders
from bot.freeze_news import FreezeNews
from bot.open_cards import OpenCards
from bot.policy_file import LivePolicy
from bot.policy_news import PolicyNews
from bot.redis_loss import RedisLoss
from bot.services import Services
from bot.settings import Settings
from core.ports import Cards, Clock, Directory
from core.services.freeze import FreezeSwitch
from core.services.grant_book import GrantBook
from core.services.known_bad import KnownBad
from core.services.reminders import Reminders
from core.services.settled_reminders import SettledReminders

_TICK, _MARK, _SETTLE = timedelta(seconds=2), timedelta(seconds=5), timedelta(seconds=5)


def build_holds(
    settings: Settings,
    policy: LivePolicy,
    stores: Stores,
    directory: Directory,
    clock: Clock,
    wraps: Callable[[str], bool],
) -> tuple[FreezeSwitch, GrantBook]:
    """Return the switch and the grants, both of which the guard and the desk ask."""
    by_file = (settings.files.data_dir / "freeze").exists
    freeze = FreezeSwitch(stores.switches, directory, stores.audit, clock, lambda: policy.freezers, by_file)
    known = KnownBad(stores.approvals, stores.reports, stores.audit)
    return freeze, GrantBook(stores.grants, directory, policy, stores.audit, clock, wraps, known.warning)


def _freeze_news(services: Services, alone: RedisLease) -> Ticker:
    cards = OpenCards(services.approval_queue, services.incidents, services.queue, services.clock)
    news = FreezeNews(services.freeze.by_file, cards, services.audit, services.clock)
    return Ticker("freeze-file", news.tick, _TICK, alone)


def build_policy_news(settings: Settings, policy: LivePolicy, client: AsyncWebClient, cards: Cards) -> PolicyNews:
    """Return what reads the policy file again and tells of what it finds."""
    return PolicyNews(policy, _operators(settings, client, cards).tell)


def build_life(
    settings: Settings,
    stores: Stores,
    news: PolicyNews,
    marker: Marker,
    stock: Stock,
    client: AsyncWebClient,
    services: Services,
    alone: RedisLease,
) -> tuple[Ticker, ...]:
    """Return the tickers, not started yet; `alone` is a lease that does not wait, so that workers take turns."""
    tell = _operators(settings, client, services.cards).tell
    loss = RedisLoss(marker.mark, stock.ids, stores.deliveries, stores.approvals, stores.audit, tell, services.clock)
    return (
        Ticker("policy", news.tick, _TICK, None),
        *_reminders(stores.reminders, client, services, alone),
        _freeze_news(services, alone),
        Ticker("redis-mark", loss.tick, _MARK, alone),
        Ticker("grants", services.granting.expire, _TICK, alone),
    )


def _operators(settings: Settings, client: AsyncWebClient, cards: Cards) -> Operators:
    return Operators(client, settings.audit.channel or settings.slack.incident_channel, cards)


def _reminders(
    log: SqlReminders, client: AsyncWebClient, services: Services, alone: RedisLease
) -> tuple[Ticker, Ticker]:
    nudges = SlackReminders(client)
    counted = services.granting.book.counted
    reminders = Reminders(services.approval_queue, log, nudges, services.directory, services.clock, counted)

    async def tick() -> None:
        # Nobody is called to decide while no decision is counted.
        if not await services.freeze.frozen():
            await reminders.tick()

    settled = SettledReminders(log, services.approvals, nudges, services.audit, services.clock)
    return Ticker("reminders", tick, _TICK, alone), Ticker("reminders-settled", settled.tick, _SETTLE, alone)
