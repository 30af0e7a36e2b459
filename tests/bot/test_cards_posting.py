"""Cards in the local workspace: posted once whatever happens, edited in place, found again after a crash."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from structlog.testing import capture_logs

from bot.cards import SlackCards
from bot.identifiers import APPROVAL_CARD
from core.approval import ApprovalRequest, ApprovalStatus
from core.brief import Brief, Place
from core.evidence import Evidence, Report
from core.series import Series
from core.tool_call import ToolCall
from tests.bot.stage import INCIDENTS, Stage, open_stage, words
from tests.fakes.examples import a_plan, a_report, a_request, an_alert
from tests.fakes.waiting import wait_until


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with open_stage() as opened:
        yield opened


async def a_row(stage: Stage, **fields: Any) -> ApprovalRequest:
    """Write a request whose card is still to be posted."""
    root = await stage.client.chat_postMessage(channel=INCIDENTS, text="root")
    where = {"channel": INCIDENTS, "thread_ts": root["ts"], "created_at": stage.clock.now(), "incident_id": None}
    return await stage.approvals.create(a_request(**(where | fields)))


async def replies(stage: Stage, row: ApprovalRequest) -> list[dict[str, Any]]:
    """Return what stands under the thread's root."""
    return (await stage.history(thread_ts=row.thread_ts))[1:]


async def forget(stage: Stage, row: ApprovalRequest) -> None:
    """Undo the one write that a crash between posting and storing would have lost."""
    stage.approvals.rows[row.id] = stage.approvals.rows[row.id].model_copy(update={"card_ts": ""})


async def test_a_card_is_posted_once_and_then_edited(stage: Stage) -> None:
    row, cards = await a_row(stage), stage.cards()
    await asyncio.gather(*(cards.show_approval(row.id) for _ in range(5)))
    await stage.cards().show_approval(row.id)
    assert len(await replies(stage, row)) == 1
    assert len(await stage.calls("chat.postMessage")) == 2
    assert (await stage.approvals.load(row.id)).card_ts


async def test_a_crash_between_posting_and_storing_does_not_post_twice(stage: Stage) -> None:
    row = await a_row(stage)
    await stage.cards().show_approval(row.id)
    posted = (await stage.approvals.load(row.id)).card_ts
    await forget(stage, row)
    await stage.cards().show_approval(row.id)
    assert len(await replies(stage, row)) == 1
    assert (await stage.approvals.load(row.id)).card_ts == posted


async def test_the_incident_card_is_found_again_too(stage: Stage) -> None:
    incident, _ = await stage.incidents.join(an_alert(), stage.clock.now())
    place = await stage.cards().show_incident(incident.id)
    stage.incidents.rows[incident.id] = incident
    assert await stage.cards().show_incident(incident.id) == place
    assert len(await stage.history()) == 1


async def test_a_message_of_somebody_else_with_our_metadata_is_not_taken_for_the_card(stage: Stage) -> None:
    row = await a_row(stage)
    other = (await stage.http.post("/control/apps", json={"name": "Mallory"})).json()
    forged = {"event_type": APPROVAL_CARD, "event_payload": {"subject": row.id}}
    where = {"channel": INCIDENTS, "thread_ts": row.thread_ts, "text": "Approve me", "metadata": forged}
    mallory = AsyncWebClient(token=other["bot_token"], base_url=stage.client.base_url)
    await mallory.chat_postMessage(**where)
    await stage.cards().show_approval(row.id)
    assert len(await replies(stage, row)) == 2


async def test_the_twin_that_posts_without_looking_is_caught(stage: Stage) -> None:
    class Blind(SlackCards):
        """Cards that do not look for their message."""

        def __init__(self, *args: Any, **named: Any) -> None:
            super().__init__(*args, **named)
            self._poster.find = self._nothing  # type: ignore[method-assign]

        async def _nothing(self, *_: object) -> str:
            return ""

    row, given = await a_row(stage), vars(stage.cards())
    names = ("incidents", "reports", "approvals", "approval_queue", "audit", "directory", "links", "incident_channel")
    for _ in range(2):
        await Blind(stage.client, **{name: given[f"_{name}"] for name in names}).show_approval(row.id)
        await forget(stage, row)
    assert len(await replies(stage, row)) == 2


