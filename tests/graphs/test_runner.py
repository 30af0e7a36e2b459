"""What the runner promises: starts and resumes may be repeated, nothing answers a gate but its own verdict."""

import asyncio
from typing import Any

import pytest
from langgraph._internal import _constants
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import UnknownInterruptError
from langgraph.types import Command

from core.approval import ApprovalStatus
from core.ids import remediation_thread_id
from core.tool_call import ToolCall, ToolResult
from graphs.remediation import graph as remediation
from graphs.runner import FENCING_EPOCH, STRICT_RESUME, LangGraphRunner, pending_interrupt, thread_config
from tests.graphs.world import World, a_proposal, approval_of

THREAD = remediation_thread_id("rem_1")
UNDO = ToolCall(name="restart_service", args={"service": "payments"})


async def pending_value(world: World) -> list[Any]:
    snapshot = await remediation.compile_graph(world.saver).aget_state(thread_config(THREAD, 1))
    return [waiting.value for waiting in snapshot.interrupts]


async def at_the_second_gate(world: World) -> None:
    """The first action ran and did not help; its rollback waits for a decision of its own."""
    world.toolbox.rollbacks["restart_service"] = UNDO
    world.toolbox.answers["probe_http"] = lambda args: ToolResult(status="ok", text="500", data={"status_code": 500})
    await world.runner().remediate(a_proposal())
    await world.runner().resume(await world.vote(approval_of()))
    assert await pending_value(world) == [{"approval_id": approval_of(attempt=2)}]


def test_langgraph_still_calls_strict_resume_by_this_name() -> None:
    assert _constants.CONFIG_KEY_STRICT_RESUME == STRICT_RESUME


async def test_starting_twice_asks_once() -> None:
    world = World()
    await asyncio.gather(*(world.runner().remediate(a_proposal()) for _ in range(3)))
    assert len(world.approvals.rows) == 1
    assert [kind for kind, _ in world.cards.shown] == ["approval"]


async def test_starting_again_after_the_end_does_nothing() -> None:
    world = World()
    await world.runner().remediate(a_proposal())
    await world.runner().resume(await world.vote(approval_of()))
    await world.runner().remediate(a_proposal())
    assert len(world.toolbox.effects) == 1
    assert await pending_value(world) == []


async def test_a_verdict_delivered_many_times_at_once_runs_the_action_once() -> None:
    world = World()
    await world.runner().remediate(a_proposal())
    row = await world.vote(approval_of())
    answers = await asyncio.gather(*(world.runner().resume(row) for _ in range(5)))
    assert sorted(answers) == [False, False, False, False, True]
    assert len(world.toolbox.effects) == 1


async def test_a_request_without_a_verdict_answers_nothing() -> None:
    world = World()
    await world.runner().remediate(a_proposal())
    assert not await world.runner().resume(await world.approvals.load(approval_of()))
    assert await pending_value(world) == [{"approval_id": approval_of()}]


async def test_a_stale_verdict_does_not_answer_the_next_gate() -> None:
    world = World(verify_within=0.01)
    await at_the_second_gate(world)
    assert not await world.runner().resume(await world.approvals.load(approval_of()))
    assert await pending_value(world) == [{"approval_id": approval_of(attempt=2)}]
    assert len(world.toolbox.effects) == 1


async def test_the_broken_twin_with_a_bare_resume_answers_the_wrong_gate() -> None:
    world = World(verify_within=0.01)
    await at_the_second_gate(world)
    graph = remediation.compile_graph(world.saver)
    await graph.ainvoke(Command(resume={"verdict": "approved"}), thread_config(THREAD, 1), context=world.context)
    # The old "approved" did answer the second gate; only the row, which says pending, kept the effect away.
    assert await pending_value(world) == []
    assert len(world.toolbox.effects) == 1
    assert (await world.approvals.load(approval_of(attempt=2))).status is ApprovalStatus.PENDING


