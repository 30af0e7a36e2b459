"""Standing grants in a dict, beside the approval rows whose votes are counted against them."""

from collections.abc import Sequence
from datetime import datetime

from core.approval import ApprovalStatus, Vote
from core.audit import AuditEvent
from core.errors import AlreadyDecidedError, AlreadyVotedError, NoDataError
from core.ports import Audit
from core.standing_grant import GrantEnd, StandingGrant
from tests.fakes.approvals import InMemoryApprovals


class InMemoryGrants:
    """Implements core.services.grant_book.Grants; `rows` is there to be tampered with."""

    def __init__(self, approvals: InMemoryApprovals, audit: Audit) -> None:
        self.approvals = approvals
        self.audit = audit
        self.rows: dict[str, StandingGrant] = {}
        approvals.grant_holds = self._holds

    async def add(self, grant: StandingGrant, event: AuditEvent) -> bool:
        """Insert it, once."""
        if grant.id in self.rows:
            return False
        await self.audit.append(event)
        self.rows[grant.id] = grant
        return True

    async def load(self, grant_id: str) -> StandingGrant:
        """Return it with the number of its votes."""
        if grant_id not in self.rows:
            raise NoDataError(f"There is no grant {grant_id}.")
        return self.rows[grant_id].model_copy(update={"used": self._used(grant_id)})

    async def open(self) -> Sequence[StandingGrant]:
        """Return those that nobody has ended."""
        return [await self.load(each.id) for each in self.rows.values() if each.ended_at is None]

    async def use(self, grant: StandingGrant, vote: Vote, events: Sequence[AuditEvent]) -> int | None:
        """Count one more use and write its vote, or do nothing."""
        number = self._used(grant.id) + 1
        row = self.approvals.rows[vote.approval_id]
        if row.status is not ApprovalStatus.PENDING or number > grant.uses or not self._holds(grant.id, vote.at):
            return None
        try:
            await self.approvals.vote(vote.model_copy(update={"grant_use": number}))
        except (AlreadyVotedError, AlreadyDecidedError):
            return None
        for event in events:
            await self.audit.append(event)
        return number

    async def end(self, grant_id: str, how: GrantEnd, person: str, event: AuditEvent) -> bool:
        """End it, once."""
        if self.rows[grant_id].ended_at is not None:
            return False
        await self.audit.append(event)
        ended = {"ended_at": event.at, "ended_as": how, "ended_by": person}
        self.rows[grant_id] = self.rows[grant_id].model_copy(update=ended)
        return True

    def _used(self, grant_id: str) -> int:
        return sum(vote.grant_id == grant_id for row in self.approvals.rows.values() for vote in row.votes)

    def _holds(self, grant_id: str, now: datetime) -> bool:
        grant = self.rows.get(grant_id)
        return grant is not None and grant.digest == grant.true_digest and not grant.why_over(now)