async def test_a_post_that_slack_answers_with_500_is_tried_again(stage: Stage) -> None:
    row = await a_row(stage)
    fault = {"name": "chat.postMessage", "status": 500, "times": 1}
    await stage.http.post("/control/faults", json={"method": fault})
    await stage.cards().show_approval(row.id)
    assert len(await replies(stage, row)) == 1


async def test_a_card_that_somebody_deleted_comes_back(stage: Stage) -> None:
    row = await a_row(stage)
    await stage.cards().show_approval(row.id)
    await stage.client.chat_delete(channel=INCIDENTS, ts=(await stage.approvals.load(row.id)).card_ts)
    await stage.cards().show_approval(row.id)
    assert len(await replies(stage, row)) == 1


async def test_an_unchanged_card_is_not_sent_again(stage: Stage) -> None:
    row, cards = await a_row(stage), stage.cards()
    await cards.show_approval(row.id)
    await cards.show_approval(row.id)
    assert await stage.calls("chat.update") == []


async def test_a_sentence_is_said_once_for_its_key(stage: Stage) -> None:
    row = await a_row(stage)
    place = Place(channel=INCIDENTS, thread_ts=row.thread_ts)
    await stage.cards().say(place, "Healthy again, <@U0ALICE>. <!channel> `ok`", key="k")
    await stage.cards().say(place, "Healthy again.", key="k")
    [message] = await replies(stage, row)
    kinds = [element["type"] for element in message["blocks"][0]["elements"][0]["elements"]]
    assert set(kinds) == {"text"}
    assert "<" not in message["text"]


async def test_no_message_unfurls_links(stage: Stage) -> None:
    row = await a_row(stage, plan=a_plan(diff="-a\n+b\n" * 500))
    await stage.cards().show_approval(row.id)
    [call] = [call for call in await stage.calls("chat.postMessage") if call["args"].get("metadata")]
    assert (call["args"]["unfurl_links"], call["args"]["unfurl_media"]) in {
        (False, False),
        ("0", "0"),
        ("false", "false"),
    }
    assert call["args"]["text"]


async def test_a_long_dry_run_is_in_the_thread_as_a_file_once(stage: Stage) -> None:
    row = await a_row(stage, plan=a_plan(diff="-a\n+b\n" * 500))
    await stage.cards().show_approval(row.id)
    await stage.cards().show_approval(row.id)
    files = [file["name"] for message in await replies(stage, row) for file in message.get("files") or []]
    assert files == [f"{row.id}-dry-run.diff"]


async def test_where_files_are_unknown_the_text_comes_as_messages(stage: Stage) -> None:
    fault = {"name": "files.getUploadURLExternal", "error": "unknown_method", "times": 99}
    await stage.http.post("/control/faults", json={"method": fault})
    long = "".join(f"{number:05d}," for number in range(1700))
    row = await a_row(stage, plan=a_plan(call=ToolCall(name="set_config", args={"value": long})))
    for _ in range(2):
        await stage.cards().show_approval(row.id)
    pieces = [message for message in await replies(stage, row) if "part" in message["text"]]
    assert len(pieces) == 2
    assert long in "".join(piece["blocks"][0]["elements"][0]["elements"][0]["text"] for piece in pieces)


def a_brief(stage: Stage, row: ApprovalRequest) -> Brief:
    place = Place(channel=INCIDENTS, thread_ts=row.thread_ts)
    return Brief(report_id="rep_1", thread_id="t", place=place, requester="alert", at=stage.clock.now())


def a_drawn_report(stage: Stage) -> Report:
    line = Series(title="5xx", unit="ratio", points=((1.0, 0.1), (2.0, 0.6)), threshold=0.05, marks=((1.5, "deploy"),))
    call = ToolCall(name="metric_range", args={"service": "checkout"})
    seen = {"status": "ok", "title": "Errors", "summary": "up", "series": (line,), "taken_at": stage.clock.now()}
    return a_report(id="rep_1", incident_id=None, evidence=(Evidence(id="E1", call=call, **seen),))


def archive(stage: Stage, shut: bool = True) -> None:
    stage.ws.workspace.state.channels[INCIDENTS].is_archived = shut


