"""Crashes, double clicks and repeated deliveries on the whole demo: the target's own ledger says what really ran."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, TypeVar

import httpx
import psutil
import pytest
import pytest_asyncio

from demo.rehearsal import INCIDENTS
from demo.stage import ROOT, Stage, open_stage
from tests.fakes.openai_server import Reply, Request, conclude, openai_server

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

ALICE, BOB = "U0ALICE", "U0BOB"
OPS = "C0OPS"
Message = dict[str, Any]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage() -> AsyncIterator[Stage]:
    """One demo for all stories of this module, with the policy that asks one person; each heals what it broke."""
    one_signs = {"POLICY_FILE": str(ROOT / "policy.yaml")}
    async with open_stage(port=0, say=lambda text: None, extra=one_signs) as running:
        yield running


T = TypeVar("T")


async def until(look: Callable[[], Awaitable[T | None]], *, within: float = 40.0) -> T:
    """Look five times a second until there is something."""
    async with asyncio.timeout(within):
        while (found := await look()) is None:  # noqa: ASYNC110 - what is waited for is in other processes
            await asyncio.sleep(0.2)
    return found


async def messages(stage: Stage, channel: str, thread_ts: str = "", user: str = ALICE) -> list[Message]:
    query = {"as": user, "channel": channel} | ({"thread_ts": thread_ts} if thread_ts else {})
    return (await stage.workspace.get("history", **query))["messages"]


def facts(message: Message) -> Mapping[str, Any]:
    return message.get("metadata", {}).get("event_payload", {})


async def cards(stage: Stage, kind: str, channel: str, thread_ts: str = "", **wanted: str) -> list[Message]:
    found = await messages(stage, channel, thread_ts)
    return [
        message
        for message in found
        if message.get("metadata", {}).get("event_type") == f"watchkeeper_{kind}"
        and wanted.items() <= facts(message).items()
    ]


async def ledger(stage: Stage) -> list[dict[str, Any]]:
    async with httpx.AsyncClient() as http:
        return (await http.get(f"{stage.shop.supervisor_url}/actions")).json()["actions"]


async def pending_request(stage: Stage, text: str) -> Message:
    """Have Bob ask for an action in #ops; returns the approval card."""
    root = await stage.workspace.post("post", as_=BOB, channel=OPS, text=text)

    async def card() -> Message | None:
        return next(iter(await cards(stage, "approval", OPS, root["ts"], status="pending")), None)

    return await until(card)


async def click(stage: Stage, card: Message, user: str = ALICE) -> dict[str, Any]:
    body = {"as": user, "channel": OPS, "ts": card["ts"], "action_id": "approval.approve", "confirmed": True}
    return await stage.workspace.post("click", body)


async def ended(stage: Stage, card: Message) -> Message:
    async def look() -> Message | None:
        for message in await cards(stage, "approval", OPS, card["thread_ts"]):
            if message["ts"] == card["ts"] and facts(message)["status"] not in {"pending", "approved"}:
                return message
        return None

    return await until(look)


def kill_everything(stage: Stage) -> None:
    """End the bot's whole family at once, as a power cut does: the supervisor, both roles and Redis."""
    assert stage.bot.process is not None
    parent = psutil.Process(stage.bot.process.pid)
    for process in [*parent.children(recursive=True), parent]:
        process.kill()


async def test_the_bot_is_killed_while_a_request_waits_and_the_click_after_its_return_runs_it_once(
    stage: Stage,
) -> None:
    before = len(await ledger(stage))
    card = await pending_request(stage, "@watchkeeper scale payments to 3")
    kill_everything(stage)
    assert stage.bot.process is not None
    await stage.bot.process.wait()
    await stage.bot.start()
    await click(stage, card)
    assert facts(await ended(stage, card))["status"] == "executed"
    assert len(await ledger(stage)) == before + 1


async def test_two_clicks_at_once_run_it_once(stage: Stage) -> None:
    before = len(await ledger(stage))
    card = await pending_request(stage, "@watchkeeper scale payments to 4")
    await asyncio.gather(*(click(stage, card, user) for user in (ALICE, "U0CAROL", ALICE, ALICE)))
    assert facts(await ended(stage, card))["status"] == "executed"
    assert len(await ledger(stage)) == before + 1


async def test_a_target_without_idempotency_would_show_a_second_run(stage: Stage) -> None:
    before = len(await ledger(stage))
    token = {"Authorization": f"Bearer {stage.shop.supervisor_token}"}
    async with httpx.AsyncClient(base_url=stage.shop.supervisor_url, headers=token) as http:
        for action in ("act_twin_1", "act_twin_2"):
            body = {"action_id": action, "workers": 2, "by": "twin"}
            assert (await http.post("/services/payments/scale", json=body)).status_code == 200
    assert len(await ledger(stage)) == before + 2


