"""In which of policy's groups an account is, as Slack says."""

import asyncio
from collections.abc import Mapping, Sequence

from core.policy_rules import ALERT, Asker
from core.ports import Directory


async def groups_of(
    directory: Directory, account: str, groups: Mapping[str, Sequence[str]], *, fresh: bool = False
) -> tuple[str, ...]:
    """Return the names of those groups that the account is in; `fresh` asks Slack anew."""
    members = await asyncio.gather(*(directory.members(ids, fresh=fresh) for ids in groups.values()))
    return tuple(name for name, found in zip(groups, members, strict=True) if account in found)


async def asker_of(directory: Directory, requester: str, groups: Mapping[str, Sequence[str]]) -> Asker:
    """Return who asked with the groups that they are in; an alert is in none."""
    if requester == ALERT:
        return Asker()
    return Asker(requester, frozenset(await groups_of(directory, requester, groups)))
