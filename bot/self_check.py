"""What the worker asks itself at its start and every half minute: while the answer is red it reads and changes nothing.

An answer that cannot be had, or that has grown old, is red too: nobody knows then.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.database.inspection import SqlFacts
from bot.adapters.redis.inspection import RedisFacts, known_bad, require_durable
from bot.cards.faults import FAULTS
from bot.finding import Finding
from core.errors import ConfigurationError, TransientError
from core.fitness import SKEW
from core.ports import Clock

_SKEW = SKEW.total_seconds()

CLOCK: Final = "clock"
_GREEN_FOR, _RED_FOR = 30.0, 5.0  # seconds between two looks of our own accord
_STALE, _AGAIN, _PATIENCE, _SLACK_WITHIN = 120.0, 1.0, 5.0, 3.0
_log = structlog.get_logger(__name__)

Probe = Callable[[], Awaitable[Sequence[Finding]]]


class SelfCheck:
    """Keeps the last answers; `unfit` is what the guard and the desk ask, `told` what cards show."""

    def __init__(
        self, probes: dict[str, Probe], clock: Clock, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._probes = probes
        self._clock = clock
        self._monotonic = monotonic
        self._looking = asyncio.Lock()
        self._at: float | None = None
        self._offset = self._present_offset()
        self.findings: tuple[Finding, ...] = ()

    async def unfit(self) -> str:
        """Return why nothing may be changed, or an empty text. Green costs nothing; red is looked at once more, so that
        what was mended a moment ago stops nobody."""
        if not self.told():
            return ""
        async with self._looking:
            if self.told() and self._age() >= _AGAIN:
                await self._look()
        return self.told()

    def told(self) -> str:
        """Return the reason as far as it is known without asking anybody."""
        if self._at is None:
            return "the self-check has not been made yet"
        red = [finding.text for finding in self.findings if finding.state == "fail"]
        if red:
            return "; ".join(red)
        if self._age() > _STALE:
            return f"the last self-check is {self._age():.0f} s old"
        return self._jump()

    def warnings(self) -> tuple[str, ...]:
        """Return what is amiss and stops nothing."""
        return tuple(finding.text for finding in self.findings if finding.state == "warn")

    async def look_if_due(self) -> None:
        """Look again when the last answer is half a minute old, or five seconds when it was red."""
        if self._age() >= (_RED_FOR if self.told() else _GREEN_FOR):
            await self.look()

    async def look(self) -> None:
        """Look now, for whoever knows that the answer has changed."""
        async with self._looking:
            await self._look()

    def reds(self) -> tuple[str, ...]:
        """Return the names of what is red, for telling one state from another."""
        names = {finding.name for finding in self.findings if finding.state == "fail"}
        return tuple(sorted(names)) or (("self-check",) if self.told() else ())

    async def _look(self) -> None:
        answers = await asyncio.gather(*(self._ask(name, probe) for name, probe in self._probes.items()))
        self.findings, self._at = tuple(finding for answer in answers for finding in answer), self._monotonic()
        # A jump is a correction only when a clock that is not of this machine agrees with it; else it stays told.
        confirmed = any(finding.name == CLOCK and finding.state == "ok" for finding in self.findings)
        if confirmed or not self._jump():
            self._offset = self._present_offset()

    async def _ask(self, name: str, probe: Probe) -> Sequence[Finding]:
        try:
            async with asyncio.timeout(_PATIENCE):
                return await probe()
        except TimeoutError:
            return [Finding("fail", name, f"{name} gives no answer within {_PATIENCE:g} s")]
        except TransientError as error:
            return [Finding("fail", name, f"{name} cannot be reached ({error})")]
        except Exception as error:  # noqa: BLE001 - a check that breaks is red, with the traceback in the log
            _log.exception("self_check_broke", name=name)
            return [Finding("fail", name, f"the check of {name} broke ({type(error).__name__})")]

    def _age(self) -> float:
        return float("inf") if self._at is None else self._monotonic() - self._at

    def _present_offset(self) -> float:
        return self._clock.now().timestamp() - self._monotonic()

    def _jump(self) -> str:
        by = self._present_offset() - self._offset
        return f"this machine's clock has jumped by {by:+.0f} s" if abs(by) > _SKEW else ""


def redis_probe(ask: Callable[[], Awaitable[RedisFacts]], clock: Clock) -> Probe:
    """Return the check of durability, version and clock of the Redis that holds queue and checkpoints."""

    async def probe() -> Sequence[Finding]:
        facts = await ask()
        try:
            require_durable(facts)
        except ConfigurationError as error:
            return [Finding("fail", "redis", str(error).removeprefix("REDIS_URL: "))]
        fault = known_bad(facts)
        words = f"{facts.engine} {facts.version}, append-only, {facts.eviction}"
        known = f"{words}; this version was released with {fault}: make sure that yours has it mended"
        found = Finding("warn", "redis", known) if fault else Finding("ok", "redis", words)
        return [found, skew_of("redis clock", "Redis", facts.now, clock)]

    return probe


def sql_probe(ask: Callable[[], Awaitable[SqlFacts]], clock: Clock, newest: str) -> Probe:
    """Return the check of revision, triggers and clock of the database that is the truth about decisions."""

    async def probe() -> Sequence[Finding]:
        facts = await ask()
        if facts.revision != newest:
            text = (
                f"the database is at revision {facts.revision or 'none'}, not at {newest}: run `python -m bot migrate`"
            )
            return [Finding("fail", "sql", text)]
        if facts.missing:
            text = f"the database no longer refuses to change decided rows: {', '.join(facts.missing)} missing"
            return [Finding("fail", "sql", text)]
        found = [Finding("ok", "sql", f"at revision {facts.revision}, the newest")]
        return [*found, skew_of("sql clock", "the database", facts.now, clock)] if facts.now else found

    return probe


def slack_probe(client: AsyncWebClient, clock: Clock) -> Probe:
    """Return the check of our clock against Slack's; Slack itself being away makes nothing unsafe."""

    async def probe() -> Sequence[Finding]:
        try:
            async with asyncio.timeout(_SLACK_WITHIN):  # shorter than the patience above, whose end would be red
                answer = await client.auth_test()
        except FAULTS as error:
            return [Finding("warn", "slack", f"Slack does not answer ({type(error).__name__})")]
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return [skew_of(CLOCK, "Slack", moment_of(headers.get("date", "")), clock)]

    return probe


def moment_of(header: str) -> datetime | None:
    """Return the moment of a Date header, or None for one that tells none."""
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def skew_of(name: str, whose: str, there: datetime | None, clock: Clock) -> Finding:
    """Compare our clock with theirs, read just now."""
    if there is None:
        return Finding("warn", name, f"{whose} told no time to compare with")
    skew = (clock.now() - there).total_seconds()
    if abs(skew) <= _SKEW:
        return Finding("ok", name, f"{abs(skew):.0f} s from {whose}'s")
    text = f"this machine's clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} {whose}'s: synchronise it"
    return Finding("fail", name, text)
