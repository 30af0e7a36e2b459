"""Two processes decide in the same millisecond: one of them does, and the history shows both."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from bot.adapters.database.engine import open_database
from bot.adapters.redis.checkpointer import open_saver
from tests.chaos.checker import check
from tests.chaos.collect import rows_of
from tests.chaos.gated import gated_graph
from tests.chaos.history import History
from tests.chaos.racer import ALICE, BOB, CAROL, desk_over
from tests.fakes.databases import *
from tests.fakes.examples import a_request, history_of
from tests.fakes.servers import *

ROUNDS = pytest.mark.parametrize("rounds", [50, pytest.param(1000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])


@asynccontextmanager
async def sides(*arguments: Sequence[str]) -> AsyncIterator[list[Process]]:
    """Start one process for each side, and end it by closing its pipe."""
    command = [sys.executable, "-m", "tests.chaos.racer"]
    started = [await asyncio.create_subprocess_exec(*command, *each, stdin=PIPE, stdout=PIPE) for each in arguments]
    try:
        for each in started:
            assert each.stdout is not None
            assert await each.stdout.readline() == b"ready\n"
        yield started
    finally:
        for each in started:
            assert each.stdin is not None
            each.stdin.close()
            await each.wait()


async def at_once(racers: list[Process], word: str) -> list[list[str]]:
    """Give the word to all of them in the same instant; returns what each came to."""
    for each in racers:
        assert each.stdin is not None
        each.stdin.write(f"{word}\n".encode())
    return [json.loads(await each.stdout.readline()) for each in racers if each.stdout is not None]


async def rounds_of(url: str, number: int, *people: Sequence[str]) -> tuple[History, list[list[list[str]]]]:
    """Race for that many requests; returns the history and what was told to each click."""
    told: list[list[list[str]]] = []
    database = open_database(url)
    desk = desk_over(database)
    try:
        async with sides(*(["vote", url, *each] for each in people)) as racers:
            for _ in range(number):
                request = a_request(requester=BOB, created_at=datetime.now(UTC))
                await desk.approvals.create(request, *history_of(request))
                told.append(await at_once(racers, request.id))
        return await rows_of(database), told
    finally:
        await database.close()


@ROUNDS
async def test_approve_and_reject_in_the_same_millisecond_have_one_winner(database_url: str, rounds: int) -> None:
    history, told = await rounds_of(database_url, rounds, (ALICE, "approve"), (CAROL, "reject"))
    decided = Counter(event.subject for event in history.audit if event.kind == "ApprovalDecided")
    assert set(decided.values()) == {1}
    assert len(decided) == rounds
    assert [each for each in check(history) if each.invariant == "I2"] == []
    wins = Counter(row.status.value for row in history.approvals)
    assert wins.total() == wins["approved"] + wins["rejected"] == rounds
    for row, ((approver,), (rejecter,)) in zip(history.approvals, told, strict=True):
        # Both were told what the row says, whoever of them came to write it.
        status = row.status.value
        fits = (status, f"already {status}", "can no longer be approved" if status == "rejected" else status)
        assert all(any(each in answer for each in fits) for answer in (approver, rejecter)), (
            status,
            approver,
            rejecter,
        )
        heard = {event.actor for event in history.audit if event.subject == row.id}
        assert {ALICE, CAROL} <= heard
    print(f"{rounds} rounds: {dict(wins)}, 0 contradictions")


async def test_a_decision_in_graph_state_is_won_by_both(redis_url: str) -> None:
    async with (
        open_saver(redis_url, timedelta(hours=1)) as saver,
        sides(("graph", redis_url, ALICE, "approve"), ("graph", redis_url, CAROL, "reject")) as racers,
    ):
        for number in range(300):
            await gated_graph(saver).ainvoke({"verdict": ""}, {"configurable": {"thread_id": f"race-{number}"}})
            if await at_once(racers, f"race-{number}") == [["approve"], ["reject"]]:
                return print(f"a contradiction in round {number + 1}")
    raise AssertionError("no contradiction")


@pytest.mark.parametrize("rounds", [20, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(300)])])
async def test_the_same_click_ten_times_in_two_processes_is_one_decision(database_url: str, rounds: int) -> None:
    history, told = await rounds_of(database_url, rounds, (ALICE, "approve", "5"), (ALICE, "approve", "5"))
    kinds = Counter(event.kind for event in history.audit)
    assert kinds["ApprovalDecided"] == kinds["VoteCast"] == rounds
    assert all(row.status.value == "approved" and len(row.votes) == 1 for row in history.approvals)
    answers = {answer for sides_of_round in told for side in sides_of_round for answer in side}
    assert all(answer == "approved" or "already approved by <@U0ALICE>" in answer for answer in answers), answers


@pytest.mark.parametrize("rounds", [20, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(300)])])
async def test_ten_clicks_of_two_people_are_one_decision_and_the_others_hear_by_whom(
    database_url: str, rounds: int
) -> None:
    history, told = await rounds_of(database_url, rounds, (ALICE, "approve", "5"), (CAROL, "approve", "5"))
    assert Counter(event.kind for event in history.audit)["ApprovalDecided"] == rounds
    late = [answer for answers in told for side in answers for answer in side if answer != "approved"]
    assert late
    assert all("already approved by" in answer for answer in late), set(late)
