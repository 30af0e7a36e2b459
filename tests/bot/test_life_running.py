"""A request with the real bot: reminded of, expired, asked again, frozen, thawed, approved from the keyboard."""

from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import pytest

from demo.stage import Stage, open_stage
from tests.bot.stage import ALICE, BOB, OPS, buttons, words
from tests.fakes.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150)]
POLICY = """
version: 1
groups: {sre: [S0SRE]}
rules:
  - name: Everything
    match: {risk: [disruptive, reversible]}
    effect: approve
    groups: [sre]
    decide_within: 14s
    remind: [2s, 4s]
"""


class Watcher:
    """What people do and see, over the workspace's control routes."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.thread = ""

    async def act(self, verb: str, person: str, **what: Any) -> dict[str, Any]:
        answer = await self.http.post(f"/control/{verb}", json={"as": person, "channel": OPS, **what})
        return answer.raise_for_status().json()

    async def seen(self) -> list[dict[str, Any]]:
        query = {"as": ALICE, "channel": OPS, "thread_ts": self.thread}
        return (await self.http.get("/control/history", params=query)).json()["messages"]

    async def cards(self) -> list[dict[str, Any]]:
        kinds = [(message, (message.get("metadata") or {}).get("event_type")) for message in await self.seen()]
        return [message for message, kind in kinds if kind == "watchkeeper_approval"]

    async def until(self, text: str, within: float = 20.0, card: int | None = None) -> dict[str, Any]:
        """Return the first message (or that card) that says so."""

        async def found() -> list[dict[str, Any]]:
            shown = await self.seen() if card is None else (await self.cards())[card : card + 1]
            return [message for message in shown if text in words(message)]

        await wait_until(found, within)
        return (await found())[0]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    (tmp_path / "policy.yaml").write_text(POLICY)
    async with open_stage(port=0, say=lambda _: None, extra={"POLICY_FILE": str(tmp_path / "policy.yaml")}) as running:
        yield running


async def test_a_request_is_reminded_of_expires_is_asked_again_is_held_by_a_freeze_and_runs(stage: Stage) -> None:
    async with httpx.AsyncClient(base_url=stage.url) as http:
        watch = Watcher(http)
        watch.thread = (await watch.act("post", BOB, text="<@U0WATCH> restart checkout in prod"))["ts"]
        card = await watch.until("Approval needed")
        await watch.until("Still waiting", 8)
        opened = {"method": "conversations.open"}

        async def written_to() -> int:
            return len((await http.get("/control/calls", params=opened)).json()["calls"])

        await wait_until(written_to, 8)
        await watch.until("Nobody decided in time", 25)
        assert buttons((await watch.cards())[0]) == ["Ask again", "Details"]
        await watch.act("click", BOB, ts=card["ts"], action_id="approval.ask_again")
        anew = await watch.until("Approval needed", card=1)
        started = monotonic()
        await watch.act("slash", ALICE, command="/ops", text="freeze on moving the database")
        await watch.until("FROZEN", 8, card=1)
        assert monotonic() - started < 6
        await watch.act("click", ALICE, ts=anew["ts"], action_id="approval.approve")
        await watch.until("Your approval was not counted")
        await watch.act("slash", ALICE, command="/ops", text="freeze off")
        approval_id = anew["metadata"]["event_payload"]["subject"]
        await watch.act("slash", ALICE, command="/ops", text=f"approve {approval_id}")
        await watch.until("It ran once, exactly as shown.", card=1)
        assert "Asked again" in words((await watch.cards())[0])
