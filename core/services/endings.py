"""How an approved request ends: on its row, on its card, on the request that it undoes, and with a human if need be."""

from dataclasses import dataclass

from pydantic import JsonValue

from core.approval import ApprovalRequest, ApprovalStatus
from core.audit import AuditEvent
from core.brief import Place
from core.change_words import change_of
from core.ports import Approvals, Audit, Cards, Clock
from core.refusal import end_of, spoken
from core.services.needs_human import KIND as CALL
from core.services.needs_human import NeedsHuman, subject_of
from core.services.remediation_rows import rows_of
from core.stepped_plan import is_cut_off, is_stepped, standing, what_stands
from core.tool_call import ToolResult

_ENDS = {
    "ok": ApprovalStatus.EXECUTED,
    "failed": ApprovalStatus.FAILED,
    "no_data": ApprovalStatus.FAILED,
}


@dataclass(frozen=True, slots=True)
class Endings:
    """Writes each end once; whoever comes second changes nothing and shows the card as it stands."""

    approvals: Approvals
    cards: Cards
    audit: Audit
    clock: Clock

    async def close(self, request: ApprovalRequest, result: ToolResult) -> None:
        """End a request whose graph is not there to do it; nothing when its end is another one."""
        place = Place(channel=request.channel, thread_ts=request.thread_ts)
        call = f"`{request.plan.call.name}` on {request.plan.service}"
        if await self.write(request.id, request.rollback_of, result.status, result.text):
            await self.call_human(request.id, request.rollback_of, place, request.incident_id, call, result)

    async def write(self, approval_id: str, rollback_of: str | None, result: str, text: str) -> bool:
        """End the request as its tool's result status says; an executed rollback also ends what it undoes. True when
        the request stands at that end, whoever wrote it."""
        refused, now = result == "refused", self.clock.now()
        status = end_of(text) if refused else _ENDS.get(result, ApprovalStatus.UNKNOWN)
        said = spoken(text) if refused else text
        if rollback_of is not None and status not in (ApprovalStatus.EXECUTED, ApprovalStatus.UNKNOWN):
            # Nobody waits for an undo that comes with its plan, so nobody would ask for it again.
            unattended = (await self.approvals.load(approval_id)).covered_by is not None
            status = ApprovalStatus.ROLLBACK_FAILED if unattended or not refused else status
        stands = await self.approvals.finish(approval_id, status=status, text=said, now=now)
        stands = stands or (await self.approvals.load(approval_id)).status is status
        await self.cards.show_approval(approval_id)
        if rollback_of is not None and status is ApprovalStatus.EXECUTED:
            undo = (await self.approvals.load(approval_id)).plan
            undone = f"Undone by {undo.call.name}" + (f" ({change_of(undo)})." if change_of(undo) else ".")
            await self.approvals.finish(rollback_of, status=ApprovalStatus.ROLLED_BACK, text=undone, now=now)
            await self.cards.show_approval(rollback_of)
        return stands

    async def call_human(
        self,
        approval_id: str,
        rollback_of: str | None,
        place: Place,
        incident_id: str | None,
        call: str,
        result: ToolResult,
    ) -> bool:
        """Call a human when the end is unknown, an undo did not come about or a plan stopped between its steps; False
        for an end that needs nobody."""
        request = await self.approvals.load(approval_id)
        rows = await rows_of(self.approvals, request.thread_id)
        left = f" {what_stands(rows)}" if is_stepped(rows) else ""
        if result.status == "refused" and end_of(result.text) is ApprovalStatus.TAMPERED:
            await self.alarm(approval_id, place, incident_id, call, left if standing(rows) else "")
            return True
        if result.status not in _ENDS and result.status != "refused":
            what, why = f"I do not know whether {call} took effect", f"Please look at the target. {result.text}{left}"
        elif rollback_of is not None and result.status != "ok":
            what, why = f"the undo {call} did not come about", f"{spoken(result.text)}{left}"
            if request.status is ApprovalStatus.ROLLBACK_FAILED:
                what = f"ROLLBACK FAILED: {what}"
                await self._sound_alarm(approval_id, place, incident_id, what, why)
        elif result.status != "ok" and standing(rows):
            what, why = f"the plan stopped, {call} did not come about", f"{spoken(result.text)}{left}"
        else:
            return False
        human = NeedsHuman(self.cards, self.audit, self.clock)
        await human.tell(place, what, why, incident_id, key=end_key(approval_id))
        return True

    async def _sound_alarm(self, approval_id: str, place: Place, incident_id: str | None, what: str, why: str) -> None:
        """Say in the channel itself, and once in the history, that something stands half done."""
        if place.channel:
            channel = Place(channel=place.channel, thread_ts="")
            await self.cards.say(channel, f"🚨 {what}. {why}", key=f"{approval_id}:alarm")
        if not await self.audit.has("RollbackFailed", approval_id, {}):
            details: dict[str, JsonValue] = {"what": what, "why": why}
            await self.audit.append(
                AuditEvent(
                    kind="RollbackFailed",
                    actor="watchkeeper",
                    subject=approval_id,
                    incident_id=incident_id,
                    at=self.clock.now(),
                    details=details,
                )
            )

    async def cut_off(self, request: ApprovalRequest, why: str) -> None:
        """Call a human when a plan cannot go on between two steps because its run is gone."""
        rows = await rows_of(self.approvals, request.thread_id)
        if is_stepped(rows) and is_cut_off(rows):
            place = Place(channel=request.channel, thread_ts=request.thread_ts)
            human, key = NeedsHuman(self.cards, self.audit, self.clock), f"{request.id}:cut_off"
            await human.tell(place, "a plan stopped half done", f"{why} {what_stands(rows)}", request.incident_id, key)

    async def alarm(self, approval_id: str, place: Place, incident_id: str | None, call: str, left: str = "") -> None:
        """Tell the thread, the incident's card, the history and the operators that a stored request was changed outside
        Watchkeeper; each once. `call` is for people."""
        what = f"the stored request for {call} was changed outside Watchkeeper"
        why = "It is stopped, and nothing ran by it. Find out who has written to the database before you ask anew."
        why += left
        human = NeedsHuman(self.cards, self.audit, self.clock)
        await human.tell(place, what, why, incident_id, key=end_key(approval_id))
        everybody = Place(channel="", thread_ts="")
        await self.cards.say(everybody, f"🛑 {what[:1].upper()}{what[1:]}. {why}", key=f"{approval_id}:tampered")


async def last_key(audit: Audit, approval_id: str, place: Place, incident_id: str | None) -> str:
    """Return the key of the sentence that tells how a request really ended: another one than `end_key` when a human was
    called with that before."""
    key = end_key(approval_id)
    called = await audit.has(CALL, subject_of(place, incident_id), {"key": key})
    return f"{key}:corrected" if called else key


def end_key(approval_id: str) -> str:
    """Return the key of the one sentence that ends a request's thread, whoever says it."""
    return f"{approval_id}:end"
