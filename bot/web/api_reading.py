"""Requests as other systems read them, straight from the rows."""

from dataclasses import dataclass

from bot.api_memory import ApiMemory
from bot.api_models import ApiAnswer, OpenRequestsAnswer, RequestAnswer, UnwrittenAnswer
from bot.api_problems import problem
from core.api_client import ASK_REFUSED
from core.errors import NoDataError
from core.ports import ApprovalQueue, Approvals, Audit


@dataclass(frozen=True, slots=True)
class ApiReading:
    """TransientError while the rows are out of reach."""

    approvals: Approvals
    approval_queue: ApprovalQueue
    audit: Audit
    memory: ApiMemory

    async def open(self) -> ApiAnswer:
        """What waits for votes, oldest first."""
        found = OpenRequestsAnswer(requests=tuple(map(RequestAnswer.of, await self.approval_queue.pending())))
        return ApiAnswer(status=200, body=found.model_dump(mode="json"))

    async def one(self, approval_id: str) -> ApiAnswer:
        """The request; for what was asked over the API and is none (yet), that; 404 for anything else."""
        try:
            found: RequestAnswer | UnwrittenAnswer = RequestAnswer.of(await self.approvals.load(approval_id))
        except NoDataError:
            refused = [event for event in await self.audit.of_subject(approval_id) if event.kind == ASK_REFUSED]
            if refused:
                why = str(refused[0].details.get("why", ""))
                found = UnwrittenAnswer(id=approval_id, status="refused", outcome=why)
            elif await self.memory.was_asked(approval_id):
                found = UnwrittenAnswer(id=approval_id, status="taken", outcome="")
            else:
                said = "There is no request with this id: list the open ones to find it."
                return ApiAnswer(status=404, body=problem(404, "no-data", said).model_dump())
        return ApiAnswer(status=200, body=found.model_dump(mode="json"))
