"""What keeps open requests moving: reminders at policy's times."""

from datetime import timedelta

from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.database.reminder_store import SqlReminders
from bot.adapters.redis.lease import RedisLease
from bot.adapters.scheduler import Ticker
from bot.cards.reminders import SlackReminders
from bot.services import Services
from core.services.reminders import Reminders

_TICK = timedelta(seconds=2)


def build_reminders(log: SqlReminders, client: AsyncWebClient, services: Services, alone: RedisLease) -> Ticker:
    """Return the ticker, not started yet; `alone` is a lease that does not wait, so that workers take turns."""
    nudges = SlackReminders(client)
    reminders = Reminders(services.approval_queue, log, nudges, services.directory, services.clock)
    return Ticker("reminders", reminders.tick, _TICK, alone)
