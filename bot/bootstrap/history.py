"""Builds what signs the history, looks whether it still is the one that was signed, and tells the channel."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.audit_heads import HeadsFile
from bot.adapters.audit_key import AuditKey, KeyRing, make_key
from bot.adapters.database.audit_check import check_since
from bot.adapters.database.engine import Database
from bot.adapters.redis.lease import RedisLease
from bot.adapters.scheduler import Ticker
from bot.cards.audit_heads import AuditHeadLines
from bot.history_keeping import HistoryKeeping
from bot.history_posting import HistoryPosting
from bot.history_signing import HistorySigning
from bot.history_watch import HISTORY, HistoryWatch
from bot.history_whole import WHOLE, WholeHistory
from bot.self_check import Probe, SelfCheck
from bot.settings import Settings
from core.ports import Audit, Clock
from core.services.needs_human import NeedsHuman

_TICK, _KEEP = timedelta(seconds=10), timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class History:
    """The watch over one database, and what else its heads need; without a key nothing is signed or looked at."""

    settings: Settings
    database: Database
    key: AuditKey | None
    heads: HeadsFile
    watch: HistoryWatch
    whole: WholeHistory

    @property
    def probes(self) -> Mapping[str, Probe]:
        """What the self-check asks, by name."""
        return {HISTORY: self.watch.probe, WHOLE: self.whole.probe} if self.key else {}

    def begin(
        self,
        client: AsyncWebClient,
        audit: Audit,
        human: NeedsHuman,
        clock: Clock,
        alone: RedisLease,
        check: SelfCheck,
        stack: AsyncExitStack,
    ) -> tuple[Ticker, ...]:
        """Begin to verify all of it, until the stack ends; return the tickers, not started yet. `alone` is a lease that
        does not wait."""
        if self.key is None:
            return ()
        verifying = asyncio.create_task(self.whole.keep_verifying(check.look))

        async def stop() -> None:
            self.whole.stop()
            await verifying

        stack.push_async_callback(stop)
        look = partial(check_since, self.database)
        keeping = HistoryKeeping(self.watch, self.heads, self.key, look, self.database.grown, clock)
        stack.push_async_callback(keeping.finish)
        channel = self.settings.audit.channel
        told = AuditHeadLines(client, channel or self.settings.slack.incident_channel)
        every = timedelta(minutes=self.settings.audit.head_minutes)
        signing = HistorySigning(self.watch, self.heads, self.key, every, audit, human, told.place, clock)
        posting = HistoryPosting(self.heads, told, self.watch)
        return (
            Ticker("history-keeping", keeping.tick, _KEEP, None),
            Ticker("history-signing", signing.tick, _TICK, alone),
            *((Ticker("history-posting", posting.tick, _TICK, alone),) if channel else ()),
        )


def build_history(settings: Settings, database: Database) -> History:
    """Return the watch with its key, which is made on the first start; ConfigurationError for one that is no use."""
    key = make_key(settings.audit_key_file) if settings.audit.head_minutes else None
    heads = HeadsFile(settings.audit_heads_file)
    ring = KeyRing.of(key.public) if key else KeyRing.of()
    watch = HistoryWatch(heads, ring, partial(check_since, database))
    return History(settings, database, key, heads, watch, WholeHistory(settings.database_url, heads, ring))
