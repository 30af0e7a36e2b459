"""Whose word counts on a request, and in the name of which groups."""

from core.approval import ApprovalRequest, Choice
from core.errors import AlreadyVotedError, NotAnApproverError, SelfApprovalError
from core.ports import Directory
from core.services.membership import groups_of, may_decide

_NAMED = 6


async def voting_groups(
    directory: Directory, request: ApprovalRequest, person_id: str, choice: Choice
) -> tuple[str, ...]:
    """Return the groups in whose name this person's word counts; RefusedError says why it does not."""
    needed = request.requirement
    if choice == "reject" and needed.same_human(person_id, request.requester):
        return ()  # whoever asked may always withdraw
    if needed.exclude_requester and needed.same_human(person_id, request.requester):
        raise SelfApprovalError("This request began with you, so somebody else has to decide it. You may reject it.")
    benefits = any(needed.same_human(person_id, each) for each in request.plan.beneficiaries)
    if needed.exclude_beneficiary and benefits and choice == "approve":
        raise SelfApprovalError("This action is for you, so somebody else has to approve it. You may reject it.")
    others = [vote.person for vote in request.votes if vote.person != person_id]
    if choice == "approve" and any(needed.same_human(person, person_id) for person in others):
        raise AlreadyVotedError("You have voted on this request already, with another account.")
    groups = await groups_of(directory, person_id, needed.members_of)
    if not groups or not await may_decide(directory, person_id):
        people = ", ".join(f"<@{each}>" for each in sorted(await directory.members(needed.members))[:_NAMED])
        raise NotAnApproverError(
            f"Only members of {', '.join(needed.groups)} ({people}) may decide this request "
            f"(policy rule “{needed.rule}”)."
        )
    return groups
