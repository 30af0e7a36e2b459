"""Giving an approval ahead, looking at what was given, and taking it back."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, JsonValue

from core.approval import ApprovalRequest
from core.audit import AuditEvent
from core.errors import NoDataError, NotAnApproverError, RefusedError
from core.ids import stable_id
from core.policy_rules import GrantRight
from core.ports import ApprovalQueue, Approvals
from core.services.grant_book import CREATED, REVOKED, GrantBook
from core.services.membership import groups_of
from core.standing_grant import Shape, StandingGrant
from core.storable import storable_words

_REASON = 500


class GrantWish(BaseModel):
    """What somebody wants to let through: which arguments, how often and how long."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    approval_id: str
    args: dict[str, Shape]
    uses: int
    lasts: timedelta
    reason: str


class Fit(NamedTuple):
    """A request beside a grant: an empty `why_not` when it would be voted on."""

    request: ApprovalRequest
    why_not: str


async def _nobody_looks(approval_id: str) -> None:
    """Draw no card anew."""


@dataclass(frozen=True, slots=True)
class Granting:
    """The use cases around standing grants; what is written is checked here and again at each use. `redraw` has a
    request's card drawn anew."""

    book: GrantBook
    approvals: Approvals
    approval_queue: ApprovalQueue
    redraw: Callable[[str], Awaitable[None]] = _nobody_looks

    async def bounds(self, request: ApprovalRequest, person: str) -> GrantRight:
        """Return the widest right by which that person may approve such requests ahead; RefusedError says why none."""
        return max(await self._rights(request, person), key=lambda right: (right.max_for, right.max_uses))

    async def draft(self, person: str, wish: GrantWish, form: str) -> StandingGrant:
        """Return the grant as it would be written now, unwritten; RefusedError says why it cannot be given."""
        request = await self.approvals.load(wish.approval_id)
        rights = await self._rights(request, person)
        if not wish.reason.strip():
            raise RefusedError("A grant needs a reason; it stands on every card that it lets through.")
        if wish.uses < 1 or not any(_covers(right, wish) for right in rights):
            most = " or ".join(f"{right.max_uses} uses within {right.max_for}" for right in rights)
            raise RefusedError(f"Policy lets you give at most {most}.")
        plan, now = request.plan, self.book.clock.now()
        grant = StandingGrant(
            id=stable_id("grt", form),
            tool=plan.call.name,
            tool_version=plan.tool_version,
            risk=plan.risk,
            env=plan.env,
            service=plan.service,
            beneficiary=plan.beneficiary,
            args=wish.args,
            uses=wish.uses,
            created_at=now,
            expires_at=now + wish.lasts,
            by=person,
            reason=storable_words(wish.reason.strip()[:_REASON]),
            given_on=request.id,
            policy_sha256=self.book.policy.sha256,
        ).sealed()
        if why := grant.misfit(plan):
            raise RefusedError(f"A grant has to fit the request that it is made from: {why}.")
        return grant

    async def preview(self, grant: StandingGrant) -> Sequence[Fit]:
        """Return the requests that wait now and those of the same incident, newest first, with what the grant would do
        with each if it were asked for again."""
        given_on = await self.approvals.load(grant.given_on)
        near = await self.approval_queue.of(incident_id=given_on.incident_id) if given_on.incident_id else [given_on]
        found = {each.id: each for each in (*await self.approval_queue.pending(), *near)}
        rows = sorted(found.values(), key=lambda row: (row.created_at, row.id), reverse=True)
        return [Fit(row, self.why_not(grant, row)) for row in rows]

    def why_not(self, grant: StandingGrant, request: ApprovalRequest) -> str:
        """Return why a grant would not vote on such a request, or an empty text."""
        needed = request.requirement
        if why := self.book.why_never(request) or grant.misfit(request.plan):
            return why
        if needed.exclude_requester and needed.same_human(grant.by, request.requester):
            return "it began with whoever gives the grant"
        benefits = needed.exclude_beneficiary and request.plan.beneficiary
        return "it is for whoever gives the grant" if benefits and needed.same_human(grant.by, benefits) else ""

    async def give(self, grant: StandingGrant) -> StandingGrant:
        """Write the grant and return it as it stands; the same form twice is one grant."""
        shape: Mapping[str, JsonValue] = {name: str(each) for name, each in grant.args.items()}
        facts: dict[str, JsonValue] = {
            "digest": grant.digest,
            "by": grant.by,
            "tool": grant.tool,
            "env": grant.env,
            "service": grant.service,
            "args": {**shape},
            "uses": grant.uses,
            "until": grant.expires_at.isoformat(),
            "reason": grant.reason,
            "given_on": grant.given_on,
        }
        await self.book.grants.add(grant, self._event(CREATED, grant.by, grant.id, **facts))
        return await self.book.grants.load(grant.id)

    async def revoke(self, grant_id: str, person: str) -> StandingGrant:
        """End the grant; whoever gave it may, and whoever may approve anything. RefusedError (audited) for others."""
        try:
            grant = await self.book.grants.load(grant_id)
        except (NoDataError, ValueError) as unknown:
            raise RefusedError(f"I know no grant {grant_id[:40]}.") from unknown
        approvers = {**self.book.policy.groups}
        if person != grant.by and not await groups_of(self.book.directory, person, approvers, fresh=True):
            await self.book.audit.append(self._event("GrantRevokeRefused", person, grant.id))
            raise NotAnApproverError("Only whoever gave a grant, and members of policy's groups, may revoke it.")
        if not await self.book.grants.end(grant.id, "revoked", person, self._event(REVOKED, person, grant.id)):
            raise RefusedError("That grant has ended already.")
        await self._redraw(grant)
        return grant

    async def open(self) -> Sequence[StandingGrant]:
        """Return the grants that may still let something through, oldest first."""
        now = self.book.clock.now()
        found = [each for each in await self.book.grants.open() if not each.why_over(now)]
        return [each for each in found if each.used < each.uses and each.policy_sha256 == self.book.policy.sha256]

    async def expire(self) -> None:
        """End what is over its time, and write that down; until then its clock alone has held it."""
        now = self.book.clock.now()
        for grant in await self.book.grants.open():
            if grant.expires_at <= now:
                event = self._event("GrantExpired", "watchkeeper", grant.id, used=grant.used, uses=grant.uses)
                await self.book.grants.end(grant.id, "expired", "", event)
                await self._redraw(grant)

    async def _redraw(self, grant: StandingGrant) -> None:
        """Have those cards drawn anew that wait with a vote of this grant's, which counts no more."""
        for request in await self.approval_queue.pending():
            if any(vote.grant_id == grant.id for vote in request.votes):
                await self.redraw(request.id)

    async def _rights(self, request: ApprovalRequest, person: str) -> Sequence[GrantRight]:
        if why := self.book.why_never(request):
            raise RefusedError(f"This cannot be approved ahead: {why}.")
        needed = request.requirement.members_of
        try:
            may = (await self.book.directory.person(person, fresh=True)).may_decide
        except NoDataError:
            may = False
        rights = await self.book.rights_of(person, request, fresh=True) if may else ()
        if not rights or not await groups_of(self.book.directory, person, needed, fresh=True):
            await self.book.audit.append(self._event("GrantRefused", person, request.id))
            raise NotAnApproverError("Policy does not let you approve such requests ahead (`grants` names who may).")
        return rights

    def _event(self, kind: str, actor: str, subject: str, **details: JsonValue) -> AuditEvent:
        return AuditEvent(kind=kind, actor=actor, subject=subject, at=self.book.clock.now(), details=details)


def _covers(right: GrantRight, wish: GrantWish) -> bool:
    return wish.uses <= right.max_uses and timedelta(0) < wish.lasts <= right.max_for
