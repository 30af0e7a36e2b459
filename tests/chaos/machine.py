"""One schedule over the whole system: what each of its steps does, and the judgement when all is at rest."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from core.approval import ApprovalRequest, ApprovalStatus
from tests.chaos.checker import Violation, check
from tests.chaos.history import History
from tests.chaos.inside.board import ALICE, CAROL
from tests.chaos.inside.knobs import SERVICES
from tests.chaos.inside.place import Place
from tests.chaos.inside.system import System
from tests.chaos.steps import Step


@dataclass(frozen=True)
class Played:
    """What came of a schedule: `tally` counts effects, approvals by their ends, deaths and so on."""

    violations: Sequence[Violation]
    story: str
    tally: Counter[str] = field(default_factory=Counter[str])

    @property
    def broken(self) -> set[str]:
        """The invariants that do not hold."""
        return {violation.invariant for violation in self.violations}


def play(place: Place, steps: Sequence[Step]) -> Played:
    """Live a schedule through to its end and judge it."""

    def live(schedule: "Schedule") -> None:
        for step in steps:
            getattr(schedule, step.rule)(**step.given)

    return tell(place, live)


def tell(place: Place, story: "Callable[[Schedule], None]") -> Played:
    """Live what a story does with a schedule through to its end and judge it."""
    schedule = Schedule(place)
    try:
        story(schedule)
    except BaseException:
        schedule.end()
        raise
    return schedule.end()


def story_of(history: History, asides: list[str]) -> str:
    """Return what the witnesses say, short enough to be read; `asides` are the harness's own lines."""
    lines = list(asides)
    lines += [f"ack {each.event_id} {each.what}" for each in history.acks]
    lines += [f"event {each.event_id} {each.status} x{each.times}" for each in history.endings]
    lines += [f"{row.id} {row.status.value}: {row.outcome_text}" for row in history.approvals]
    lines += [f"{each.action_id} {each.status.value}: {each.text}" for each in history.effects]
    lines += [f"{each.action_id} {each.call.name} {each.at:%H:%M:%S.%f}" for each in history.acts]
    lines += [f"audit {each.at:%H:%M:%S.%f} {each.kind} {each.subject} {each.actor}" for each in history.audit]
    lines += [f"policy {each.sha256[-1]} {each.since:%H:%M:%S.%f} to {each.until}" for each in history.reigns]
    lines += [f"post {each.kind} {each.subject} {each.shows}" for each in history.posts]
    return "\n".join(f"    {line}" for line in lines)


