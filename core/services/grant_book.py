"""Which standing grants hold for a request, and whether one that has voted still does: asked anew each time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from core.approval import ApprovalRequest, ApprovalStatus, Vote
from core.audit import AuditEvent
from core.confirmation import asks_to_type
from core.errors import NoDataError
from core.policy_rules import Asker, GrantRight
from core.ports import Audit, Clock, Directory
from core.services.membership import asker_of
from core.standing_grant import GrantEnd, StandingGrant
from core.tool_call import Plan, ToolCall

CREATED, REVOKED = "GrantCreated", "GrantRevoked"


class Grants(Protocol):
    """Grant rows, and the votes that are counted against them."""

    async def add(self, grant: StandingGrant, event: AuditEvent) -> bool:
        """Insert the grant with its event, both or neither; False when its id exists."""
        ...

    async def load(self, grant_id: str) -> StandingGrant:
        """Return the grant with the number of its votes; NoDataError when there is none, ValueError when its row makes
        no sense."""
        ...

    async def open(self) -> Sequence[StandingGrant]:
        """Return those that nobody has ended, oldest first, used up or over time as they may be."""
        ...

    async def use(self, grant: StandingGrant, vote: Vote, events: Sequence[AuditEvent]) -> int | None:
        """In one transaction: count the votes of the grant, write this one with its number, and the events. Returns the
        number; None, with nothing written, when all uses are taken, the grant has ended by the time of the vote, the
        request is not pending or that person has voted on it."""
        ...

    async def end(self, grant_id: str, how: GrantEnd, person: str, event: AuditEvent) -> bool:
        """End it at the event's time, with the event, both or neither; False when it had ended."""
        ...


class GrantRules(Protocol):
    """What the policy that holds now says of grants."""

    @property
    def sha256(self) -> str:
        """The hash of the file's bytes."""
        ...

    @property
    def groups(self) -> Mapping[str, Sequence[str]]:
        """Slack ids and handles behind each group's name."""
        ...

    def grant_rights(self, plan: Plan, asker: Asker) -> Sequence[GrantRight]:
        """Return who may approve such a call ahead, and within which bounds."""
        ...


def every_tool_wraps(_: str) -> bool:
    """Say of every tool that it runs something else: where nobody knows, nothing can be granted."""
    return True


async def nothing_is_known(call: ToolCall, incident_id: str | None, report_id: str | None) -> str:
    """Return no warning: for whoever keeps no account of what was found bad."""
    return ""


