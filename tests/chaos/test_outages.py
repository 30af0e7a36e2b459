"""Rows 7, 8, 9 and 17: Redis killed, away, emptied or behind; SQL locked. SQL is the truth, and nothing runs twice."""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import Any

import psutil
import pytest
from redis.asyncio import Redis

from demo.slack.delivery import Outcome
from tests.chaos.rig import ALICE, APP, Message, Rig, facts, open_rig, ready, settle
from tests.fakes.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(90)]

SLACK_WAITS = 3.0
BACK_WITHIN = 10.0
AT_ONCE = 16


class Stream:
    """A stream of events that nobody answers (reactions), from Slack's side: what was acknowledged must be kept."""

    def __init__(self, rig: Rig, number: int) -> None:
        self._rig = rig
        self._numbers = iter(range(number))
        self.acked: set[str] = set()
        self.refused = 0
        self.first_after = 0.0
        self.back_at = 0.0

    async def send(self) -> None:
        """Send all of them, sixteen at once, each until it is taken."""
        await asyncio.gather(*(self._sender() for _ in range(AT_ONCE)))

    async def _sender(self) -> None:
        for number in self._numbers:
            payload = _reaction(number)
            while not (await self._once(payload)).ok:
                self.refused += 1
                await asyncio.sleep(0.05)
            self.acked.add(str(payload["event_id"]))
            if self.back_at and not self.first_after:
                self.first_after = monotonic() - self.back_at

    async def _once(self, payload: Message) -> Outcome:
        app = self._rig.slack.workspace.state.apps[APP]
        return await self._rig.slack.workspace.http.send(app, "events_api", payload, 0, "")


def _reaction(number: int) -> Message:
    item = {"type": "message", "channel": "C0GENERAL", "ts": f"{number}.000100"}
    event = {"type": "reaction_added", "user": ALICE, "reaction": "eyes", "item": item, "event_ts": f"{number}.000200"}
    return {"type": "event_callback", "event_id": f"EvKEPT{number:06}", "team_id": "T00WATCH", "event": event}


async def kept_by_redis(rig: Rig) -> set[str]:
    """Return the ids of all events in the stream."""
    async with Redis.from_url(rig.redis_url) as redis:
        rows: Any = await redis.xrange("watchkeeper:slack")
    return {json.loads(fields[b"event"])["id"] for _, fields in rows}


