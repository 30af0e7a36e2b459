"""Tells people and history when the self-check turns red or green again: a log line, an audit event, and every card."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import structlog

from bot.open_cards import OpenCards
from bot.self_check import SelfCheck
from core.audit import AuditEvent
from core.ports import ApprovalQueue, Audit, Clock, Incidents, Queue

SUBJECT = "self-check"
_FAILED, _PASSED = "SelfCheckFailed", "SelfCheckPassed"
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class FitnessNews:
    """One tick looks if a look is due, and tells of a change until everybody has been told.

    `name` is this worker's, under which history is told; `words` returns what each living worker says of itself."""

    check: SelfCheck
    audit: Audit
    approvals: ApprovalQueue
    incidents: Incidents
    queue: Queue
    clock: Clock
    name: str
    words: Callable[[], Awaitable[Mapping[str, str]]]
    _logged: tuple[str, ...] = ()
    _told: tuple[str, ...] | None = field(default=None)

    async def tick(self) -> None:
        """Look, and tell of a change. What cannot be told now (an outage may be why it is red) is told at a later
        tick: an error here leaves the change untold."""
        await self.check.look_if_due()
        reds = self.check.reds()
        if reds != self._logged:
            self._logged = reds
            log = _log.error if reds else _log.info
            log("self_check_failed" if reds else "self_check_passed", why=self.check.told(), findings=list(reds))
        if self._told is None:
            self._told = await self._remembered()
        if reds != self._told:
            await self._note(reds)
            await OpenCards(self.approvals, self.incidents, self.queue, self.clock).refresh()
            self._told = reds

    async def _remembered(self) -> tuple[str, ...]:
        """Return what history was told last: a process that died while red has left its banner on the cards. One that
        lives and is red still takes it down itself."""
        last = next(iter(reversed(await self.audit.of_subject(SUBJECT))), None)
        if last is None or last.kind == _PASSED:
            return ()
        if (who := last.details.get("worker")) != self.name and (await self.words()).get(str(who)):
            return ()
        return tuple(str(last.details.get("findings", "")).split(", "))

    async def _note(self, reds: tuple[str, ...]) -> None:
        details = {"worker": self.name}
        if reds:
            details |= {"findings": ", ".join(reds), "why": self.check.told()}
        await self.audit.append(
            AuditEvent(
                kind=_FAILED if reds else _PASSED,
                actor="watchkeeper",
                subject=SUBJECT,
                at=self.clock.now(),
                details={**details},
            )
        )
