"""What keeps open requests moving and what holds them: reminders, policy, the freeze and the grants."""

from collections.abc import Callable
from datetime import timedelta

from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.database.reminder_store import SqlReminders
from bot.adapters.redis.lease import RedisLease
from bot.adapters.scheduler import Ticker
from bot.bootstrap.stores import Stores
from bot.cards.reminders import SlackReminders
from bot.freeze_news import FreezeNews
from bot.open_cards import OpenCards
from bot.policy_file import LivePolicy
from bot.services import Services
from bot.settings import Settings
from core.ports import Clock, Directory
from core.services.freeze import FreezeSwitch
from core.services.grant_book import GrantBook
from core.services.reminders import Reminders

_TICK = timedelta(seconds=2)


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
    return freeze, GrantBook(stores.grants, directory, policy, stores.audit, clock, wraps)


def build_life(
    policy: LivePolicy, log: SqlReminders, client: AsyncWebClient, services: Services, alone: RedisLease
) -> tuple[Ticker, ...]:
    """Return the tickers, not started yet; `alone` is a lease that does not wait, so that workers take turns."""
    expiry = Ticker("grants", services.granting.expire, _TICK, alone)
    rules = Ticker("policy", policy.refresh, _TICK, None)
    return rules, build_reminders(log, client, services, alone), build_freeze_news(services, alone), expiry


def build_freeze_news(services: Services, alone: RedisLease) -> Ticker:
    """Return the ticker that tells of the operator's file."""
    cards = OpenCards(services.approval_queue, services.incidents, services.queue, services.clock)
    news = FreezeNews(services.freeze.by_file, cards, services.audit, services.clock)
    return Ticker("freeze-file", news.tick, _TICK, alone)


def build_reminders(log: SqlReminders, client: AsyncWebClient, services: Services, alone: RedisLease) -> Ticker:
    """Return the ticker, not started yet; `alone` is a lease that does not wait, so that workers take turns."""
    nudges = SlackReminders(client)
    reminders = Reminders(services.approval_queue, log, nudges, services.directory, services.clock)

    async def tick() -> None:
        # Nobody is called to decide while no decision is counted.
        if not await services.freeze.frozen():
            await reminders.tick()

    return Ticker("reminders", tick, _TICK, alone)
