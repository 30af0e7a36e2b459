"""Reminders of open requests at the times that policy gives: first the thread, then the groups, one after the other."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from core.approval import ApprovalRequest
from core.audit import AuditEvent
from core.eligibility import would_help
from core.errors import NoDataError
from core.ports import ApprovalQueue, Clock, Directory
from core.services.one_by_one import one_by_one
from core.services.settled_reminders import SENT, TO_THREAD

_HOLD, _HOLD_EACH = timedelta(seconds=60), timedelta(seconds=5)


class ReminderLog(Protocol):
    """How many reminders of a request were sent, and who is at the next one."""

    async def take(self, approval_id: str, number: int, *, now: datetime, until: datetime) -> bool:
        """One conditional UPDATE: True for the one who may send reminder `number` (from 1) until then, as the request
        is pending, all before it were sent, and nobody else is at it."""
        ...

    async def give_back(self, approval_id: str, number: int) -> None:
        """Let somebody else try reminder `number` at once."""
        ...

    async def sent(self, approval_id: str, number: int, event: AuditEvent) -> bool:
        """Count reminder `number`, with its event in the history: both or neither; False when it was counted."""
        ...


class Nudges(Protocol):
    """The messages themselves, each posted once however often it is asked for; TransientError while Slack is away."""

    async def in_thread(self, request: ApprovalRequest, number: int) -> None:
        """Say under the card what is still missing."""
        ...

    async def directly(self, request: ApprovalRequest, number: int, person: str, group: str) -> None:
        """Write to somebody whose word would count, and say why it is them."""
        ...


async def _as_it_is(request: ApprovalRequest) -> ApprovalRequest:
    return request


@dataclass(frozen=True, slots=True)
class Reminders:
    """One tick sends what is due; two at once, or one after a crash, send nothing twice."""

    approval_queue: ApprovalQueue
    log: ReminderLog
    nudges: Nudges
    directory: Directory
    clock: Clock
    counted: Callable[[ApprovalRequest], Awaitable[ApprovalRequest]] = _as_it_is
    """Returns a request with the votes that count by now."""

    async def tick(self) -> None:
        """Send the next reminder of every request for which one is due; what fails for one is raised as an
        ExceptionGroup once all others had their turn, and is tried again at the next tick."""
        pending = await self.approval_queue.pending()
        faults = await one_by_one(self._remind(request) for request in pending if self._is_due(request))
        if faults:
            raise ExceptionGroup("some reminders could not be sent", faults)

    async def _remind(self, request: ApprovalRequest) -> None:
        await self._send(await self.counted(request), request.reminded + 1)

    def _is_due(self, request: ApprovalRequest) -> bool:
        times, now = request.requirement.remind, self.clock.now()
        # Nobody is reminded of what has no card yet: it would be the first that they hear of it.
        if request.reminded >= len(times) or not request.card_ts or now >= request.decide_by:
            return False
        return now >= request.created_at + times[request.reminded]

    async def _send(self, request: ApprovalRequest, number: int) -> None:
        group, people = ("", []) if number == 1 else await self._next_group(request, number)
        now = self.clock.now()
        if not await self.log.take(request.id, number, now=now, until=now + _HOLD + len(people) * _HOLD_EACH):
            return
        try:
            if number == 1:
                await self.nudges.in_thread(request, number)
            for person in people:
                await self.nudges.directly(request, number, person, group)
        except Exception:
            await self.log.give_back(request.id, number)
            raise
        event = AuditEvent(
            kind=SENT,
            actor="watchkeeper",
            subject=request.id,
            incident_id=request.incident_id,
            at=self.clock.now(),
            details={"number": number, "to": ", ".join(people) or TO_THREAD, "group": group},
        )
        await self.log.sent(request.id, number, event)

    async def _next_group(self, request: ApprovalRequest, number: int) -> tuple[str, list[str]]:
        """Return the group whose turn it is, of those that can still help, and its people, each with one account."""
        needed = request.requirement
        members = {group: await self.directory.members(ids) for group, ids in needed.members_of.items()}
        turns: list[tuple[str, list[str]]] = []
        for group in needed.groups:
            chosen: dict[str, str] = {}
            for person in sorted(members.get(group, ())):
                own = [name for name, found in members.items() if person in found]
                if would_help(request, person, own) and await self._may_decide(person):
                    chosen.setdefault(needed.human(person), person)
            if chosen:
                turns.append((group, list(chosen.values())))
        return turns[min(number - 2, len(turns) - 1)] if turns else ("", [])

    async def _may_decide(self, person: str) -> bool:
        try:
            return (await self.directory.person(person)).may_decide
        except NoDataError:
            return False