async def test_an_answer_to_an_interrupt_that_is_gone_is_refused_by_strict_resume_and_kept_without() -> None:
    world = World(verify_within=0.01)
    await world.runner().remediate(a_proposal())
    graph = remediation.compile_graph(world.saver)
    first = pending_interrupt(await graph.aget_state(thread_config(THREAD, 1)), approval_of())
    await world.runner().resume(await world.vote(approval_of(), "reject"))
    stale: Command[Any] = Command(resume={first: {"verdict": "approved"}})
    with pytest.raises(UnknownInterruptError):
        await graph.ainvoke(stale, thread_config(THREAD, 1), context=world.context)
    lax: Any = {"configurable": {"thread_id": THREAD}}
    await graph.ainvoke(stale, lax, context=world.context)  # the broken twin: nobody notices
    assert world.toolbox.effects == []


class Crash(RuntimeError):
    """Stands for a process that dies at this very point."""


async def crash_in(world: World, port: str, method: str, run: Any) -> None:
    """Run with a port whose method raises once instead of working."""
    real = getattr(world, port)

    class Dying:
        def __getattr__(self, name: str) -> Any:
            if name != method:
                return getattr(real, name)
            return self.die

        async def die(self, *args: Any, **kwargs: Any) -> None:
            raise Crash

    with pytest.raises(Crash):
        await run(world.runner(**{port: Dying()}))


@pytest.mark.parametrize(("port", "method"), [("cards", "show_approval"), ("toolbox", "plan")])
async def test_a_start_that_crashed_is_finished_by_the_next_one(port: str, method: str) -> None:
    world = World()
    await crash_in(world, port, method, lambda runner: runner.remediate(a_proposal()))
    await world.runner().remediate(a_proposal())
    assert list(world.approvals.rows) == [approval_of()]
    assert await pending_value(world) == [{"approval_id": approval_of()}]


@pytest.mark.parametrize(("port", "method"), [("approvals", "finish"), ("cards", "show_approval"), ("audit", "append")])
async def test_a_resume_that_crashed_is_finished_by_the_next_one_without_a_second_effect(
    port: str, method: str
) -> None:
    world = World()
    await world.runner().remediate(a_proposal())
    row = await world.vote(approval_of())
    await crash_in(world, port, method, lambda runner: runner.resume(row))
    assert not await world.runner().resume(row)
    assert len(world.toolbox.effects) == 1
    assert (await world.approvals.load(row.id)).status is ApprovalStatus.EXECUTED
    assert f"{approval_of()}:end" in world.cards.said


class Noting(InMemorySaver):
    """Keeps the epoch of every call."""

    def __init__(self) -> None:
        super().__init__()
        self.epochs: list[tuple[str, int | None]] = []

    def _note(self, what: str, config: Any) -> None:
        self.epochs.append((what, config["configurable"].get(FENCING_EPOCH)))

    async def aget_tuple(self, config: Any) -> Any:
        self._note("get", config)
        return await super().aget_tuple(config)

    async def aput(self, config: Any, *rest: Any) -> Any:
        self._note("put", config)
        return await super().aput(config, *rest)

    async def aput_writes(self, config: Any, *rest: Any) -> None:
        self._note("put_writes", config)
        await super().aput_writes(config, *rest)


async def test_every_look_and_every_write_carries_the_epoch_of_the_lease() -> None:
    saver = Noting()
    world = World(saver=saver)
    await world.runner().remediate(a_proposal())
    assert {what for what, _ in saver.epochs} == {"get", "put", "put_writes"}
    assert {epoch for _, epoch in saver.epochs} == {1}
    saver.epochs.clear()
    await world.runner().resume(await world.vote(approval_of()))
    assert {what for what, _ in saver.epochs} == {"get", "put", "put_writes"}
    assert {epoch for _, epoch in saver.epochs} == {2}


async def test_the_epoch_is_kept_out_of_what_a_checkpoint_tells_of_itself() -> None:
    world = World()
    await world.runner().remediate(a_proposal())
    tuples = [each async for each in world.saver.alist({"configurable": {"thread_id": THREAD}})]
    assert tuples
    assert all(FENCING_EPOCH not in each.metadata for each in tuples)


async def test_a_second_worker_waits_for_the_lease() -> None:
    world = World()
    await world.runner().remediate(a_proposal())
    row = await world.vote(approval_of())
    async with world.lease(THREAD):
        waiting = asyncio.create_task(world.runner().resume(row))
        await asyncio.sleep(0.05)
        assert world.toolbox.effects == []
    assert await waiting


def test_the_runner_is_the_only_caller_of_the_graphs() -> None:
    assert {"investigate", "remediate", "resume"} <= set(vars(LangGraphRunner))