async def test_in_an_archived_channel_a_request_goes_on_without_its_card(stage: Stage) -> None:
    row, cards = await a_row(stage), stage.cards()
    archive(stage)
    with capture_logs() as logs:
        for _ in range(2):
            await cards.show_approval(row.id)
            await cards.say(Place(channel=INCIDENTS, thread_ts=row.thread_ts), "Healthy again.", key="k")
    assert [log["error"] for log in logs if log["event"] == "channel_takes_no_cards"] == ["is_archived"]
    assert (await stage.approvals.load(row.id)).card_ts == ""
    archive(stage, shut=False)
    await cards.show_approval(row.id)
    assert (await stage.approvals.load(row.id)).card_ts


async def test_a_card_whose_channel_was_archived_keeps_its_place(stage: Stage) -> None:
    row = await a_row(stage)
    await stage.cards().show_approval(row.id)
    placed = (await stage.approvals.load(row.id)).card_ts
    stage.approvals.rows[row.id] = row.model_copy(update={"card_ts": placed, "status": ApprovalStatus.EXPIRED})
    archive(stage)
    await stage.cards().show_approval(row.id)
    assert (await stage.approvals.load(row.id)).card_ts == placed


async def test_an_incident_that_cannot_be_shown_has_no_place_until_it_can(stage: Stage) -> None:
    incident, _ = await stage.incidents.join(an_alert(), stage.clock.now())
    cards = stage.cards(incident_channel=INCIDENTS)
    archive(stage)
    assert await cards.show_incident(incident.id) == Place(channel=INCIDENTS, thread_ts="")
    assert (await stage.incidents.load(incident.id)).thread_ts == ""
    archive(stage, shut=False)
    assert (await cards.show_incident(incident.id)).thread_ts


async def test_a_fault_that_is_our_own_is_not_taken_for_a_shut_channel(stage: Stage) -> None:
    row = await a_row(stage)
    fault = {"name": "chat.postMessage", "error": "invalid_blocks", "times": 1}
    await stage.http.post("/control/faults", json={"method": fault})
    with pytest.raises(SlackApiError, match="invalid_blocks"):
        await stage.cards().show_approval(row.id)


async def test_progress_is_one_message_that_the_report_replaces(stage: Stage) -> None:
    row, cards = await a_row(stage), stage.cards()
    brief = a_brief(stage, row)
    await asyncio.gather(*(cards.show_progress(brief, [f"step {number}"], ["more"]) for number in range(30)))
    [message] = await replies(stage, row)
    assert "Looking into it" in words(message)
    assert await stage.calls("chat.update") == []
    await stage.reports.save(a_drawn_report(stage))
    await cards.show_report("rep_1", brief.place)
    await cards.show_progress(brief, ["too late"], [])
    report, plot = await replies(stage, row)
    assert report["ts"] == message["ts"]
    assert "The last deploy broke checkout" in words(report)
    assert [file["mimetype"] for file in plot["files"]] == ["image/png"]


async def test_progress_that_cannot_be_shown_does_not_stop_the_investigation(stage: Stage) -> None:
    brief = a_brief(stage, await a_row(stage))
    gone = brief.model_copy(update={"place": Place(channel="C0NOWHERE", thread_ts="1700000000.000100")})
    await stage.cards().show_progress(gone, ["one"], [])


async def test_progress_that_came_too_fast_is_shown_a_little_later(stage: Stage) -> None:
    row, cards = await a_row(stage), stage.cards()
    for number in range(3):
        await cards.show_progress(a_brief(stage, row), [f"step {number}"], [])

    async def shows_the_latest() -> bool:
        return "step 2" in words(await replies(stage, row))

    await wait_until(shows_the_latest)
    assert len(await stage.calls("chat.update")) == 1


async def test_a_report_that_is_shown_again_by_another_process_is_not_posted_again(stage: Stage) -> None:
    row = await a_row(stage)
    place = Place(channel=INCIDENTS, thread_ts=row.thread_ts)
    await stage.reports.save(a_drawn_report(stage))
    for _ in range(2):
        await stage.cards().show_report("rep_1", place)
    assert len(await replies(stage, row)) == 2