class Schedule:
    """The steps by their names; `wait` is how many calls the workers may make before the next one begins."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.system = System(place)
        self._stimuli = self.system.stimuli
        self.happened: set[str] = set()
        self._deaths = 0
        self._do(self.system.open())

    def _do(self, work: Any, wait: int = 0) -> Any:
        async def both() -> Any:
            result = await work
            await self.system.go_on(wait)
            return result

        return self.place.run(both())

    def _pick(self, number: int, *statuses: ApprovalStatus) -> ApprovalRequest | None:
        return self._do(self.system.pick(number, *statuses))

    def wait_for(self, status: ApprovalStatus) -> None:
        """Wait until some request has that status; for stories."""
        self._pick(0, status)

    def begin(self, text: str, person: str, times: int) -> None:
        """Most schedules are about a request, so each begins with one."""
        self._do(self.system.arrive(self._stimuli.asks(person, text), text, times))
        self.wait_for(ApprovalStatus.PENDING)

    def ask(self, text: str, person: str, times: int, held: bool, wait: int) -> None:
        """Somebody says something to us; it is delivered so many times, or held up on its way."""
        asked = self._stimuli.asks(person, text)
        if held:
            self.system.late.append(asked)
        else:
            self._do(self.system.arrive(asked, text, times), wait)

    def ring(self, service: str, number: int, firing: bool, times: int, wait: int) -> None:
        """The monitoring says something."""
        self._do(self.system.arrive(self._stimuli.rings(service, number, firing), "alert", times), wait)

    def decide(self, number: int, cast: list[tuple[str, str]], times: int, wait: int) -> None:
        """Several people vote on a waiting request in the same moment, and each click is delivered so many times."""
        request = self._pick(number, ApprovalStatus.PENDING)
        if request is not None:
            self._vote(request, cast, times, wait)

    def agree(self, number: int, who: str, wait: int) -> None:
        """Both who may approve it, the one `who` is first."""
        request = self._pick(number, ApprovalStatus.PENDING)
        if request is not None:
            self._vote(request, [(who, "approve"), (CAROL if who == ALICE else ALICE, "approve")], 1, wait)

    def decide_again(self, number: int, cast: list[tuple[str, str]], wait: int) -> None:
        """People vote on any request, decided or not."""
        request = self._pick(number)
        if request is not None:
            self._vote(request, cast, 1, wait)

    def _vote(self, request: ApprovalRequest, cast: list[tuple[str, str]], times: int, wait: int) -> None:
        system, stimuli = self.system, self._stimuli
        clicks = [
            stimuli.approves(request, who) if choice == "approve" else stimuli.rejects(request, who)
            for who, choice in cast
        ]

        async def at_once() -> None:
            await asyncio.gather(*(system.arrive(click, "click", times) for click in clicks))

        self._do(at_once(), wait)

    def edit(self, number: int, person: str, service: str, workers: int, times: int, wait: int) -> None:
        """Somebody asks for something else in place of a waiting request."""
        request = self._pick(number, ApprovalStatus.PENDING)
        if request is not None:
            edited = self._stimuli.edits(request, person, service, workers)
            self._do(self.system.arrive(edited, "edit", times), wait)

    def undo(self, number: int, person: str, times: int, wait: int) -> None:
        """Somebody wants it back."""
        request = self._pick(number, ApprovalStatus.EXECUTED)
        if request is not None:
            self._do(self.system.arrive(self._stimuli.undoes(request, person), "undo", times), wait)

    def repeat_verdict(self, number: int) -> None:
        """A verdict is delivered twice more."""
        request = self._pick(number)
        if request is not None and request.status is not ApprovalStatus.PENDING:
            self._do(self.system.verdict_again(request))

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

    def turn_policy(self, name: str, late: int, wait: int) -> None:
        """The policy's file is changed, and one worker reads it late."""
        self._do(self.system.turn_policy(name, late), wait)

    def crash(self, number: int, calls: int, after: bool, wait: int) -> None:
        """A worker is killed now, or at one of its next calls; another one is started in its place."""
        self._crash(number, calls, after, wait)

    def crash_at_work(self, number: int, calls: int, after: bool, who: str) -> None:
        """A worker is killed while there is something to do."""
        self._crash(number, calls, after, 0)
        self.ask("restart checkout", who, 1, False, 10)
        self.agree(number, ALICE, 40)

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

    def outage(self, kind: str, seconds: float) -> None:
        """Redis hangs up, SQL is locked for a while, Redis is killed and comes back, or the graphs' memory is lost."""
        if kind in self.happened:
            return
        if kind in ("restart", "forget"):
            self.happened.add(kind)
        system = self.system
        works = {"cut": system.cut_connections, "restart": system.restart_redis, "forget": system.lose_checkpoints}
        self._do(works[kind]() if kind in works else system.lock_sql(seconds))

    def target_misbehaves(self, answers: list[str]) -> None:
        """The next calls of the target are answered like this."""
        self.system.knobs.answers.extend(answers)

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
        elif kind in ("tamper", "forge"):
            request = self._pick(number, ApprovalStatus.PENDING)
            if request is not None:
                self._do(self.system.tamper(request) if kind == "tamper" else self.system.forge(request))
        else:
            self._do(self.system.freeze(kind == "freeze"))

    def end(self) -> Played:
        """Let everything come to rest, then judge."""
        world, asides = self.system.world, list[str]()

        async def end() -> History:
            try:
                await self.system.settle()
                return await self.system.history()
            finally:
                # Before the workers that are left are closed.
                asides.extend((f"deaths: {world.deaths}", f"broken off: {world.broken_off}", *self.system.busy))
                self._deaths = len(world.deaths)
                await self.system.close()

        history = self.place.run(end())
        violations = check(history)
        return Played(violations, story_of(history, asides) if violations else "", self._counted(history))

    def _counted(self, history: History) -> Counter[str]:
        counted = Counter(
            schedules=1, effects=len(history.acts), approvals=len(history.approvals), events=len(history.acks),
            deaths=self._deaths, interruptions=history.interruptions,
            edits=sum(bool(row.replaces) for row in history.approvals),
        )  # fmt: skip
        counted.update(f"ended {row.status.value}" for row in history.approvals)
        return counted
