"""Approval rows in a dict."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from core.approval import ApprovalRequest, ApprovalStatus, Vote
from core.audit import AuditEvent
from core.ballot import Ballot
from core.effect import Effect, EffectStatus
from core.errors import AlreadyDecidedError, AlreadyVotedError, NoDataError
from core.ports import Audit
from core.refusal import gainsaying
from tests.fakes.audit import InMemoryAudit


class InMemoryApprovals:
    """Implements core.ports.Approvals and ApprovalQueue; no method gives way between look and change."""

    def __init__(self, audit: Audit | None = None) -> None:
        self.audit = InMemoryAudit() if audit is None else audit
        self.rows: dict[str, ApprovalRequest] = {}
        self.told: set[str] = set()
        self.attempts: dict[str, Effect] = {}
        self.grant_holds: Callable[[str, datetime], bool] = lambda *_: False

    async def create(self, request: ApprovalRequest, event: AuditEvent | None = None) -> ApprovalRequest:
        """Insert, or return the row that has this id."""
        if request.id not in self.rows and event is not None:
            await self.audit.append(event)
        return self.rows.setdefault(request.id, request)

    async def load(self, approval_id: str) -> ApprovalRequest:
        """Return the row with its votes; NoDataError when there is none."""
        if approval_id not in self.rows:
            raise NoDataError(f"There is no approval request {approval_id}.")
        return self.rows[approval_id]

    async def vote(self, vote: Vote, event: AuditEvent | None = None) -> None:
        """Insert the vote while the row is pending; AlreadyVotedError for the same person's second."""
        await self.load(vote.approval_id)
        row = self.rows[vote.approval_id]
        if row.status is not ApprovalStatus.PENDING:
            raise AlreadyDecidedError("This request is decided already; your vote does not count.")
        if any((each.person, each.grant_id is None) == (vote.person, vote.grant_id is None) for each in row.votes):
            raise AlreadyVotedError("You have voted on this request already.")
        if event is not None:
            await self.audit.append(event)
        votes = sorted((*row.votes, vote), key=lambda each: each.at)
        self._change(row, votes=tuple(votes))

    async def claim(
        self,
        approval_id: str,
        *,
        digest: str,
        status: ApprovalStatus,
        now: datetime,
        execute_by: datetime | None,
        event: AuditEvent | None = None,
        grants: Sequence[str] = (),
        text: str = "",
        ballot: Ballot | None = None,
    ) -> bool:
        """Leave pending, once, after the ballot was cast; neither stands when the event cannot be written."""
        before = self.rows.get(approval_id)
        if ballot is not None:
            await self.vote(*ballot)
        row = self.rows.get(approval_id)
        if row is None or row.status is not ApprovalStatus.PENDING:
            return False
        if status is ApprovalStatus.APPROVED and (digest != row.digest or now >= row.decide_by):
            return False
        if status is ApprovalStatus.APPROVED and any(vote.choice == "reject" for vote in row.votes):
            return False
        if not all(self.grant_holds(each, now) for each in grants):
            return False
        if event is not None:
            try:
                await self.audit.append(event)
            except ValueError:
                self.rows[approval_id] = before or row
                raise
        self._change(row, status=status, decided_at=now, execute_by=execute_by, outcome_text=text)
        return True

    async def replace(self, new: ApprovalRequest, *, text: str, events: Sequence[AuditEvent]) -> bool:
        """End the old one and write the new one, or do nothing."""
        old = self.rows.get(new.replaces or "")
        if old is None or old.status is not ApprovalStatus.PENDING or new.created_at >= old.decide_by:
            return False
        if any(vote.choice == "reject" for vote in old.votes):
            return False
        for event in events:
            await self.audit.append(event)
        self._change(old, status=ApprovalStatus.SUPERSEDED, decided_at=new.created_at, outcome_text=text)
        self.rows[new.id] = new
        return True

    async def finish(self, approval_id: str, *, status: ApprovalStatus, text: str, now: datetime) -> bool:
        """Leave approved (or executed, for a rollback), once, unless the ledger gainsays it."""
        needed = {ApprovalStatus.EXECUTED if status is ApprovalStatus.ROLLED_BACK else ApprovalStatus.APPROVED}
        tried = {effect.status for effect in self.attempts.values() if effect.approval_id == approval_id}
        if status is ApprovalStatus.EXECUTED and EffectStatus.DONE in tried:
            needed.add(ApprovalStatus.UNKNOWN)
        row = self.rows.get(approval_id)
        if row is None or row.status not in needed or tried & gainsaying(status):
            return False
        self._change(row, status=status, outcome_text=text, finished_at=now)
        return True

    def may_begin(self, approval_id: str, now: datetime) -> bool:
        """True while the request is approved and its time is not over."""
        row = self.rows.get(approval_id)
        if row is None or row.status is not ApprovalStatus.APPROVED or row.execute_by is None:
            return False
        return now < row.execute_by

    async def pending(self) -> Sequence[ApprovalRequest]:
        """Return what waits for votes, oldest first."""
        return self._sorted(row for row in self.rows.values() if row.status is ApprovalStatus.PENDING)

    async def undelivered(self) -> Sequence[ApprovalRequest]:
        """Return what is decided while its graph has not been told, oldest first."""
        decided = (row for row in self.rows.values() if row.status is not ApprovalStatus.PENDING)
        return self._sorted(row for row in decided if row.id not in self.told)

    async def delivered(self, approval_id: str) -> None:
        """Note that the graph took the verdict."""
        self.told.add(approval_id)

    async def place(self, approval_id: str, card_ts: str) -> None:
        """Remember where the card stands."""
        self._change(await self.load(approval_id), card_ts=card_ts)

    async def of(self, *, incident_id: str | None = None, report_id: str | None = None) -> Sequence[ApprovalRequest]:
        """Return the requests of that incident or that report, oldest first."""
        wanted = {("incident", incident_id), ("report", report_id)} - {("incident", None), ("report", None)}
        rows = self.rows.values()
        return self._sorted(row for row in rows if wanted & {("incident", row.incident_id), ("report", row.report_id)})

    def _change(self, row: ApprovalRequest, **changes: object) -> None:
        self.rows[row.id] = row.model_copy(update=changes)

    @staticmethod
    def _sorted(rows: Iterable[ApprovalRequest]) -> list[ApprovalRequest]:
        return sorted(rows, key=lambda row: (row.created_at, row.id))
