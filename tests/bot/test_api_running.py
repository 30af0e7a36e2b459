"""The signed API of the bot as it runs: asked over HTTP, shown in Slack, decided over HTTP and by click, run once."""

import asyncio
import json
import os
import re
import secrets
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import yaml
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bot.adapters.database.approval_store import SqlApprovals
from bot.adapters.database.audit_log import SqlAudit
from bot.adapters.database.engine import open_database
from core.errors import NoDataError
from demo.slack import LocalWorkspace
from tests.bot.stage import ALICE, BOB, CAROL, DAVE, INCIDENTS, words
from tests.fakes.api_caller import Caller, write_clients
from tests.fakes.clock import FakeClock
from tests.fakes.running_bot import ROOT, RunningBot, running_bot
from tests.fakes.waiting import wait_until
from tests.security.api_attacks import ATTACKS
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
    rows: SqlApprovals
    trail: SqlAudit

    async def asked(self, caller: Caller | None = None, **changes: Any) -> dict[str, Any]:
        """Ask, and return the request once it waits for votes."""
        caller = caller or self.deploybot
        answer = await caller.post(self.bot.http, "/api/requests", ASK | changes)
        assert answer.status_code == 202, answer.text
        return await self.until(answer.json()["id"], "pending")

    async def read(self, request_id: str) -> dict[str, Any]:
        return (await self.chatops.get(self.bot.http, f"/api/requests/{request_id}")).raise_for_status().json()

    async def until(self, request_id: str, status: str) -> dict[str, Any]:
        """Look at the rows until it is so, as the API would tell us that we ask too often; return what the API says."""

        async def reached() -> bool:
            try:
                return (await self.rows.load(request_id)).status == status
            except NoDataError:
                return status == "refused" and await self.trail.has("AskRefused", request_id, {})

        await wait_until(reached, 20)
        return await self.read(request_id)

    async def vote(
        self, request: dict[str, Any], person: str, choice: str = "approve", caller: Caller | None = None, **more: Any
    ) -> httpx.Response:
        key = more.pop("key", "") or secrets.token_hex(8)
        body = {"person": person, "choice": choice, "digest": request["digest"], **more}
        while True:
            answer = await (caller or self.chatops).post(
                self.bot.http, f"/api/requests/{request['id']}/votes", body, key
            )
            if answer.status_code != 202:  # that is: kept, and counted later
                return answer

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
        return [(each.kind, each.actor, dict(each.details)) for each in await self.trail.of_subject(request_id)]

    def effects(self, request_id: str) -> int:
        wanted = f"act_{request_id.removeprefix('apr_')}"
        return sum(row["action_id"] == wanted for row in self.target.effects)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("api")
    deploybot = Caller("deploybot", "", secret=b"a shared secret of thirty-two bytes or more")
    chatops, both = Caller("chatops", ""), Caller("both", "")
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
            "API_CLIENTS_FILE": str(clients),
            "POLICY_FILE": str(folder / "policy.yaml"),
            "SERVICES_FILE": str(folder / "catalogue.yaml"),
            "SUPERVISOR_TOKEN": FaultySupervisor.token,
        }
        async with (
            running_bot(workspace.url, folder, **changes) as bot,
            httpx.AsyncClient(base_url=workspace.url) as slack,
        ):
            for caller in (deploybot, chatops, both):
                caller.authority = bot.http.base_url.netloc.decode()
            database = open_database(f"sqlite:///{bot.folder / 'data' / 'watchkeeper.db'}")
            rows, trail = SqlApprovals(database, FakeClock()), SqlAudit(database)
            yield House(bot, slack, target, deploybot, chatops, both, rows, trail)
            await database.close()


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


@pytest.mark.parametrize("name", ATTACKS)
async def test_an_attack_over_a_real_connection_is_refused_with_a_sentence(house: House, name: str) -> None:
    answer = await ATTACKS[name].attempt(house.bot.http, house.both)
    assert answer.status_code == ATTACKS[name].status
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.json()["detail"].split()) > 3


