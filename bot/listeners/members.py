"""Who may ask for things, and whose word a request waits for."""

import asyncio

from core.approval import ApprovalRequest
from core.eligibility import would_help
from core.errors import NoDataError, RefusedError
from core.person import GUESTS_MAY_NOT
from core.ports import Directory


async def check_may_ask(directory: Directory, person_id: str) -> None:
    """RefusedError for bots, people of other workspaces and deactivated accounts: answers hold production's details."""
    try:
        person = await directory.person(person_id)
    except NoDataError as unknown:
        raise RefusedError("I do not know you here, so I cannot answer.") from unknown
    if person.is_bot or person.is_outsider or person.is_deactivated:
        raise RefusedError("Only members of this workspace may ask me.")


async def check_may_request(directory: Directory, person_id: str) -> None:
    """RefusedError for everybody who is not a full member: they may ask questions, but not for changes."""
    await check_may_ask(directory, person_id)
    if not (await directory.person(person_id)).may_decide:
        raise RefusedError(GUESTS_MAY_NOT)


async def waits_for(directory: Directory, request: ApprovalRequest, person_id: str) -> bool:
    """True when that person's approval would bring the request nearer to its end; only a hint, the desk decides."""
    groups = await groups_of(directory, request, person_id)
    return bool(groups) and would_help(request, person_id, groups)


async def groups_of(directory: Directory, request: ApprovalRequest, person_id: str) -> tuple[str, ...]:
    """Return the groups of the request that the person is in: why it waits for them."""
    groups = request.requirement.members_of
    members = await asyncio.gather(*(directory.members(ids) for ids in groups.values()))
    return tuple(name for name, found in zip(groups, members, strict=True) if person_id in found)
