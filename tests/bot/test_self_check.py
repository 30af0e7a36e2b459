"""The self-check: what makes it red, how it turns green again, and that nobody's silence counts as green."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy import text

from bot import self_check
from bot.adapters.clock import SystemClock
from bot.adapters.database.engine import Database, open_database
from bot.adapters.database.inspection import inspect_sql
from bot.adapters.database.migrate import newest_revision
from bot.adapters.redis.inspection import RedisFacts, inspect, known_bad
from bot.finding import Finding
from bot.self_check import Probe, SelfCheck, redis_probe, slack_probe, sql_probe
from core.errors import TransientError
from demo.slack import LocalWorkspace
from tests.fakes.clock import FakeClock
from tests.fakes.databases import *
from tests.fakes.servers import *

GREEN = [Finding("ok", "redis", "well")]
RED = [Finding("fail", "redis", "this Redis forgets")]
WELL = RedisFacts("8.6.3", append_only=True, eviction="noeviction")


class Bench:
    """A self-check over one scripted probe; its two clocks move together unless a test pulls them apart."""

    def __init__(self, answer: Sequence[Finding] = GREEN) -> None:
        self.answer: Sequence[Finding] = answer
        self.error: Exception | None = None
        self.looks = 0
        self.clock, self.ticks = FakeClock(), 1000.0
        self.check = SelfCheck({"redis": self._probe}, self.clock, monotonic=lambda: self.ticks)

    async def _probe(self) -> Sequence[Finding]:
        self.looks += 1
        if self.error is not None:
            raise self.error
        return self.answer

    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds=seconds)
        self.ticks += seconds


async def test_before_the_first_look_nothing_may_be_changed() -> None:
    bench = Bench()
    assert "not been made" in bench.check.told()
    assert await bench.check.unfit() == ""  # asking makes the look


async def test_green_is_not_asked_again_and_red_is_so_that_a_mended_server_stops_nobody() -> None:
    bench = Bench()
    await bench.check.look_if_due()
    for _ in range(5):
        assert await bench.check.unfit() == ""
    assert bench.looks == 1
    bench.answer = RED
    bench.wait(30)
    await bench.check.look_if_due()
    assert bench.check.told() == "this Redis forgets"
    bench.answer = GREEN
    bench.wait(2)
    assert await bench.check.unfit() == ""


async def test_red_is_looked_at_once_a_second_at_most() -> None:
    bench = Bench(RED)
    await bench.check.look_if_due()
    for _ in range(5):
        assert await bench.check.unfit() == "this Redis forgets"
    assert bench.looks == 1


@pytest.mark.parametrize(
    "error", [TransientError("redis: ConnectionError"), ValueError("odd")], ids=["unreachable", "broken"]
)
async def test_a_check_that_cannot_be_made_is_red(error: Exception) -> None:
    bench = Bench()
    bench.error = error
    assert "redis" in await bench.check.unfit()


async def test_a_check_that_hangs_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_check, "_PATIENCE", 0.05)

    async def hangs() -> Sequence[Finding]:
        await asyncio.Event().wait()
        return []

    assert "no answer" in await SelfCheck({"redis": hangs}, SystemClock()).unfit()


async def test_an_old_answer_is_red_until_there_is_a_new_one() -> None:
    bench = Bench()
    await bench.check.look_if_due()
    bench.wait(121)
    assert "121 s old" in bench.check.told()
    bench.error = TransientError("redis: TimeoutError")
    assert await bench.check.unfit() != ""
    bench.error = None
    bench.wait(1)
    assert await bench.check.unfit() == ""


@pytest.mark.parametrize("by", [600, -600])
async def test_a_clock_that_jumps_is_red_at_once_and_until_another_machine_agrees(by: float) -> None:
    bench = Bench()
    await bench.check.look_if_due()
    bench.clock.advance(seconds=by)
    for _ in range(2):
        bench.wait(5)
        assert f"jumped by {by:+.0f} s" in await bench.check.unfit()
    bench.answer = [Finding("ok", "clock", "0 s from Slack's")]
    bench.wait(5)
    assert await bench.check.unfit() == ""


async def test_a_check_without_the_jump_is_caught_by_the_same_jump() -> None:
    class Blind(SelfCheck):
        def _jump(self) -> str:
            return ""

    bench = Bench()
    check = Blind({"redis": bench._probe}, bench.clock, monotonic=lambda: bench.ticks)
    await check.look_if_due()
    bench.clock.advance(seconds=600)
    assert await check.unfit() == ""


async def probed(facts: RedisFacts, clock: FakeClock | None = None) -> Sequence[Finding]:
    async def ask() -> RedisFacts:
        return facts

    return await redis_probe(ask, clock or FakeClock())()


@pytest.mark.parametrize(
    ("facts", "state", "word"),
    [
        (WELL, "ok", "append-only"),
        (WELL._replace(append_only=False), "fail", "appendonly yes"),
        (WELL._replace(eviction="allkeys-lru"), "fail", "noeviction"),
        (WELL._replace(version="6.0.16"), "fail", "6.2 or later"),
        (WELL._replace(version="unknown"), "fail", "6.2 or later"),
        (WELL._replace(version="7.0.15"), "warn", "CVE-2025-49844"),
        (WELL._replace(version="8.6.2"), "warn", "CVE-2026-23479"),
        (WELL._replace(version="8.1.3", engine="valkey"), "warn", "CVE-2025-49844"),
        (WELL._replace(version="9.1.2", engine="valkey"), "ok", "9.1.2"),
    ],
)
async def test_a_redis_is_judged_by_what_it_forgets_and_by_its_version(
    facts: RedisFacts, state: str, word: str
) -> None:
    finding = (await probed(facts))[0]
    assert finding.state == state
    assert word in finding.text


@pytest.mark.parametrize(("seconds", "state"), [(0, "ok"), (9, "ok"), (-9, "ok"), (11, "fail"), (-600, "fail")])
async def test_a_clock_that_differs_from_redis_by_more_than_ten_seconds_is_red(seconds: float, state: str) -> None:
    clock = FakeClock()
    facts = WELL._replace(now=clock.now() - timedelta(seconds=seconds))
    assert [finding.state for finding in await probed(facts, clock)] == ["ok", state]


def test_versions_are_compared_as_numbers() -> None:
    assert known_bad(WELL._replace(version="6.2.9")) == "CVE-2025-49844"
    assert known_bad(WELL._replace(version="6.2.20")) == ""


@pytest.mark.parametrize(
    ("option", "bad", "good"), [("appendonly", "no", "yes"), ("maxmemory-policy", "allkeys-lru", "noeviction")]
)
async def test_a_real_redis_that_is_told_to_forget_turns_it_red_while_running(
    any_redis_url: str, option: str, bad: str, good: str
) -> None:
    async with Redis.from_url(any_redis_url) as redis:
        await redis.config_set("appendonly", "yes")
        try:
            bench = Bench()
            check = SelfCheck(
                {"redis": redis_probe(lambda: inspect(redis), SystemClock())},
                bench.clock,
                monotonic=lambda: bench.ticks,
            )
            assert await check.unfit() == ""
            await redis.config_set(option, bad)
            bench.wait(30)
            await check.look_if_due()
            assert option in check.told()
            await redis.config_set(option, good)
            bench.wait(1)
            assert await check.unfit() == ""
        finally:
            await redis.config_set("appendonly", "no")


@pytest.fixture
async def database(any_database_url: str) -> AsyncIterator[Database]:
    opened = open_database(any_database_url)
    yield opened
    await opened.close()


def of_sql(database: Database) -> Probe:
    return sql_probe(lambda: inspect_sql(database), SystemClock(), newest_revision())


async def change(database: Database, *statements: str) -> None:
    async with database.writing() as connection:
        for statement in statements:
            await connection.execute(text(statement))


async def test_a_migrated_database_is_green(database: Database) -> None:
    assert {finding.state for finding in await of_sql(database)()} == {"ok"}


async def test_a_database_at_another_revision_is_red(database: Database) -> None:
    newest = newest_revision()
    await change(database, "UPDATE alembic_version SET version_num = '9999'")
    try:
        (finding,) = await of_sql(database)()
    finally:
        await change(database, f"UPDATE alembic_version SET version_num = '{newest}'")
    assert finding.state == "fail"
    assert "9999" in finding.text


async def test_a_database_that_lets_decided_rows_be_changed_is_red(database: Database) -> None:
    if database.engine.dialect.name == "sqlite":
        take, put = "DROP TRIGGER votes_refuse_delete", ""
    else:
        take = "ALTER TABLE votes DISABLE TRIGGER votes_refuse_delete"
        put = "ALTER TABLE votes ENABLE TRIGGER votes_refuse_delete"
    await change(database, take)
    try:
        (finding,) = await of_sql(database)()
    finally:
        if put:
            await change(database, put)
    assert finding.state == "fail"
    assert "votes_refuse_delete" in finding.text


@pytest.mark.parametrize(("minutes", "state"), [(0.0, "ok"), (10.0, "fail"), (-10.0, "fail")])
async def test_our_clock_is_held_against_slacks(minutes: float, state: str) -> None:
    clock = FakeClock(datetime.now(UTC) + timedelta(minutes=minutes))
    async with LocalWorkspace(port=0) as workspace:
        client = AsyncWebClient(token="xoxb-local-watchkeeper-bot", base_url=f"{workspace.url}/api/")
        (finding,) = await slack_probe(client, clock)()
    assert (finding.name, finding.state) == ("clock", state)


async def test_a_slack_that_is_away_makes_nothing_unsafe() -> None:
    client = AsyncWebClient(token="xoxb-local-watchkeeper-bot", base_url="http://127.0.0.1:9/api/")
    (finding,) = await slack_probe(client, SystemClock())()
    assert finding.state == "warn"


async def test_a_slack_that_hangs_makes_nothing_unsafe_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_check, "_SLACK_WITHIN", 0.1)
    hung: list[asyncio.StreamWriter] = []

    async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hung.append(writer)

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    try:
        address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/"
        client = AsyncWebClient(token="xoxb-local-watchkeeper-bot", base_url=address)
        check = SelfCheck({"slack": slack_probe(client, SystemClock())}, SystemClock())
        assert await check.unfit() == ""
    finally:
        server.close()
        for writer in hung:
            writer.transport.abort()
