"""In which of policy's groups an account is, as Slack says."""

import asyncio
from collections.abc import Mapping, Sequence

from core.approval import ApprovalRequest
from core.eligibility import may_still_approve
from core.errors import NoDataError
from core.policy_rules import ALERT, Asker
from core.ports import Directory

_MOST = 50


async def groups_of(
    directory: Directory, account: str, groups: Mapping[str, Sequence[str]], *, fresh: bool = False
) -> tuple[str, ...]:
    """Return the names of those groups that the account is in; `fresh` asks Slack anew."""
    members = await asyncio.gather(*(directory.members(ids, fresh=fresh) for ids in groups.values()))
    return tuple(name for name, found in zip(groups, members, strict=True) if account in found)


async def out_of_reach(directory: Directory, request: ApprovalRequest) -> tuple[int, dict[str, int]]:
    """Return what would be missing, as Requirement.missing says it, even if everybody approved who still may: (0, {})
    for a request that can be decided, and where there are too many to ask about."""
    needed = request.requirement
    given = [(vote.person, vote.groups) for vote in request.votes if vote.choice == "approve"]
    members = {group: await directory.members(ids) for group, ids in needed.members_of.items()}
    able = sorted(person for person in frozenset[str]().union(*members.values()) if may_still_approve(request, person))
    for person in able[:_MOST]:
        if not needed.missing(given)[0]:
            return 0, {}
        if await may_decide(directory, person):
            given.append((person, tuple(group for group, found in members.items() if person in found)))
    # Rows from before groups were kept by name do not say who is in which.
    return needed.missing(given) if members and len(able) <= _MOST else (0, {})


async def may_decide(directory: Directory, account: str, *, fresh: bool = False) -> bool:
    """True for a full, active, human member; an account that Slack does not know is none."""
    try:
        return (await directory.person(account, fresh=fresh)).may_decide
    except NoDataError:
        return False


async def asker_of(directory: Directory, requester: str, groups: Mapping[str, Sequence[str]]) -> Asker:
    """Return who asked with the groups that they are in; an alert is in none."""
    if requester == ALERT:
        return Asker()
    return Asker(requester, frozenset(await groups_of(directory, requester, groups)))
