"""What may happen in a schedule, as rules for hypothesis to put together, and the judgement when all is at rest."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from random import Random
from typing import Any, ClassVar

from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from core.approval import ApprovalRequest, ApprovalStatus
from tests.chaos.checker import Violation, check
from tests.chaos.history import History
from tests.chaos.inside.board import ALICE, BOB, CAROL, EVE, GUEST
from tests.chaos.inside.knobs import SERVICES
from tests.chaos.inside.place import Place
from tests.chaos.inside.system import System

ACTIONS = ("restart checkout", "restart payments", "restart front", "scale checkout to 5", "scale payments to 4")
WORDS = (*ACTIONS, "scale front to 4", "why is checkout slow?", "scale payments to 2")
SPANS = (1.0, 6.0, 40.0, 298.0, 301.0, 1799.0, 1801.0)
people = some.sampled_from((ALICE, CAROL, ALICE, CAROL, ALICE, CAROL, BOB, EVE, GUEST))
askers = some.sampled_from((BOB, BOB, ALICE))
votes = some.lists(
    some.tuples(people, some.sampled_from(("approve", "approve", "approve", "reject"))), min_size=1, max_size=3
)
few = some.integers(1, 3)
moments = some.sampled_from((0, 0, 1, 5, 20, 60))


class BrokenPromiseError(AssertionError):
    """A history that breaks an invariant."""

    def __init__(self, violations: list[Violation], history: History, asides: list[str]) -> None:
        told = "\n".join(f"  {each.invariant} {each.subject}: {each.why}" for each in violations)
        super().__init__(f"{len(violations)} violations\n{told}\n{story_of(history, asides)}")
        self.violations = violations


def story_of(history: History, asides: list[str]) -> str:
    """Return what the witnesses say, short enough to be read; `asides` are the harness's own lines."""
    lines = list(asides)
    lines += [f"ack {each.event_id} {each.what}" for each in history.acks]
    lines += [f"event {each.event_id} {each.status} x{each.times}" for each in history.endings]
    lines += [f"{row.id} {row.status.value}: {row.outcome_text}" for row in history.approvals]
    lines += [f"{each.action_id} {each.status.value}: {each.text}" for each in history.effects]
    lines += [f"{each.action_id} {each.call.name} {each.at:%H:%M:%S.%f}" for each in history.acts]
    lines += [f"audit {each.at:%H:%M:%S.%f} {each.kind} {each.subject} {each.actor}" for each in history.audit]
    lines += [f"post {each.kind} {each.subject} {each.shows}" for each in history.posts]
    return "\n".join(f"    {line}" for line in lines)


