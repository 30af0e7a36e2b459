"""Who people are and which groups they are in, as Slack says, remembered for at most a minute."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.cards.faults import FAULTS, code_of, is_passing
from core.errors import NoDataError, TransientError
from core.person import Person
from core.ports import Clock

_log = structlog.get_logger(__name__)
_UNKNOWN_USER = {"user_not_found", "user_not_visible", "users_not_found"}
_UNKNOWN_GROUP = {"no_such_subteam", "subteam_not_found", "invalid_usergroup", "usergroup_not_found"}
_REMEMBERED = 5000
T = TypeVar("T")


class SlackDirectory:
    """Implements core.ports.Directory; rights taken away in Slack are gone here within `lifetime`."""

    def __init__(self, client: AsyncWebClient, clock: Clock, lifetime: timedelta = timedelta(seconds=60)) -> None:
        self._client = client
        self._clock = clock
        self._lifetime = lifetime
        self._people: dict[str, tuple[datetime, Person]] = {}
        self._groups: dict[str, tuple[datetime, frozenset[str]]] = {}
        self._team = ""

    async def person(self, user_id: str, *, fresh: bool = False) -> Person:
        """Return who that is; NoDataError for an unknown id, TransientError while Slack does not answer."""
        return await self._remembered(self._people, user_id, self._fetch_person, fresh)

    async def members(self, ids: Sequence[str], *, fresh: bool = False) -> frozenset[str]:
        """Return the user ids behind user ids, user group ids and handles (@sre); an unknown group has no members."""
        groups = [each for each in ids if each[:1] in "S@"]
        found = await asyncio.gather(
            *(self._remembered(self._groups, each, self._fetch_group, fresh) for each in groups)
        )
        return frozenset(each for each in ids if each not in groups).union(*found)

    async def _remembered(
        self, shelf: dict[str, tuple[datetime, T]], key: str, fetch: Callable[[str], Awaitable[T]], fresh: bool
    ) -> T:
        now = self._clock.now()
        known = shelf.get(key)
        if known is not None and now - known[0] < self._lifetime and not fresh:
            return known[1]
        value = await fetch(key)
        if len(shelf) >= _REMEMBERED:
            shelf.clear()
        shelf[key] = (now, value)
        return value

    async def _fetch_person(self, user_id: str) -> Person:
        try:
            user: dict[str, Any] | None = (await self._client.users_info(user=user_id)).get("user")
        except FAULTS as error:
            if code_of(error) in _UNKNOWN_USER:
                raise NoDataError(f"Slack does not know {user_id}.") from error
            raise _mapped(error) from error
        if not user:
            raise NoDataError(f"Slack does not say who {user_id} is.")
        team = await self._own_team()
        return Person(
            id=user["id"],
            name=_name(user),
            is_bot=bool(user.get("is_bot")) or user["id"] == "USLACKBOT",
            is_guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
            is_outsider=bool(user.get("is_stranger")) or user.get("team_id", team) != team,
            is_deactivated=bool(user.get("deleted")),
        )

    async def _fetch_group(self, group: str) -> frozenset[str]:
        group_id = await self._group_id(group) if group.startswith("@") else group
        try:
            answer = await self._client.usergroups_users_list(usergroup=group_id)
        except FAULTS as error:
            if code_of(error) in _UNKNOWN_GROUP:
                _log.warning("user_group_unknown", group=group_id)
                return frozenset()
            raise _mapped(error) from error
        return frozenset(answer.get("users") or ())

    async def _group_id(self, handle: str) -> str:
        """Return the id of the active group with that handle, or the handle itself, which no group has for an id."""
        try:
            rows: list[dict[str, Any]] = (await self._client.usergroups_list()).get("usergroups") or []
        except FAULTS as error:
            raise _mapped(error) from error
        return next((row["id"] for row in rows if f"@{row.get('handle')}" == handle), handle)

    async def _own_team(self) -> str:
        if not self._team:
            try:
                self._team = str((await self._client.auth_test())["team_id"])
            except FAULTS as error:
                raise _mapped(error) from error
        return self._team


def _name(user: dict[str, Any]) -> str:
    profile = user.get("profile") or {}
    return profile.get("real_name") or user.get("real_name") or user.get("name") or user["id"]


def _mapped(error: BaseException) -> Exception:
    if is_passing(error) or not isinstance(error, SlackApiError):
        return TransientError(f"Slack's directory does not answer: {error}")
    return error
