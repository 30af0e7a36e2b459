"""The freeze holds for every worker from the next last look on, between two remediations too, and says who and why."""

import asyncio
from collections.abc import AsyncIterator, Callable
from time import monotonic

import pytest

from bot.adapters.database.audit_log import SqlAudit
from bot.adapters.database.engine import open_database
from bot.adapters.database.freeze_store import SqlSwitches
from core.approval import ApprovalStatus
from core.audit import AuditEvent
from core.errors import NotAnApproverError, RefusedError, TransientError
from core.freeze import Freeze
from core.person import Person
from core.refusal import end_of
from core.services.freeze import FreezeSwitch, Switches
from tests.fakes.audit import InMemoryAudit
from tests.fakes.clock import START, FakeClock
from tests.fakes.directory import InMemoryDirectory
from tests.fakes.freeze import InMemorySwitches
from tests.tools.conftest import Bench, bench  # noqa: F401 - a fixture
from tools.guard import Frozen, Guard

ALICE, BOB, GUEST = "U0ALICE", "U0BOB", "U0GUEST"
PEOPLE = InMemoryDirectory(
    [Person(id=ALICE, name="Alice"), Person(id=BOB, name="Bob"), Person(id=GUEST, name="Gus", is_guest=True)],
    {"S0SRE": {ALICE, GUEST}},
)


@pytest.fixture
async def workers(store_url: str | None) -> AsyncIterator[tuple[Switches, Switches, InMemoryAudit | SqlAudit]]:
    """Yield the switch as two workers see it, each over connections of its own, and the history."""
    if store_url is None:
        memory = InMemorySwitches()
        yield memory, memory, memory.audit  # pyright: ignore[reportReturnType]
        return
    one, other = open_database(store_url), open_database(store_url)
    yield SqlSwitches(one), SqlSwitches(other), SqlAudit(one)
    await one.close()
    await other.close()


def switch(switches: Switches, by_file: Callable[[], bool] = lambda: False) -> FreezeSwitch:
    return FreezeSwitch(switches, PEOPLE, InMemoryAudit(), FakeClock(), lambda: {"sre": ("S0SRE",)}, by_file)


async def test_what_one_worker_turns_the_other_sees_at_once(
    workers: tuple[Switches, Switches, InMemoryAudit | SqlAudit],
) -> None:
    here, there, audit = switch(workers[0]), switch(workers[1]), workers[2]
    assert not await there.frozen()
    assert await there.why() == ""
    await here.turn_on(ALICE, "moving the database")
    assert await there.frozen()
    assert await there.state() == Freeze(is_on=True, person=ALICE, reason="moving the database", since=START)
    assert await there.why() == f"everything was frozen by <@{ALICE}> (moving the database)"
    await there.turn_off(ALICE)
    assert not await here.frozen()
    assert [event.kind for event in await audit.of_subject("freeze")] == ["Frozen", "Thawed"]


async def test_of_many_hands_one_turns_it(workers: tuple[Switches, Switches, InMemoryAudit | SqlAudit]) -> None:
    def event() -> AuditEvent:
        return AuditEvent(kind="Frozen", actor=ALICE, subject="freeze", at=START)

    wanted = Freeze(is_on=True, person=ALICE, since=START)
    turns = [workers[number % 2].turn(wanted, event()) for number in range(8)]  # type: ignore[union-attr]
    assert sorted(await asyncio.gather(*turns)) == [False] * 7 + [True]
    assert len(await workers[2].of_subject("freeze")) == 1
    with pytest.raises(RefusedError, match="frozen already by <@U0ALICE>"):
        await switch(workers[1]).turn_on(ALICE, "")
    await switch(workers[0]).turn_off(ALICE)
    with pytest.raises(RefusedError, match="Nothing is frozen"):
        await switch(workers[0]).turn_off(ALICE)


@pytest.mark.parametrize("person", [BOB, GUEST, "U0NOBODY"])
async def test_whoever_may_not_is_refused_and_it_is_written_down(person: str) -> None:
    here = switch(InMemorySwitches())
    for turning in (here.turn_on(person, "because"), here.turn_off(person)):
        with pytest.raises(NotAnApproverError, match="sre"):
            await turning
    assert not await here.frozen()
    assert isinstance(here.audit, InMemoryAudit)
    assert here.audit.kinds == ["FreezeRefused", "FreezeRefused"]


class NoSql(InMemorySwitches):
    """A database that is away."""

    async def load(self) -> Freeze:
        raise TransientError("database: away")


async def test_the_file_holds_everything_even_without_sql_and_is_named() -> None:
    assert await switch(NoSql(), lambda: True).frozen()
    with pytest.raises(TransientError):
        await switch(NoSql()).frozen()
    by_file = switch(InMemorySwitches(), lambda: True)
    assert "the file `freeze`" in await by_file.why()
    await by_file.turn_on(ALICE, "")
    await by_file.turn_off(ALICE)
    assert await by_file.frozen()
    with pytest.raises(RefusedError, match=r"Still frozen: .* the file `freeze`"):
        await by_file.turn_off(ALICE)


async def batch(bench: Bench, frozen: Frozen, meanwhile: Callable[[], object]) -> list[str]:  # noqa: F811
    """Run two approved remediations one after the other on a worker with that switch; `meanwhile` is between them."""
    guard = Guard(bench.registry(), bench.approvals, bench.effects, bench.audit, bench.clock, frozen)
    bench.effects.audit = bench.audit
    first = await bench.approved("restart_service", service="checkout")
    second = await bench.approved("restart_service", service="payments")
    said = [(await guard.execute(*first)).status]
    found = meanwhile()
    if asyncio.iscoroutine(found):
        await found
    result = await guard.execute(*second)
    return [*said, result.status, result.text]


async def test_a_freeze_between_two_remediations_stops_the_second_within_a_second(
    bench: Bench,  # noqa: F811
    workers: tuple[Switches, Switches, InMemoryAudit | SqlAudit],
) -> None:
    turned: list[float] = []

    async def freeze() -> None:
        await switch(workers[0]).turn_on(ALICE, "stop")
        turned.append(monotonic())

    said = await batch(bench, switch(workers[1]).frozen, freeze)
    assert monotonic() - turned[0] <= 1.0
    assert said[:2] == ["ok", "refused"]
    assert end_of(said[2]) is ApprovalStatus.FROZEN
    assert [effect["service"] for effect in bench.peer.effects] == ["checkout"]
    assert bench.audit.kinds[-1] == "EffectRefused"


async def test_a_worker_that_asks_once_at_its_start_is_caught(
    bench: Bench,  # noqa: F811
    workers: tuple[Switches, Switches, InMemoryAudit | SqlAudit],
) -> None:
    at_start = await switch(workers[1]).frozen()
    said = await batch(bench, lambda: at_start, lambda: switch(workers[0]).turn_on(ALICE, "stop"))
    assert said[:2] == ["ok", "ok"]
    assert len(bench.peer.effects) == 2


async def test_a_database_that_is_away_counts_as_frozen(bench: Bench) -> None:  # noqa: F811
    said = await batch(bench, switch(NoSql()).frozen, lambda: None)
    assert said[:2] == ["refused", "refused"]
    assert bench.peer.effects == []