async def killed_while_acknowledging(rig: Rig, number: int) -> Stream:
    """Stop the worker so that everything stays in the stream, and kill Redis in the middle."""
    await rig.roles.end("worker0")
    stream = Stream(rig, number)
    sending = asyncio.create_task(stream.send())
    await wait_until(lambda: len(stream.acked) > number // 3, 60)
    rig.kill_redis()
    await asyncio.sleep(0.5)
    rig.start_redis()
    stream.back_at = monotonic()
    await asyncio.wait_for(sending, 80)
    return stream


async def keeps_every_acknowledged_event(folder: Path, number: int) -> None:
    async with open_rig(folder) as rig:
        stream = await killed_while_acknowledging(rig, number)
        lost = stream.acked - await kept_by_redis(rig)
        print(f"\n{len(stream.acked)} acknowledged, {len(lost)} lost, back {stream.first_after:.2f} s after Redis")
        assert stream.first_after  # and so it was killed in the middle
        assert len(stream.acked) == number
        assert not lost
        assert stream.first_after <= BACK_WITHIN


async def test_a_redis_that_is_killed_while_we_acknowledge_loses_nothing(tmp_path: Path) -> None:
    await keeps_every_acknowledged_event(tmp_path, 600)


@pytest.mark.slow
async def test_a_redis_that_is_killed_among_five_thousand_loses_none(tmp_path: Path) -> None:
    await keeps_every_acknowledged_event(tmp_path, 5000)


async def test_a_redis_without_its_file_loses_what_was_acknowledged(tmp_path: Path) -> None:
    async with open_rig(tmp_path, without=("the look at Redis",), redis_options=("--appendonly", "no")) as rig:
        stream = await killed_while_acknowledging(rig, 300)
        assert stream.acked - await kept_by_redis(rig)


async def redis_is_away(rig: Rig, seconds: float, service: str) -> None:
    thread = await rig.ask(f"scale {service} to 3")
    card = await rig.card(thread, "pending")
    await settle(rig)
    ledger, web = len(rig.target.ledger), psutil.Process(rig.roles.role("web").pid)
    before = web.memory_info().rss
    rig.kill_redis()
    until = monotonic() + seconds
    statuses: set[str] = set()
    while monotonic() < until:
        began = monotonic()
        assert not await rig.click(card)
        assert monotonic() - began < SLACK_WAITS
        outcome = await Stream(rig, 0)._once(_reaction(7))  # pyright: ignore[reportPrivateUsage]
        statuses.add(outcome.reason)
        await asyncio.sleep(0.1)
    grown = web.memory_info().rss - before
    assert statuses == {"http_error"}  # 503, which Slack tries again
    assert len(rig.target.ledger) == ledger
    assert grown < 8 * 2**20
    print(f"\naway {seconds:g} s: the web role grew by {grown / 2**20:.1f} MB")
    rig.start_redis()
    began = monotonic()
    await ready(rig)
    await wait_until(lambda: rig.click(card), 15)
    await rig.card(thread, "executed")
    print(f"back and done {monotonic() - began:.1f} s after Redis")
    await settle(rig)
    assert len(rig.target.ledger) == ledger + 1
    assert await rig.violations() == []


async def test_while_redis_is_away_nothing_is_taken_nothing_runs_and_afterwards_all_works(rig: Rig) -> None:
    await redis_is_away(rig, 5, "shop10")


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_while_redis_is_away_for_a_minute(rig: Rig) -> None:
    await redis_is_away(rig, 60, "shop11")


async def one_pending_and_one_half_done(rig: Rig, first: str, second: str) -> tuple[Message, Message]:
    """Return the card of a request that waits, and that of one whose call to the target is under way."""
    waiting = await rig.card(await rig.ask(first), "pending")
    running = await rig.card(await rig.ask(second), "pending")
    await settle(rig)
    rig.remember_redis()
    rig.target.manner, rig.target.lag = "answer late", 0.7
    ledger = len(rig.target.ledger)
    assert await rig.click(running)
    await wait_until(lambda: len(rig.target.ledger) > ledger)
    return waiting, running


async def goes_on(rig: Rig, waiting: Message, running: Message, ledger: int) -> None:
    rig.target.manner = "at once"
    await ready(rig)
    await wait_until(lambda: rig.click(waiting), 15)
    for card in (waiting, running):
        await rig.card(card["thread_ts"], "executed", within=30)
    await settle(rig)
    assert len(rig.target.ledger) == ledger + 2
    assert [each for each in await rig.violations() if each.invariant != "I3"] == []


async def test_a_redis_that_loses_everything_costs_no_request_and_no_second_effect(rig: Rig) -> None:
    ledger = len(rig.target.ledger)
    waiting, running = await one_pending_and_one_half_done(rig, "scale shop20 to 3", "restart shop21")
    await rig.empty_redis()
    await goes_on(rig, waiting, running, ledger)


async def test_a_failover_to_a_replica_that_was_behind_costs_no_request_and_no_second_effect(rig: Rig) -> None:
    ledger = len(rig.target.ledger)
    waiting, running = await one_pending_and_one_half_done(rig, "scale shop22 to 3", "restart shop23")
    rig.fail_over()
    await goes_on(rig, waiting, running, ledger)


async def test_a_worker_that_dies_with_redis_leaves_no_second_effect_either(rig: Rig) -> None:
    ledger = len(rig.target.ledger)
    waiting, running = await one_pending_and_one_half_done(rig, "scale shop24 to 3", "restart shop25")
    rig.roles.kill("worker0")
    await rig.empty_redis()
    await goes_on(rig, waiting, running, ledger)


async def test_without_the_intent_row_a_lost_redis_is_a_second_effect(tmp_path: Path) -> None:
    async with open_rig(tmp_path, without=("the intent row",)) as rig:
        rig.target.silent = True
        _, running = await one_pending_and_one_half_done(rig, "scale shop20 to 3", "restart shop21")
        rig.roles.kill("worker0")
        rig.target.manner = "at once"
        await rig.empty_redis()
        await rig.card(running["thread_ts"], "executed", within=30)
        await settle(rig)
        assert any(each.invariant == "I1" for each in await rig.violations())


async def test_while_sql_is_locked_nothing_runs_and_afterwards_it_does(rig: Rig) -> None:
    thread = await rig.ask("scale shop30 to 3")
    card = await rig.card(thread, "pending")
    await settle(rig)
    ledger = len(rig.target.ledger)
    with closing(sqlite3.connect(rig.folder / "data" / "watchkeeper.db", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        assert await rig.click(card)  # it stands in the queue, which is what a 200 promises
        await asyncio.sleep(3)
        assert len(rig.target.ledger) == ledger
        assert facts(rig.cards(thread)[0])["status"] == "pending"
        holder.execute("ROLLBACK")
    await rig.card(thread, "executed")
    await settle(rig)
    assert len(rig.target.ledger) == ledger + 1
    assert await rig.violations() == []
