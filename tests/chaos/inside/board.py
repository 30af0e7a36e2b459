"""Slack inside the test's own process: what stands in its channels, and a client that reaches it through the plug."""

import itertools
from dataclasses import dataclass, field
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from tests.chaos.inside.plug import Plug

ALICE, CAROL, BOB, GUEST, EVE = "U0ALICE", "U0CAROL", "U0BOB", "U0GUEST", "U0EVE"
GROUPS = {"S0SRE": (ALICE, CAROL, BOB, GUEST), "S0OPS": (CAROL, BOB, GUEST)}
DECIDERS = {group: frozenset(members) - {GUEST} for group, members in GROUPS.items()}
"""Those of each user group who may decide."""

INCIDENTS, OPS = "C0INCIDENTS", "C0OPS"
BOT = {"user_id": "U0BOT", "bot_id": "B0BOT", "team_id": "T0", "ok": True, "url": "", "team": "", "user": "bot"}
Json = dict[str, Any]


@dataclass
class Board:
    """Messages in order, as they read now; `whispers` are those for one person's eyes."""

    messages: list[Json] = field(default_factory=list[Json])
    whispers: list[Json] = field(default_factory=list[Json])
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def stamp(self) -> str:
        """Return the next message's ts."""
        return f"1700000000.{next(self._numbers):06d}"

    def answer(self, method: str, given: Json) -> Json:
        """Return what Slack would to one method."""
        match method:
            case "chat.postMessage":
                message = {**given, "ts": self.stamp(), "user": BOT["user_id"]}
                self.messages.append(message)
                return {"ok": True, "ts": message["ts"], "channel": given["channel"]}
            case "chat.update":
                next(each for each in self.messages if each["ts"] == given["ts"]).update(given)
            case "chat.postEphemeral":
                self.whispers.append(given)
            case "conversations.replies" | "conversations.history":
                return {"ok": True, "messages": [each for each in self.messages if _stands_in(each, given)]}
            case "conversations.list":
                return {"ok": True, "channels": [{"name": "incidents", "id": INCIDENTS}]}
            case "users.info":
                user = given["user"]
                return {"ok": True, "user": {"id": user, "name": user, "is_restricted": user == GUEST, "team_id": "T0"}}
            case "usergroups.users.list":
                return {"ok": True, "users": list(GROUPS[given["usergroup"]])}
            case "auth.test":
                return BOT
            case "conversations.open":
                return {"ok": True, "channel": {"id": "D0"}}
        return {"ok": True}


def _stands_in(message: Json, place: Json) -> bool:
    thread = place.get("ts") or ""
    inside = not thread or thread in (message["ts"], message.get("thread_ts"))
    return message["channel"] == place["channel"] and inside


class BoardClient(AsyncWebClient):
    """Slack's client without a network."""

    def __init__(self, board: Board, plug: Plug) -> None:
        super().__init__(token="xoxb-none")
        self.board, self.plug = board, plug

    async def api_call(self, api_method: str, **how: Any) -> Any:
        """Pass the plug, then let the board answer."""
        given: Json = {**(how.get("params") or {}), **(how.get("data") or {}), **(how.get("json") or {})}
        async with self.plug.port(f"slack {api_method}"):
            return self.board.answer(api_method, given)