@dataclass(frozen=True, slots=True)
class GrantBook:
    """`wraps` says of a tool's name whether it runs what its arguments name, `warning` why a call leads back to what an
    incident or report has found bad: that is for people to weigh."""

    grants: Grants
    directory: Directory
    policy: GrantRules
    audit: Audit
    clock: Clock
    wraps: Callable[[str], bool] = every_tool_wraps
    warning: Callable[[ToolCall, str | None, str | None], Awaitable[str]] = nothing_is_known

    def why_never(self, request: ApprovalRequest) -> str:
        """Return why nobody can approve such a request ahead, whoever they are, or an empty text."""
        needed, plan = request.requirement, request.plan
        if needed.effect != "approve":
            return "policy asks nobody for it" if needed.effect == "allow" else "policy denies it"
        if asks_to_type(request):
            return "whoever approves it has to type its target's name"
        if needed.second_model:
            return "policy asks for a second opinion each time"
        if plan.then:
            return "it is a plan of several steps"
        if self.wraps(plan.call.name):
            return f"`{plan.call.name}` runs what its arguments say"
        if not plan.env or not plan.service:
            return "it has no single environment and service"
        if needed.policy_sha256 != self.policy.sha256:
            return "the policy has changed since it was asked for"
        return ""

    async def may_be_given(self, request: ApprovalRequest) -> bool:
        """True when somebody may approve such a request ahead."""
        if self.why_never(request):
            return False
        asker = await asker_of(self.directory, request.requester, self.policy.groups)
        return bool(self.policy.grant_rights(request.plan, asker))

    async def that_voted(self, request: ApprovalRequest) -> tuple[StandingGrant, ...]:
        """Return the grants that have voted on a request, whatever became of them; not those that cannot be read."""
        found: list[StandingGrant] = []
        for vote in request.votes:
            with suppress(NoDataError, ValueError):
                found += [await self.grants.load(vote.grant_id)] if vote.grant_id else []
        return tuple(found)

    async def rights_of(self, person: str, request: ApprovalRequest, *, fresh: bool = False) -> Sequence[GrantRight]:
        """Return by which of policy's lines that person may approve such requests ahead."""
        rights = self.policy.grant_rights(
            request.plan, await asker_of(self.directory, request.requester, self.policy.groups)
        )
        groups = [[each for name in right.groups for each in self.policy.groups[name]] for right in rights]
        members = await asyncio.gather(*(self.directory.members(ids, fresh=fresh) for ids in groups))
        return [right for right, found in zip(rights, members, strict=True) if person in found]

    async def offers(self, request: ApprovalRequest) -> Sequence[StandingGrant]:
        """Return the grants that would vote on a request, as far as anybody can say without asking who they are of."""
        if self.why_never(request):
            return ()
        if await self.warning(request.plan.call, request.incident_id, request.report_id):
            return ()
        found = [grant for grant in await self.grants.open() if grant.used < grant.uses]
        lapsed = await asyncio.gather(*(self._why_lapsed(grant, request) for grant in found))
        return [grant for grant, why in zip(found, lapsed, strict=True) if not why]

    async def covers(self, grant: StandingGrant, request: ApprovalRequest) -> bool:
        """True when policy lets whoever gave it still give it for such a request; their right to approve is the desk's
        question."""
        lasts = grant.expires_at - grant.created_at
        rights = await self.rights_of(grant.by, request, fresh=True)
        return any(grant.uses <= right.max_uses and lasts <= right.max_for for right in rights)

    async def standing(self, request: ApprovalRequest) -> list[Vote]:
        """Return the votes that nobody's grant has cast, and those of grants that hold; asks nobody outside, so that
        every last look before an effect can afford it."""
        void = [vote for vote, _ in await self.void(request)]
        return [vote for vote in request.votes if vote not in void]

    async def void(self, request: ApprovalRequest) -> list[tuple[Vote, str]]:
        """Return the votes of grants that do not hold, each with why not; asks nobody outside."""
        lapsed = [(vote, await self.why_lapsed(request, vote)) for vote in request.votes]
        return [(vote, why) for vote, why in lapsed if why]

    async def counted(self, request: ApprovalRequest) -> ApprovalRequest:
        """Return a request that waits with the votes that count by now alone, and every other as it is: what people
        are shown, and by whom it is said to wait."""
        if request.status is not ApprovalStatus.PENDING:
            return request
        return request.model_copy(update={"votes": tuple(await self.standing(request))})

    async def why_void(self, request: ApprovalRequest, vote: Vote) -> str:
        """As `why_lapsed`, and also when whoever gave the grant may no longer give it, as Slack says now."""
        if vote.grant_id is None:
            return ""
        if why := await self.why_lapsed(request, vote):
            return why
        covered = await self.covers(await self.grants.load(vote.grant_id), request)
        return "" if covered else f"<@{vote.person}> may no longer approve this ahead"

    async def why_lapsed(self, request: ApprovalRequest, vote: Vote) -> str:
        """Return why the grant that has cast this vote does not hold, or an empty text."""
        if vote.grant_id is None:
            return ""
        try:
            grant = await self.grants.load(vote.grant_id)
        except (NoDataError, ValueError):
            return "the grant cannot be read"
        if vote.choice != "approve" or vote.person != grant.by or not 1 <= (vote.grant_use or 0) <= grant.uses:
            return "the vote is not one of this grant's"
        return self.why_never(request) or await self._why_lapsed(grant, request)

    async def _why_lapsed(self, grant: StandingGrant, request: ApprovalRequest) -> str:
        if grant.digest != grant.true_digest:
            return "it is not what was granted (its digest differs)"
        if why := grant.why_over(self.clock.now()):
            return why
        if grant.policy_sha256 != self.policy.sha256:
            return "the policy has changed since it was given"
        if why := grant.misfit(request.plan):
            return why
        # The row says so; the history is chained and its head signed, so that a row made or mended by hand is found.
        if not await self.audit.has(CREATED, grant.id, {"digest": grant.digest, "by": grant.by}):
            return "the history does not know it as it is"
        return "it was revoked" if await self.audit.has(REVOKED, grant.id, {}) else ""
