"""What a call would bring back, held against what an incident has found bad or useless before."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.approval import ApprovalRequest, ApprovalStatus
from core.ports import ApprovalQueue, Audit, Reports
from core.tool_call import ToolCall

VERIFIED = "RemediationVerified"
_RAN = (ApprovalStatus.EXECUTED, ApprovalStatus.ROLLED_BACK, ApprovalStatus.UNKNOWN)


@dataclass(frozen=True, slots=True)
class KnownBad:
    """Reads what ran in the same incident or for the same report, why, and what was seen after it."""

    approval_queue: ApprovalQueue
    reports: Reports
    audit: Audit

    async def warning(self, call: ToolCall, incident_id: str | None, report_id: str | None) -> str:
        """Return a sentence on why this call leads back to trouble, or an empty text. A title in it is untrusted."""
        steps = await self.approval_queue.of(incident_id=incident_id, report_id=report_id)
        ran = [step for step in reversed(steps) if step.status in _RAN]
        return await self._undoes_a_remedy(call, ran) or await self._did_not_help(call, ran)

    async def _undoes_a_remedy(self, call: ToolCall, ran: Sequence[ApprovalRequest]) -> str:
        for step in ran:
            back = step.plan.rollback
            # An undo leaves behind what the first step had put there, and nobody has found that bad by undoing it.
            if back is None or step.rollback_of is not None or not _same(back, call):
                continue
            report = await self.reports.load(step.report_id) if step.report_id else None
            for cause in report.hypotheses[:1] if report else ():
                if cause.service == step.plan.service and cause.cause not in ("none", "unknown"):
                    return f"This goes back to what was found bad before: “{cause.title}”."
            # Without an incident nothing was to be helped: the look afterwards found the service well, no more.
            if step.incident_id and await self.audit.has(VERIFIED, step.id, {"outcome": "helped"}):
                return f"This goes back to what was there before {step.plan.call.name} helped {step.plan.service}."
        return ""

    async def _did_not_help(self, call: ToolCall, ran: Sequence[ApprovalRequest]) -> str:
        for step in ran:
            if _same(call, step.plan.call) and await self.audit.has(VERIFIED, step.id, {"outcome": "did_not_help"}):
                return "This was done here before, and it did not help."
        return ""


def _same(one: ToolCall, other: ToolCall) -> bool:
    """True for one call; a planned one also spells out what the other left to defaults."""
    return one.name == other.name and (one.args.items() <= other.args.items() or other.args.items() <= one.args.items())
