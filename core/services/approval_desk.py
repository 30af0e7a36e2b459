"""Where requests are made, votes are counted and exactly one decision is claimed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from core.api_client import client_in
from core.approval import ApprovalRequest, ApprovalStatus, Choice, Vote, tally
from core.audit import AuditEvent
from core.ballot import Ballot
from core.brief import Proposal
from core.confirmation import check_typed
from core.decided import already
from core.eligibility import would_help
from core.errors import (
    AlreadyDecidedError,
    AlreadyVotedError,
    ApprovalExpiredError,
    FrozenError,
    NotAnApproverError,
    PolicyDeniedError,
    RefusedError,
    SelfApprovalError,
    StaleApprovalError,
    TamperedError,
    UnfitError,
)
from core.event import Event
from core.fitness import Unfit, fit
from core.person import GUESTS_MAY_NOT
from core.policy_rules import ALERT
from core.ports import Approvals, Audit, Clock, Directory, Queue, Rules
from core.services import second_opinion
from core.services.grant_book import GrantBook
from core.services.membership import asker_of, groups_of, may_decide
from core.services.undo_right import heeding_undo, undone_by
from core.services.voting_right import voting_groups
from core.standing_grant import StandingGrant
from core.tampering import ASKED, FOUND, check_untouched
from core.tool_call import Plan, plan_digest


def resume_job(request: ApprovalRequest, clock: Clock, attempt: str = "first") -> Event:
    """Return the job that tells a graph its verdict; one job for each attempt, the graph takes one."""
    return Event(
        id=f"resume:{request.id}:{attempt}",
        kind="job.resume",
        key=request.thread_id,
        body={"approval_id": request.id},
        received_at=clock.now(),
    )


@dataclass(frozen=True, slots=True)
class ApprovalDesk:
    """The only way to an approved row."""

    approvals: Approvals
    directory: Directory
    policy: Rules
    queue: Queue
    audit: Audit
    clock: Clock
    unfit: Unfit = fit
    frozen: Unfit = fit
    grants: GrantBook | None = None
    review: second_opinion.Review = second_opinion.nobody

    async def request(self, approval_id: str, plan: Plan, proposal: Proposal, thread_id: str) -> ApprovalRequest:
        """Write the approval row for a plan; PolicyDeniedError when no rule allows it. What policy lets run unasked is
        approved at once, and so is what enough people have approved ahead. Safe to repeat."""
        asked = await self.draft(approval_id, plan, proposal, thread_id)
        return await self.decide_if_allowed(await self.approvals.create(asked, self.told_of(asked)))

    async def draft(self, approval_id: str, plan: Plan, proposal: Proposal, thread_id: str) -> ApprovalRequest:
        """Return the request as policy wants it now, unwritten; PolicyDeniedError (audited) when no rule allows it."""
        asker = await asker_of(self.directory, proposal.requester, self.policy.groups)
        requirement = self.policy.requirement(plan, asker)
        if requirement.effect == "deny":
            await self._note(
                "ApprovalDenied", proposal.requester, approval_id, proposal.incident_id, rule=requirement.rule
            )
            raise PolicyDeniedError(
                f"Policy does not allow `{plan.call.name}` on {plan.service} in {plan.env} (rule: {requirement.rule})."
            )
        undone = await self._undone(proposal)
        requirement = await heeding_undo(self.directory, requirement, plan, proposal, undone)
        requirement = await second_opinion.judged(self.review, self.directory, requirement, plan, proposal)
        now = self.clock.now()
        return ApprovalRequest(
            id=approval_id,
            digest=plan_digest(plan, requester=proposal.requester, requirement=requirement),
            plan=plan,
            requirement=requirement,
            requester=proposal.requester,
            reason=proposal.reason,
            thread_id=thread_id,
            incident_id=proposal.incident_id,
            report_id=proposal.report_id,
            rollback_of=proposal.rollback_of,
            reopens=proposal.reopens,
            channel=proposal.place.channel,
            thread_ts=proposal.place.thread_ts,
            created_at=now,
            decide_by=now + requirement.decide_within,
        )

    def told_of(self, asked: ApprovalRequest) -> AuditEvent:
        """Return the line of the history that stands for a request."""
        facts = {"digest": asked.digest, "rule": asked.requirement.rule, "rollback_of": asked.rollback_of or ""}
        facts |= second_opinion.told(asked.requirement.opinion)
        return self._event(ASKED, asked.requester, asked.id, asked.incident_id, **facts)

    async def decide_if_allowed(self, row: ApprovalRequest) -> ApprovalRequest:
        """Approve at once what policy lets run unasked; count the word of whoever undoes where policy lets them, and
        what was approved ahead. Returns the request as it then stands."""
        if row.status is not ApprovalStatus.PENDING or row.requirement.policy_sha256 != self.policy.sha256:
            return row
        if row.requirement.effect == "allow":
            return await self._decide(row, "policy", again=True)
        try:
            if row.requirement.undo == "allow":
                return await self.vote(row.id, row.requester, "approve", "pressed Undo")
            for grant in await self.grants.offers(row) if self.grants else ():
                await self._vote_ahead(grant, row.id)
            now = await self.approvals.load(row.id)
            # Also what was voted before a crash: the count stands, and the claim is still due.
            ahead = next((vote.person for vote in now.votes if vote.grant_id), "")
            return await self._decide(now, ahead, again=True) if ahead else now
        except RefusedError:
            # Written down where it was refused; the request waits for people.
            return await self.approvals.load(row.id)

    async def _undone(self, proposal: Proposal) -> Sequence[ApprovalRequest]:
        """Return the requests of the run that the proposal undoes; PolicyDeniedError (audited) when somebody else has
        written to them, as they would say what undoes them."""
        if proposal.rollback_of is None:
            return ()
        try:
            return await undone_by(proposal, self.approvals, self.audit)
        except TamperedError as found:
            actor, incident = proposal.requester, proposal.incident_id
            await self._note("UndoRefused", actor, proposal.rollback_of, incident, why=str(found))
            raise PolicyDeniedError(
                f"{found}. So nothing is asked for that would undo it: tell whoever keeps the database."
            ) from found

    async def _vote_ahead(self, grant: StandingGrant, approval_id: str) -> None:
        """Count a grant as the vote of whoever gave it, where that vote would count and help."""
        request, book = await self.approvals.load(approval_id), self.grants
        if book is None or request.status is not ApprovalStatus.PENDING:
            return
        facts = {"grant": grant.id, "request": request.id, "digest": request.digest}
        try:
            groups = await self._check(request, grant.by, "approve")
            if not await book.covers(grant, request):
                raise NotAnApproverError("Whoever gave this grant may no longer give it.")
        except RefusedError as refusal:
            why = type(refusal).__name__
            await self._note("GrantNotUsed", grant.by, grant.id, request.incident_id, why=why, **facts)
            return
        if not would_help(request, grant.by, groups):
            return  # no use is spent on what others have approved already
        now, incident = self.clock.now(), request.incident_id
        vote = Vote(approval_id=request.id, person=grant.by, choice="approve", at=now, groups=groups, grant_id=grant.id)
        told = (
            self._event("VoteCast", grant.by, request.id, incident, choice="approve", reason="", grant=grant.id),
            self._event("GrantUsed", grant.by, grant.id, incident, **facts),
        )
        await book.grants.use(grant, vote, told)

    async def why_not_ask(self, requester: str) -> str:
        """Return why nothing is proposed in this name, or an empty text; our own (`alert`) is nobody's."""
        if requester == ALERT:
            return ""
        return "" if await may_decide(self.directory, requester) else GUESTS_MAY_NOT

    async def check_may_edit(self, request: ApprovalRequest, person_id: str) -> None:
        """RefusedError (audited) for whoever may neither decide the request nor withdraw it, and for guests."""
        try:
            if not await may_decide(self.directory, person_id):
                raise NotAnApproverError(GUESTS_MAY_NOT)
            await self._check(request, person_id, "reject")
        except RefusedError as refusal:
            await self._note("EditRefused", person_id, request.id, request.incident_id, why=type(refusal).__name__)
            raise

    async def vote(
        self, approval_id: str, person_id: str, choice: Choice, reason: str = "", *, typed: str = "", via: str = ""
    ) -> ApprovalRequest:
        """Do as `vote_on` does, for whoever has only the request's id."""
        request = await self.approvals.load(approval_id)
        return await self.vote_on(request, person_id, choice, reason, typed=typed, via=via)

    async def vote_on(
        self,
        request: ApprovalRequest,
        person_id: str,
        choice: Choice,
        reason: str = "",
        *,
        typed: str = "",
        via: str = "",
    ) -> ApprovalRequest:
        """Count one person's word on a request that was loaded a moment ago; returns it as it then stands, RefusedError
        says why the word does not count. The same word again (a click delivered twice) changes nothing. `typed` is the
        targets' names where core.confirmation asks for them, `via` the API client (api:id) that handed the word in."""
        if request.status is not ApprovalStatus.PENDING and _has_cast(request, person_id, choice):
            if request.status in (ApprovalStatus.APPROVED, ApprovalStatus.REJECTED):
                # A crash between the claim and its job delivers the click again; the job, if it was put, is known.
                await self.queue.put(resume_job(request, self.clock))
            return request
        try:
            groups = await self._check(request, person_id, choice)
            if choice == "approve":
                _check_not_its_own(request, via)
                check_typed(request, typed)
            now = self.clock.now()
            word = Vote(approval_id=request.id, person=person_id, choice=choice, reason=reason, at=now, groups=groups)
            facts = {"choice": choice, "reason": reason, **_handed_in(via)}
            ballot = Ballot(word, self._event("VoteCast", person_id, request.id, request.incident_id, **facts))
            settled, is_new = await self._count(request, ballot)
        except RefusedError as refusal:
            facts = {"choice": choice, "why": type(refusal).__name__, **_handed_in(via)}
            await self._note("VoteRefused", person_id, request.id, request.incident_id, **facts)
            raise
        return settled or await self._decide(await self.approvals.load(request.id), person_id, again=not is_new)

    async def _check(self, request: ApprovalRequest, person_id: str, choice: Choice) -> tuple[str, ...]:
        """Return the groups in whose name this vote counts; RefusedError says why it does not."""
        if request.status is not ApprovalStatus.PENDING:
            raise AlreadyDecidedError(already(request))
        if self.clock.now() >= request.decide_by:
            raise ApprovalExpiredError("This request has expired; nothing was run. Ask again if it is still needed.")
        await self._check_untouched(request)
        if choice == "approve" and request.requirement.policy_sha256 != self.policy.sha256:
            raise StaleApprovalError("The policy has changed since this was asked for, so it has to be asked for anew.")
        groups = await voting_groups(self.directory, request, person_id, choice)
        if choice == "approve" and (why := await self.frozen()):
            raise FrozenError(
                f"Your approval was not counted: {why}. The request stays open; approve it again once that is over."
            )
        if choice == "approve" and (why := await self.unfit()):
            raise UnfitError(
                f"Nothing will run at the moment, so your approval was not counted: {why}. "
                "The request stays open; approve it again once its card no longer says so."
            )
        return groups

    async def _check_untouched(self, request: ApprovalRequest) -> None:
        """TamperedError for a row that somebody else has written to; the request ends with it, and its graph tells."""
        try:
            await check_untouched(request, self.audit)
        except TamperedError as found:
            told = self._event(FOUND, "watchkeeper", request.id, request.incident_id, why=str(found))
            end, now = ApprovalStatus.TAMPERED, self.clock.now()
            await self.approvals.claim(
                request.id, digest=request.digest, status=end, now=now, execute_by=None, event=told
            )
            await self.queue.put(resume_job(request, self.clock))
            raise TamperedError(
                f"{found}. It is stopped, and nothing runs by it. If it is needed, ask anew."
            ) from found

    async def _count(self, request: ApprovalRequest, ballot: Ballot) -> tuple[ApprovalRequest | None, bool]:
        """Write the vote, and with it what it decides; returns the request as it then stands, or None when it has to be
        counted anew, and False when this very vote stands already."""
        vote = ballot.vote
        voted = request.model_copy(update={"votes": (*request.votes, vote)})
        verdict, standing = await self._verdict(voted)
        try:
            if verdict is not ApprovalStatus.PENDING:
                return await self._claim(voted, verdict, vote.person, standing, ballot), True
            await self.approvals.vote(vote, ballot.event)
        except (AlreadyVotedError, AlreadyDecidedError):
            # The same click again, or a crash between a vote and its claim: carry on to the claim if it is due.
            present = await self.approvals.load(request.id)
            if _has_cast(present, vote.person, vote.choice):
                return None, False
            if present.status is not ApprovalStatus.PENDING:
                raise AlreadyDecidedError(already(present)) from None
            if vote.choice == "reject":
                return await self._take_back(present, vote), True
            raise
        present = await self.approvals.load(request.id)
        return present if len(present.votes) == len(voted.votes) else None, True

    async def _take_back(self, request: ApprovalRequest, vote: Vote) -> ApprovalRequest | None:
        """End the request, as somebody who has approved it says no after all: the vote stays where it is, and the last
        word holds. Returns the request as it then stands; None when somebody else has decided it."""
        verdict, why = ApprovalStatus.REJECTED, f"An approval was taken back: {vote.reason or 'no reason given'}"
        facts = {"verdict": verdict.value, "taken_back": vote.reason}
        told = self._event("ApprovalDecided", vote.person, request.id, request.incident_id, **facts)
        if not await self.approvals.claim(
            request.id, digest=request.digest, status=verdict, now=vote.at, execute_by=None, event=told, text=why
        ):
            return None
        await self.queue.put(resume_job(request, self.clock))
        return await self.approvals.load(request.id)

    async def _verdict(self, request: ApprovalRequest) -> tuple[ApprovalStatus, list[Vote]]:
        """Return what the votes amount to, and for an approval those of them that still count."""
        verdict = tally(request.requirement, request.votes)
        if verdict is not ApprovalStatus.APPROVED or request.requirement.effect != "approve":
            return verdict, []
        standing = await self._standing(request)
        return tally(request.requirement, standing), standing

    async def _decide(self, request: ApprovalRequest, person_id: str, *, again: bool) -> ApprovalRequest:
        verdict, standing = await self._verdict(request)
        if verdict is ApprovalStatus.PENDING:
            return request
        if decided := await self._claim(request, verdict, person_id, standing):
            return decided
        request = await self.approvals.load(request.id)
        if request.status is ApprovalStatus.PENDING:
            # Out of time, or rejected after the count above: then whoever rejected it claims that.
            raise AlreadyDecidedError("This request can no longer be approved; nothing was run.")
        if again:
            return request
        await self._note("ClaimLost", person_id, request.id, request.incident_id, status=request.status.value)
        raise AlreadyDecidedError(already(request))

    async def _standing(self, request: ApprovalRequest) -> list[Vote]:
        """Return the votes of those who may still decide, as Slack says this very moment and not a minute ago."""
        needed = request.requirement.members_of
        groups, able = await asyncio.gather(
            asyncio.gather(*(groups_of(self.directory, vote.person, needed, fresh=True) for vote in request.votes)),
            asyncio.gather(*(may_decide(self.directory, vote.person, fresh=True) for vote in request.votes)),
        )
        standing: list[Vote] = []
        by_hand = {vote.person for vote in request.votes if vote.grant_id is None}
        for vote, found, may in zip(request.votes, groups, able, strict=True):
            if vote.grant_id and vote.person in by_hand:
                continue  # their own hand counts, whatever becomes of the grant
            if found and may and await self._grant_holds(request, vote):
                standing.append(vote.model_copy(update={"groups": found}))
            else:
                await self._note("VoteVoid", vote.person, request.id, request.incident_id, choice=vote.choice)
        return standing

    async def _grant_holds(self, request: ApprovalRequest, vote: Vote) -> bool:
        if vote.grant_id is None:
            return True
        return self.grants is not None and not await self.grants.why_void(request, vote)

    async def _claim(
        self,
        request: ApprovalRequest,
        verdict: ApprovalStatus,
        actor: str,
        standing: Sequence[Vote],
        ballot: Ballot | None = None,
    ) -> ApprovalRequest | None:
        """Return the request as it now stands, its graph's job queued; None when somebody else has won."""
        now = self.clock.now()
        execute_by = now + request.requirement.execute_within if verdict is ApprovalStatus.APPROVED else None
        told = self._event("ApprovalDecided", actor, request.id, request.incident_id, verdict=verdict.value)
        won = await self.approvals.claim(
            request.id,
            digest=request.digest,
            status=verdict,
            now=now,
            execute_by=execute_by,
            event=told,
            grants=tuple(vote.grant_id for vote in standing if vote.grant_id),
            ballot=ballot,
        )
        if not won:
            return None
        decided = request.model_copy(update={"status": verdict, "decided_at": now, "execute_by": execute_by})
        await self.queue.put(resume_job(decided, self.clock))
        return decided

    async def _note(self, kind: str, actor: str, subject: str, incident_id: str | None, **details: str) -> None:
        await self.audit.append(self._event(kind, actor, subject, incident_id, **details))

    def _event(self, kind: str, actor: str, subject: str, incident_id: str | None, **details: str) -> AuditEvent:
        now = self.clock.now()
        return AuditEvent(
            kind=kind, actor=actor, subject=subject, incident_id=incident_id, at=now, details=dict(details)
        )


def _check_not_its_own(request: ApprovalRequest, via: str) -> None:
    """SelfApprovalError where the client that asked would also hand in the approvals."""
    if request.requirement.exclude_requester and via and via == request.requester:
        raise SelfApprovalError(
            "This client asked for it, so approvals have to come another way: by Slack, or through another client."
        )


def _handed_in(via: str) -> dict[str, str]:
    return {"via": f"api client {client_in(via)}"} if via else {}


def _has_cast(request: ApprovalRequest, person_id: str, choice: Choice) -> bool:
    """True for a vote by their own hand; beside one that a grant has cast for them it is another word."""
    return any((vote.person, vote.choice, vote.grant_id) == (person_id, choice, None) for vote in request.votes)
