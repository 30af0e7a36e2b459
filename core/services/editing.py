"""A person changes what is asked for: a new plan and a new request take the place of the old one."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import JsonValue

from core.approval import ApprovalRequest
from core.audit import AuditEvent
from core.brief import Edit, Place, Proposal
from core.errors import AlreadyDecidedError, NoDataError, RefusedError, ToolError
from core.event import Event
from core.exact_call import changes_between
from core.ids import approval_id_of, attempt_of, edit_id_of, remediation_id_in, remediation_thread_id
from core.objection import EDITED
from core.ports import Approvals, Cards, Clock, Forms, GraphRunner, Queue, ToolBox
from core.services.approval_desk import ApprovalDesk
from core.tool_call import ToolCall

_QUICKLY = 1.0  # seconds: Slack waits three for the answer to a form


class Replacements(Protocol):
    """A request that takes the place of another one."""

    async def replace(self, new: ApprovalRequest, *, text: str, events: Sequence[AuditEvent]) -> bool:
        """In one transaction: the request that `new.replaces` leaves pending as superseded, with `text` as its outcome,
        and `new` is written with the events. False, with nothing written, when the old one is no longer pending, is out
        of time at `new.created_at` or was rejected by somebody."""
        ...


@dataclass(frozen=True, slots=True)
class Editing:
    """The use case behind Edit. Votes stay with the request that they were cast on."""

    desk: ApprovalDesk
    approvals: Approvals
    replacements: Replacements
    toolbox: ToolBox
    forms: Forms
    runner: GraphRunner
    cards: Cards
    queue: Queue
    clock: Clock

    def schema_of(self, request: ApprovalRequest) -> Mapping[str, JsonValue]:
        """Return the JSON schema of the request's tool; RefusedError when there is no such tool any more."""
        for summary in self.toolbox.summaries():
            if summary.name == request.plan.call.name:
                return summary.args_schema
        raise RefusedError(f"There is no tool {request.plan.call.name} any more.")

    async def faults(self, request: ApprovalRequest, args: Mapping[str, object]) -> Mapping[str, str]:
        """Return what is wrong with which argument (an empty name: with all of it); a dry run that takes long is left
        to the job. Changes nothing."""
        call = ToolCall.model_validate({"name": request.plan.call.name, "args": dict(args)})
        if found := self.forms.faults(call):
            return found
        try:
            async with asyncio.timeout(_QUICKLY):
                plan = await self.toolbox.plan(call)
        except ToolError as error:
            return {"": str(error)}
        except TimeoutError:
            return {}
        return {"": "Nothing is changed."} if plan.call == request.plan.call else {}

    async def submit(self, edit: Edit) -> None:
        """Queue the edit; the same form twice is one edit."""
        await self.queue.put(
            Event(
                id=f"edit:{edit_id_of(edit.approval_id, edit.form)}",
                kind="job.edit",
                key=remediation_thread_id(edit_id_of(edit.approval_id, edit.form)),
                body=edit.model_dump(mode="json"),
                received_at=self.clock.now(),
            )
        )

    async def carry_out(self, edit: Edit) -> ApprovalRequest:
        """Put the edited request in the place of the old one and return it; RefusedError or ToolError when it cannot
        be. Whoever comes again finishes what a crash left."""
        old = await self.approvals.load(edit.approval_id)
        try:
            new = await self.approvals.load(approval_id_of(edit_id_of(old.id, edit.form), 1))
        except NoDataError:
            try:
                new = await self._replace(old, edit)
            except (RefusedError, ToolError) as refusal:
                said = f"The edit of `{old.plan.call.name}` on {old.plan.service} was not taken: {refusal}"
                raise type(refusal)(said) from refusal
        await self.cards.show_approval(old.id)
        await self.cards.show_approval(new.id)
        await self.runner.remediate(_proposal_of(new))
        return await self.desk.decide_if_allowed(new)

    async def _replace(self, old: ApprovalRequest, edit: Edit) -> ApprovalRequest:
        await self.desk.check_may_edit(old, edit.editor)
        later = old.rollback_of is None and attempt_of(old.thread_id, old.id) > 1
        if old.plan.then or later:
            raise RefusedError("A plan of several steps cannot be edited. Reject it and ask for another one.")
        plan = await self.toolbox.plan(ToolCall(name=old.plan.call.name, args=edit.args))
        changes = changes_between(old.plan.call, plan.call)
        if not changes:
            raise RefusedError("Nothing was changed, so the request stands as it is.")
        note = f"“{edit.note}”" if edit.note else ""
        before = f"Before that: {old.reason}" if old.reason else ""
        remediation_id = edit_id_of(old.id, edit.form)
        proposal = Proposal(
            remediation_id=remediation_id,
            call=plan.call,
            place=Place(channel=old.channel, thread_ts=old.thread_ts),
            requester=edit.editor,
            reason=" ".join(part for part in (f"Edited: {changes}.", note, before) if part),
            incident_id=old.incident_id,
            report_id=old.report_id,
        )
        thread_id = remediation_thread_id(remediation_id)
        draft = await self.desk.draft(approval_id_of(remediation_id, 1), plan, proposal, thread_id)
        new = draft.model_copy(update={"replaces": old.id})
        ended = AuditEvent(
            kind="ApprovalSuperseded",
            actor=edit.editor,
            subject=old.id,
            incident_id=old.incident_id,
            at=new.created_at,
            details={"edited_into": new.id, "changes": changes},
        )
        text = f"{EDITED}<@{edit.editor}>: {changes}."
        if not await self.replacements.replace(new, text=text, events=(ended, self.desk.told_of(new))):
            raise AlreadyDecidedError("The request was decided before your edit came; your edit changed nothing.")
        return new


def _proposal_of(request: ApprovalRequest) -> Proposal:
    return Proposal(
        remediation_id=remediation_id_in(request.thread_id),
        call=request.plan.call,
        place=Place(channel=request.channel, thread_ts=request.thread_ts),
        requester=request.requester,
        reason=request.reason,
        incident_id=request.incident_id,
        report_id=request.report_id,
        rollback_of=request.rollback_of,
    )
