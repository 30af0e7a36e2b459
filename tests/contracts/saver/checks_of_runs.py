"""What a run rests on: answers reach their own question, once, in whatever process; nothing runs twice or by itself.

Each check takes a way to open a saver and an empty place, and raises AssertionError for a saver that fails it."""

import asyncio
import signal
from contextlib import suppress
from typing import Any

from langgraph.types import Command

from tests.contracts.saver.graphs import asking, chorus, config, counting, nested, siblings, three_gates, wide
from tests.contracts.saver.grounds import Ground
from tests.contracts.saver.processes import TWO_ACTS, answer_and_die, ask_one, elsewhere
from tests.contracts.saver.savers import Opener


async def an_old_approval_opens_no_other_gate(opener: Opener, ground: Ground) -> None:
    """What was said to one request answers neither the next one that is pending, nor any later one of the thread."""
    async with opener(ground) as saver:
        graph = asking(saver, TWO_ACTS)
        await graph.ainvoke({}, config(), durability="sync")
        await graph.ainvoke(Command(resume="approve"), config(), durability="sync")
    for given in (None, {}):
        async with opener(ground) as saver:
            graph = asking(saver, TWO_ACTS)
            await graph.ainvoke(given, config(), durability="sync")
            await _stopped_before(TWO_ACTS[1 if given is None else 0], graph)


async def a_crash_approves_nothing(opener: Opener, ground: Ground) -> None:
    """A run that goes on after a crash stops at the next gate."""
    assert await elsewhere(answer_and_die, opener, ground) == -signal.SIGKILL
    async with opener(ground) as saver:
        graph = asking(saver, TWO_ACTS)
        await graph.ainvoke(None, config(), durability="sync")
        await _stopped_before(TWO_ACTS[1], graph)


async def _stopped_before(act: str, graph: Any) -> None:
    state = await graph.aget_state(config())
    assert state.values["done"] == ["restart"], f"nobody approved {state.values['done'][1:]}"
    assert [each.value for each in state.interrupts] == [{"act": act}]


async def another_process_goes_on(opener: Opener, ground: Ground) -> None:
    """A gate that one process has come to is answered in another."""
    assert await elsewhere(ask_one, opener, ground) == 0
    async with opener(ground) as saver:
        graph = asking(saver, ["restart"])
        state = await graph.aget_state(config())
        assert len(state.interrupts) == 1, "the question is gone"
        answer = Command(resume={state.interrupts[0].id: "approve"})
        assert (await graph.ainvoke(answer, config(), durability="sync"))["done"] == ["restart"]


async def answers_find_their_own_questions(opener: Opener, ground: Ground) -> None:
    """Of three questions at once each gets its own answer, in any order."""
    async with opener(ground) as saver:
        await three_gates(saver).ainvoke({}, config(), durability="sync")
    for name in ("b", "c", "a"):
        async with opener(ground) as saver:
            pending = {each.value: each.id for each in (await three_gates(saver).aget_state(config())).interrupts}
            assert name in pending, f"question {name} is gone"
            answer = Command(resume={pending[name]: f"yes {name}"})
            result = await three_gates(saver).ainvoke(answer, config(), durability="sync")
    assert result["told"] == ["a=yes a", "b=yes b", "c=yes c"], f"told {result['told']}"


async def a_gate_within_a_graph_within_a_graph_resumes(opener: Opener, ground: Ground) -> None:
    """What a nested graph had done before its gate is not done again."""
    ran: list[str] = []
    async with opener(ground) as saver:
        await nested(saver, ran).ainvoke({}, config(), durability="sync")
    async with opener(ground) as saver:
        state = await nested(saver, ran).aget_state(config())
        answer = Command(resume={each.id: "answer" for each in state.interrupts})
        result = await nested(saver, ran).ainvoke(answer, config(), durability="sync")
    assert ran == ["outer", "before"], f"ran {ran}"
    # The outer list gets all that the inner one came to, which began with it.
    assert result["told"] == ["outer", "outer", "before", "answer"]


async def a_finished_sibling_is_not_run_again(opener: Opener, ground: Ground) -> None:
    """Of a step that failed in half, only the other half is run again."""
    ran: list[str] = []
    async with opener(ground) as saver:
        with suppress(LookupError):
            await siblings(saver, ran).ainvoke({}, config(), durability="sync")
    async with opener(ground) as saver:
        result = await siblings(saver, ran).ainvoke(None, config(), durability="sync")
    assert ran.count("sound") == 1, "a finished node ran again"
    assert sorted(result["told"]) == ["failing", "sound"]


async def forty_nodes_write_at_once(opener: Opener, ground: Ground) -> None:
    """A wide step is kept whole."""
    async with opener(ground) as saver:
        try:
            await wide(saver, 40).ainvoke({}, config(), durability="sync")
        except Exception as error:
            raise AssertionError(f"forty writes at once: {error}") from error
    async with opener(ground) as saver:
        state = await wide(saver, 40).aget_state(config())
    assert state.values["told"] == [str(number) for number in range(40)]


async def a_delta_channel_reads_as_it_ran(opener: Opener, ground: Ground) -> None:
    """A list that is rebuilt from five parallel writers' writes comes out in the order in which the run had it."""
    writers = ["ann", "bob", "cleo", "dan", "eve"]
    async with opener(ground) as saver:
        ran = (await chorus(saver, writers, 3).ainvoke({}, config(), durability="sync"))["told"]
    async with opener(ground) as saver:
        read = (await chorus(saver, writers, 3).aget_state(config())).values.get("told")
    assert len(ran) == 15
    assert read == ran, f"ran as {ran}, read as {read}"


async def a_late_retry_changes_nothing(opener: Opener, ground: Ground) -> None:
    """A put that arrives a second time, after newer ones, neither becomes the latest nor is listed twice."""
    puts: list[Any] = []
    async with opener(ground) as saver:
        stored = saver.aput

        async def recorded(*call: Any) -> Any:
            puts.append(call)
            return await stored(*call)

        saver.aput = recorded
        await counting(saver).ainvoke({"count": 6}, config(), durability="sync")
    async with opener(ground) as saver:
        before = await _seen(saver)
        await saver.aput(*puts[0])
        after = await _seen(saver)
    assert after == before, "a late retry changed the thread"


async def _seen(saver: Any) -> tuple[Any, list[Any]]:
    graph = counting(saver)
    ids = [each.config["configurable"]["checkpoint_id"] async for each in graph.aget_state_history(config())]
    return (await graph.aget_state(config())).values, ids


async def a_stale_holder_is_refused(opener: Opener, ground: Ground) -> None:
    """Who held the thread's lease before the one who holds it now can no longer write to it, nor read from it."""
    old, new = config(__fencing_epoch=1), config(__fencing_epoch=2)
    async with opener(ground) as saver, opener(ground) as other:
        await counting(saver).ainvoke({"count": 0}, old, durability="sync")
        await counting(other).ainvoke({"count": 10}, new, durability="sync")
        refused = await asyncio.gather(
            counting(saver).ainvoke({"count": 20}, old, durability="sync"),
            counting(saver).aupdate_state(old, {"count": 30}),
            counting(saver).aget_state(old),
            return_exceptions=True,
        )
        state = await counting(other).aget_state(new)
    assert state.values["count"] == 11, f"a stale holder made it {state.values['count']}"
    assert [type(each).__name__ for each in refused] == ["FencedError"] * 3