async def test_one_person_counts_once_over_the_api_and_by_click_whatever_is_repeated(house: House) -> None:
    request = await house.asked()
    await wait_until(lambda: house.card(request["id"]), 10)
    card = await house.card(request["id"])
    first = await house.vote(request, ALICE, key="alice")
    again = await house.vote(request, ALICE, key="alice")
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert (await house.vote(request, ALICE, key="alice", reason="another body")).status_code == 422
    click = {"as": ALICE, "channel": INCIDENTS, "ts": card["ts"], "action_id": "approval.approve"}
    await house.slack.post("/control/click", json=click)
    await asyncio.gather(*(house.vote(request, ALICE) for _ in range(4)))
    assert [vote["person"] for vote in (await house.read(request["id"]))["votes"]] == [ALICE]
    await house.slack.post("/control/click", json=click | {"as": CAROL})
    await house.until(request["id"], "executed")
    assert house.effects(request["id"]) == 1


async def test_nobody_s_word_comes_from_whom_it_may_not(house: House) -> None:
    own, other = await asyncio.gather(house.asked(house.both), house.asked())
    refused = await asyncio.gather(
        house.vote(own, ALICE, caller=house.both),  # whoever asked
        house.vote(other, BOB),  # may not speak for Bob
        house.vote(other, DAVE),  # a guest, although policy and client name him
        house.vote(other, ALICE, caller=house.deploybot),  # speaks for nobody
    )
    kinds = [answer.json()["type"].removeprefix("urn:watchkeeper:") for answer in refused]
    assert kinds == ["self-approval", "client-may-not", "not-an-approver", "client-may-not"]
    assert {answer.status_code for answer in refused} == {403}
    withdrawn = await house.vote(own, ALICE, "reject", house.both, reason="not now")
    assert (withdrawn.status_code, withdrawn.json()["status"]) == (200, "rejected")
    late = await house.vote(own, CAROL)
    assert (late.status_code, late.json()["type"]) == (409, "urn:watchkeeper:already-decided")
    assert (await house.read(other["id"]))["votes"] == []
    assert house.effects(own["id"]) == house.effects(other["id"]) == 0


async def test_what_policy_or_the_tool_refuses_can_be_read_afterwards(house: House) -> None:
    wrong = await house.deploybot.post(house.bot.http, "/api/requests", ASK | {"args": {"service": "nowhere"}})
    assert (wrong.status_code, "service" in wrong.json()["detail"]) == (422, True)
    unasked = {"tool": "scale_workers", "args": {"service": "checkout", "workers": 5}}
    answer = await house.deploybot.post(house.bot.http, "/api/requests", ASK | unasked)
    assert answer.status_code == 202
    refused = await house.until(answer.json()["id"], "refused")
    assert "Policy does not allow" in refused["outcome"]
    assert (await house.chatops.get(house.bot.http, "/api/requests/apr_none")).status_code == 404
    assert (await house.deploybot.get(house.bot.http, "/api/requests")).status_code == 403


async def test_the_examples_of_the_page_work_as_they_stand(house: House, tmp_path: Path) -> None:
    page = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    blocks = dict(re.findall(r"```(bash|python)\n(.*?)```", page, re.DOTALL))
    private = house.chatops.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "chatops.pem").write_bytes(private)
    (tmp_path / "deploybot.secret").write_bytes(house.deploybot.secret + b"\n")
    url = str(house.bot.http.base_url).rstrip("/")
    given = {"PATH": os.environ["PATH"], "URL": url}
    asking = given | {"CLIENT": "deploybot", "SECRET_FILE": str(tmp_path / "deploybot.secret")}
    asked = json.loads(await said(["bash", "-euc", blocks["bash"]], asking))
    await house.until(asked["id"], "pending")
    voting = given | {"CLIENT": "chatops", "KEY_FILE": str(tmp_path / "chatops.pem"), "PERSON": ALICE}
    told = await said([sys.executable, "-c", blocks["python"]], voting)
    assert asked["id"] in told
    assert [vote["person"] for vote in (await house.read(asked["id"]))["votes"]] == [ALICE]


async def said(command: list[str], environment: dict[str, str]) -> str:
    """Run a command and return what it prints."""
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return out.decode()


async def test_the_document_is_served_and_describes_the_answers(house: House) -> None:
    document = (await house.bot.http.get("/api/openapi.json")).raise_for_status().json()
    request = await house.asked()
    described = document["components"]["schemas"]["RequestAnswer"]
    assert set(request) == set(described["required"]) == set(described["properties"])
