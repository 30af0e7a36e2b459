"""The signed API against the bot as it runs: asked over HTTP, shown in Slack, decided over HTTP and by click, run once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import yaml

from bot.adapters.database.audit_log import SqlAudit
from bot.adapters.database.engine import open_database
from demo.slack import LocalWorkspace
from tests.bot.stage import ALICE, BOB, CAROL, DAVE, INCIDENTS, words
from tests.fakes.api_caller import Caller, write_clients
from tests.fakes.running_bot import RunningBot, running_bot
from tests.fakes.waiting import wait_until
from tests.tools.peer import FaultySupervisor

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(90)]
POLICY = f"""
version: 1
groups: {{sre: [{ALICE}, {CAROL}, {DAVE}]}}
rules:
  - name: Two of sre
    match: {{risk: [disruptive]}}
    effect: approve
    groups: [sre]
    quorum: 2
"""
ASK = {"tool": "restart_service", "args": {"service": "checkout"}, "reason": "deploy 1.4.3 needs a fresh start"}


@dataclass
class House:
    """A bot with its Slack and its target; `deploybot` asks, `chatops` speaks for people, `both` may do either."""

    bot: RunningBot
    slack: httpx.AsyncClient
    target: FaultySupervisor
    deploybot: Caller
    chatops: Caller
    both: Caller

    async def asked(self, caller: Caller | None = None, **changes: Any) -> dict[str, Any]:
        """Ask, and return the request once it waits for votes."""
        caller = caller or self.deploybot
        answer = await caller.post(self.bot.http, "/api/requests", ASK | changes)
        assert answer.status_code == 202, answer.text
        return await self.until(answer.json()["id"], "pending")

    async def read(self, request_id: str) -> dict[str, Any]:
        return (await self.chatops.get(self.bot.http, f"/api/requests/{request_id}")).raise_for_status().json()

    async def until(self, request_id: str, status: str) -> dict[str, Any]:
        async def reached() -> bool:
            return (await self.read(request_id))["status"] == status

        await wait_until(reached, 20)
        return await self.read(request_id)

    async def vote(
        self, request: dict[str, Any], person: str, choice: str = "approve", caller: Caller | None = None, **more: Any
    ) -> httpx.Response:
        key = more.pop("key", "")
        body = {"person": person, "choice": choice, "digest": request["digest"], **more}
        return await (caller or self.chatops).post(self.bot.http, f"/api/requests/{request['id']}/votes", body, key)

    async def card(self, request_id: str) -> dict[str, Any]:
        """Return the request's card as Alice sees it."""
        roots = (await self.slack.get("/control/history", params={"as": ALICE, "channel": INCIDENTS})).json()[
            "messages"
        ]
        for root in reversed(roots):
            query = {"as": ALICE, "channel": INCIDENTS, "thread_ts": root["ts"]}
            for message in (await self.slack.get("/control/history", params=query)).json()["messages"]:
                if (message.get("metadata") or {}).get("event_payload", {}).get("subject") == request_id:
                    return message
        return {}

    async def history(self, request_id: str) -> list[tuple[str, str, dict[str, Any]]]:
        """Return the audit of that request: kind, actor, details."""
        database = open_database(f"sqlite:///{self.bot.folder / 'data' / 'watchkeeper.db'}")
        try:
            return [
                (each.kind, each.actor, dict(each.details)) for each in await SqlAudit(database).of_subject(request_id)
            ]
        finally:
            await database.close()

    def effects(self, request_id: str) -> int:
        wanted = f"act_{request_id.removeprefix('apr_')}"
        return sum(row["action_id"] == wanted for row in self.target.effects)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("api")
    authority = "watchkeeper.example"
    deploybot = Caller("deploybot", authority, secret=b"a shared secret of thirty-two bytes or more")
    chatops, both = Caller("chatops", authority), Caller("both", authority)
    people = [ALICE, CAROL, DAVE]
    clients = write_clients(
        folder / "api_clients.yaml",
        (deploybot, {"may_ask": True, "may_read": False}),
        (chatops, {"may_vote_for": people}),
        (both, {"may_ask": True, "may_vote_for": people}),
    )
    (folder / "policy.yaml").write_text(POLICY)
    target = FaultySupervisor(forgiving=False)
    target.pages["/up"] = (200, b"ok")
    async with LocalWorkspace(port=0) as workspace, target.serving():
        services = {
            "supervisor_url": target.url,
            "services": [{"name": "checkout", "env": "prod", "url": target.url, "health_url": f"{target.url}/up"}],
        }
        (folder / "catalogue.yaml").write_text(yaml.safe_dump(services))
        changes = {
            "WEB_PUBLIC_URL": f"https://{authority}",
            "API_CLIENTS_FILE": str(clients),
            "POLICY_FILE": str(folder / "policy.yaml"),
            "SERVICES_FILE": str(folder / "catalogue.yaml"),
            "SUPERVISOR_TOKEN": FaultySupervisor.token,
        }
        async with (
            running_bot(workspace.url, folder, **changes) as bot,
            httpx.AsyncClient(base_url=workspace.url) as slack,
        ):
            yield House(bot, slack, target, deploybot, chatops, both)


async def test_what_a_system_asks_for_is_shown_decided_by_two_people_over_the_api_and_runs_once(house: House) -> None:
    request = await house.asked()
    assert (request["requester"], request["needs"]["people"]) == ("api:deploybot", 2)
    await wait_until(lambda: house.card(request["id"]), 10)
    shown = words(await house.card(request["id"]))
    assert "API client deploybot" in shown
    assert "Approval needed" in shown
    first = await house.vote(request, ALICE)
    assert (first.status_code, first.json()["status"], first.json()["needs"]["people"]) == (200, "pending", 1)
    second = await house.vote(request, CAROL)
    assert (second.status_code, second.json()["status"]) == (200, "approved")
    done = await house.until(request["id"], "executed")
    assert house.effects(request["id"]) == 1
    assert [vote["person"] for vote in done["votes"]] == [ALICE, CAROL]
    votes = [
        (actor, details["via"]) for kind, actor, details in await house.history(request["id"]) if kind == "VoteCast"
    ]
    assert votes == [(ALICE, "api client chatops"), (CAROL, "api client chatops")]