class Schedule(RuleBasedStateMachine):
    """One schedule; `place` is set by whoever runs it, `tally` counts what the schedules came to."""

    place: Place
    tally: ClassVar[Counter[str]] = Counter()
    broken: ClassVar[list[BrokenPromiseError]] = []

    def __init__(self) -> None:
        super().__init__()
        self.system = System(self.place)
        self.happened: set[str] = set()
        self.deaths: list[str] = []
        self.asides: list[str] = []
        self._do(self.system.open())

    def _do(self, work: Any, milliseconds: int = 0) -> Any:
        async def both() -> Any:
            result = await work
            await asyncio.sleep(milliseconds / 1000)
            return result

        return self.place.run(both())

    def wait_for(self, status: ApprovalStatus) -> None:
        """Wait a moment until some request has that status; for stories."""
        self._do(self.system.wait_for(status, 1.0))

    def _pick(self, number: int, *statuses: ApprovalStatus, wait: float = 0.0) -> ApprovalRequest | None:
        wanted = statuses[0] if statuses else None
        looking = self.system.wait_for(wanted, wait) if wanted and wait else self.system.requests(*statuses)
        found = self._do(looking)
        return found[number % len(found)] if found else None

    @initialize(text=some.sampled_from(ACTIONS), person=askers, times=few)
    def begin(self, text: str, person: str, times: int) -> None:
        """Most schedules are about a request, so each begins with one."""
        self._do(self.system.arrive(self.system.asks(person, text), text, times))
        self._do(self.system.wait_for(ApprovalStatus.PENDING, 0.3))

    @rule(text=some.sampled_from(WORDS), person=askers, times=few, held=some.booleans(), wait=moments)
    def ask(self, text: str, person: str, times: int, held: bool, wait: int) -> None:
        """Somebody says something to us; it is delivered so many times, or held up on its way."""
        asked = self.system.asks(person, text)
        if held:
            self.system.late.append(asked)
        else:
            self._do(self.system.arrive(asked, text, times), wait)

    @rule(service=some.sampled_from(tuple(SERVICES)), number=few, firing=some.booleans(), times=few, wait=moments)
    def ring(self, service: str, number: int, firing: bool, times: int, wait: int) -> None:
        """The monitoring says something."""
        self._do(self.system.arrive(self.system.rings(service, number, firing), "alert", times), wait)

    @rule(number=few, cast=votes, times=few, wait=moments)
    def decide(self, number: int, cast: list[tuple[str, str]], times: int, wait: int) -> None:
        """Several people vote on a waiting request in the same moment, and each click is delivered so many times."""
        request = self._pick(number, ApprovalStatus.PENDING, wait=0.1)
        if request is not None:
            self._vote(request, cast, times, wait)

    @rule(number=few, who=some.sampled_from((ALICE, CAROL)), wait=moments)
    def agree(self, number: int, who: str, wait: int) -> None:
        """Both who may approve it, the one `who` is first."""
        request = self._pick(number, ApprovalStatus.PENDING, wait=0.1)
        if request is not None:
            self._vote(request, [(who, "approve"), (CAROL if who == ALICE else ALICE, "approve")], 1, wait)

    @rule(number=few, cast=votes, wait=moments)
    def decide_again(self, number: int, cast: list[tuple[str, str]], wait: int) -> None:
        """People vote on any request, decided or not."""
        request = self._pick(number)
        if request is not None:
            self._vote(request, cast, 1, wait)

    def _vote(self, request: ApprovalRequest, cast: list[tuple[str, str]], times: int, wait: int) -> None:
        system = self.system
        clicks = [
            system.approves(request, who) if choice == "approve" else system.rejects(request, who)
            for who, choice in cast
        ]

        async def at_once() -> None:
            await asyncio.gather(*(system.arrive(click, "click", times) for click in clicks))

        self._do(at_once(), wait)

    @rule(number=few, person=people, times=few, wait=moments)
    def undo(self, number: int, person: str, times: int, wait: int) -> None:
        """Somebody wants it back."""
        request = self._pick(number, ApprovalStatus.EXECUTED, wait=0.1)
        if request is not None:
            self._do(self.system.arrive(self.system.undoes(request, person), "undo", times), wait)

    @rule(number=few)
    def repeat_verdict(self, number: int) -> None:
        """A verdict is delivered twice more."""
        request = self._pick(number)
        if request is not None and request.status is not ApprovalStatus.PENDING:
            self._do(self.system.verdict_again(request))

    @rule(kind=some.sampled_from(("sweep", "sweep", "catch up", *SPANS)), wait=moments)
    def time_passes(self, kind: str | float, wait: int) -> None:
        """Clocks go on (the two clocks of approvals among them), the sweeper ticks, what was held up arrives."""
        if kind == "sweep":
            self._do(self.system.sweep(), wait)
        elif kind == "catch up":
            late, self.system.late = self.system.late[::-1], []
            for event in late:
                self._do(self.system.arrive(event, "late"), wait)
        else:
            self.system.clock.advance(seconds=float(kind))

    @rule(number=some.integers(0, 2), calls=some.integers(0, 80), after=some.booleans(), wait=moments)
    def crash(self, number: int, calls: int, after: bool, wait: int) -> None:
        """A worker is killed now, or at one of its next calls; another one is started in its place."""
        self._crash(number, calls, after, wait)

    @rule(number=some.integers(0, 2), calls=some.integers(1, 40), after=some.booleans(), who=askers)
    def crash_at_work(self, number: int, calls: int, after: bool, who: str) -> None:
        """A worker is killed while there is something to do."""
        self._crash(number, calls, after, 0)
        self.ask("restart checkout", who, 1, False, 5)
        self.agree(number, ALICE, 20)

    def _crash(self, number: int, calls: int, after: bool, wait: int) -> None:
        alive = self.system.alive
        if not alive:
            return
        node = alive[number % len(alive)]
        if calls:
            node.plug.burn(calls, after)
        else:
            node.kill()
        if len(self.system.nodes) < 5:
            self.system.add_worker()
        self._do(asyncio.sleep(0), wait)

    @rule(kind=some.sampled_from(("cut", "cut", "lock", "restart", "forget")), wait=moments)
    def outage(self, kind: str, wait: int) -> None:
        """Redis hangs up, SQL is locked for a while, Redis is killed and comes back, or the graphs' memory is lost."""
        if kind in self.happened:
            return
        if kind in ("restart", "forget"):
            self.happened.add(kind)
        system = self.system
        works = {"cut": system.cut_connections, "restart": system.restart_redis, "forget": system.lose_checkpoints}
        self._do(works[kind]() if kind in works else system.lock_sql(wait / 1000), wait)

    @rule(answers=some.lists(some.sampled_from(("lost", "unheard", "slow", "done")), min_size=1, max_size=3))
    def target_misbehaves(self, answers: list[str]) -> None:
        """The next calls of the target are answered like this."""
        self.system.knobs.answers.extend(answers)

    @rule(kind=some.sampled_from(("turn", "ill", "freeze", "thaw", "tamper", "slow")), number=few)
    def mischief(self, kind: str, number: int) -> None:
        """Somebody changes the target, makes it ill, turns the freeze switch, edits a request in the database, or makes
        every call take its time."""
        service = tuple(SERVICES)[number % len(SERVICES)]
        if kind == "turn":
            self.system.knobs.turn(service)
        elif kind == "ill":
            self.system.knobs.sick.add(service)
        elif kind == "slow":
            self.system.world.slow = Random(number)
        elif kind == "tamper":
            request = self._pick(number, ApprovalStatus.PENDING)
            if request is not None:
                self._do(self.system.tamper(request))
        else:
            self.system.freeze(kind == "freeze")

    def teardown(self) -> None:
        """Let everything come to rest, then judge."""

        async def end() -> History:
            try:
                await self.system.settle()
                return await self.system.history()
            finally:
                world = self.system.world
                self.deaths = list(world.deaths)  # before the workers that are left are closed
                self.asides = [f"deaths: {self.deaths}", f"broken off: {world.broken_off}", *self.system.busy]
                await self.system.close()

        history = self.place.run(end())
        self._count(history)
        if violations := check(history):
            self.broken.append(BrokenPromiseError(violations, history, self.asides))
            raise self.broken[-1]

    def _count(self, history: History) -> None:
        self.tally.update(
            schedules=1, effects=len(history.acts), approvals=len(history.approvals), events=len(history.acks),
            deaths=len(self.deaths), interruptions=history.interruptions,
        )  # fmt: skip
        self.tally.update(f"ended {row.status.value}" for row in history.approvals)


RULES = (
    "ask", "ring", "decide", "agree", "decide_again", "undo", "repeat_verdict", "time_passes", "crash", "crash_at_work",
    "outage", "target_misbehaves", "mischief",
)  # fmt: skip


def _no_rule(name: str) -> Callable[..., None]:
    """The same thing to do, for other rules to use, but no rule itself."""

    def do(machine: Schedule, *given: Any) -> None:
        getattr(Schedule, name)(machine, *given)

    return do


@contextlib.contextmanager
def at(place: Place, only: Collection[str] = ()) -> Iterator[type[Schedule]]:
    """Yield the machine tied to a place, with a tally of its own; `only` names the rules that it has, if not all."""

    class Here(Schedule):
        pass

    Here.place, Here.tally, Here.broken = place, Counter(), []
    for name in RULES if only else ():
        if name not in only:
            setattr(Here, name, _no_rule(name))
    yield Here
