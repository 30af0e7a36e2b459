"""A run that dies at any one write of its saver is finished by whoever comes next, with one effect."""

from collections.abc import Iterator, Sequence
from itertools import count, repeat
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import StateSnapshot

from core.approval import ApprovalStatus
from graphs import runner
from tests.graphs.world import World, a_proposal, approval_of


class Killed(BaseException):
    """What kill -9 would be, as far as an exception can be."""


class MortalSaver(InMemorySaver):
    """Dies at one of its writes, before it is made; `left` counts down to it, also for the shallow copies that graphs
    work on which are compiled while LangGraph is strict about types."""

    left: Iterator[int] = repeat(0)

    async def aput(self, *given: Any, **named: Any) -> Any:
        self._count()
        return await super().aput(*given, **named)

    async def aput_writes(self, config: Any, writes: Sequence[tuple[str, Any]], *given: Any, **named: Any) -> None:
        self._count()
        await super().aput_writes(config, writes, *given, **named)

    def _count(self) -> None:
        if next(self.left) == 1:
            raise Killed


async def carried_out(dies_at: int, *, after_the_vote: bool) -> tuple[bool, ApprovalStatus | None, int]:
    """Ask and approve with one death at that write; returns whether it died, how the request ended, and the effects."""
    saver = MortalSaver()
    world = World(saver=saver)
    died = False
    if after_the_vote:
        await world.runner().remediate(a_proposal())
        await world.vote(approval_of())
    saver.left = count(dies_at, -1)
    for _ in range(2):  # the second time is the next delivery, in another process
        try:
            await world.runner().remediate(a_proposal())
            if approval_of() in world.approvals.rows:
                row = await world.vote(approval_of())
                await world.runner().resume(row)
        except Killed:
            died = True
    row = world.approvals.rows.get(approval_of())
    return died, row.status if row else None, len(world.toolbox.effects)


async def outcomes(*, after_the_vote: bool) -> list[tuple[int, ApprovalStatus | None, int]]:
    """Die at the first write, at the second and so on, until there is none left to die at."""
    found: list[tuple[int, ApprovalStatus | None, int]] = []
    while True:
        died, status, effects = await carried_out(len(found) + 1, after_the_vote=after_the_vote)
        if not died:
            return found
        found.append((len(found) + 1, status, effects))


@pytest.mark.parametrize("after_the_vote", [False, True])
async def test_whoever_comes_after_a_death_at_any_write_of_the_saver_finishes_the_run(after_the_vote: bool) -> None:
    found = await outcomes(after_the_vote=after_the_vote)
    assert len(found) >= 8
    assert [each for each in found if each[1:] != (ApprovalStatus.EXECUTED, 1)] == []


async def test_a_runner_that_asks_only_for_the_next_step_forgets_a_run_whose_last_step_was_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unstored_steps_only(snapshot: StateSnapshot) -> bool:
        return bool(snapshot.next) and not snapshot.interrupts

    monkeypatch.setattr(runner, "half_done", unstored_steps_only)
    lost = [status for _, status, effects in await outcomes(after_the_vote=False) if not effects]
    assert lost