async def test_each_event_delivered_four_times_is_one_run(stage: Stage) -> None:
    await stage.workspace.post("faults", duplicate=4)
    try:
        root = await stage.workspace.post("post", as_=BOB, channel=OPS, text="@watchkeeper why is checkout slow?")

        async def answered() -> list[Message] | None:
            found = await cards(stage, "report", OPS, root["ts"])
            return found if found and "cause" in facts(found[0]) else None

        await until(answered)
        deliveries = (await stage.workspace.get("deliveries"))["deliveries"]
        mention = [each for each in deliveries if each["type"] == "events_api"][-1]
        assert mention["attempts"] >= 4
        await asyncio.sleep(2)
        assert len(await cards(stage, "report", OPS, root["ts"])) == 1
    finally:
        await stage.workspace.post("faults", clear=True)


async def ask(stage: Stage, text: str, thread_ts: str = "", seen: int = 0) -> Message:
    """Have Bob ask in #ops and wait for the report number `seen` of that thread."""
    fields = {"thread_ts": thread_ts} if thread_ts else {}
    posted = await stage.workspace.post("post", as_=BOB, channel=OPS, text=text, **fields)
    root = thread_ts or posted["ts"]

    async def answer() -> Message | None:
        found = [card for card in await cards(stage, "report", OPS, root) if "cause" in facts(card)]
        return found[seen] if len(found) > seen else None

    return await until(answer)


@pytest.mark.timeout(120)
async def test_a_question_is_answered_with_links_to_evidence_and_a_follow_up_remembers(stage: Stage) -> None:
    first = await ask(stage, "@watchkeeper why is checkout slow?")
    while "watching whether it helps" in first["text"]:  # what another story did is half a minute old at most
        await asyncio.sleep(3)
        first = await ask(stage, "@watchkeeper why is checkout slow?")
    assert "checkout" in first["text"]
    links = [part for part in str(first["blocks"]).split("'") if "/timeline/" in part or "/incidents/" in part]
    assert links
    async with httpx.AsyncClient() as http:
        page = await http.get(links[0].split("#")[0])
    assert page.status_code == 200
    assert "E1" in page.text
    second = await ask(stage, "and since when?", first["thread_ts"], seen=1)
    assert "checkout" in second["text"]


async def test_a_model_answers_and_remembers_too() -> None:
    asked: list[Request] = []

    def mind(request: Request) -> Reply:
        asked.append(request)
        if not any(message["role"] == "tool" for message in request["messages"]):
            return Reply(calls=[("service_status", {"service": "checkout"})])
        return conclude("checkout waits for payments, as E1 shows.")

    async with openai_server(mind) as model:
        extra = {"OPENAI_MODEL": "scripted", "OPENAI_BASE_URL": model.url, "OPENAI_API_KEY": "sk-not-a-real-key-1f3"}
        async with open_stage(port=0, say=lambda text: None, extra=extra) as stage:
            first = await ask(stage, "@watchkeeper why is checkout slow?")
            assert facts(first)["mind"] == "scripted"
            assert "checkout waits for payments" in str(first["blocks"])
            await ask(stage, "since when?", first["thread_ts"], seen=1)
    assert "why is checkout slow" in str(asked[-1]["messages"])
    assert "checkout waits for payments" in str(asked[-1]["messages"])


async def test_an_alert_delivered_four_times_is_one_incident(stage: Stage) -> None:
    payload = {
        "version": "4",
        "status": "firing",
        "receiver": "bot",
        "groupKey": "{}",
        "alerts": [
            {
                "status": "firing",
                "fingerprint": "fourtimes",
                "labels": {"alertname": "DiskAlmostFull", "service": "front", "env": "prod", "severity": "warning"},
                "annotations": {"summary": "delivered four times"},
                "startsAt": "2026-11-22T10:00:00Z",
                "endsAt": "0001-01-01T00:00:00Z",
            }
        ],
    }
    token = {"Authorization": f"Bearer {stage.bot.environment['ALERTS_TOKEN']}"}
    async with httpx.AsyncClient(base_url=stage.bot.url, headers=token) as http:
        answers = await asyncio.gather(*(http.post("/webhooks/alertmanager", json=payload) for _ in range(4)))
    assert {answer.status_code for answer in answers} <= {200, 202}

    async def card() -> Message | None:
        return next((m for m in await messages(stage, INCIDENTS) if "delivered four times" in m["text"]), None)

    await until(card)
    await asyncio.sleep(1)
    assert sum("delivered four times" in message["text"] for message in await messages(stage, INCIDENTS)) == 1
