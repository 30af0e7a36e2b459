"""Mentions, direct messages, follow-ups, the shortcut, /ops and Home, in the local Slack workspace."""

from collections.abc import AsyncIterator

import pytest

from bot import identifiers
from core.ids import conversation_thread_id, incident_thread_id
from tests.bot.stage import ALICE, BOB, CAROL, INCIDENTS, OPS, Stage, open_listening_stage, words
from tests.fakes.examples import a_report
from tests.fakes.waiting import wait_until


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with open_listening_stage() as opened:
        yield opened


async def post(stage: Stage, text: str, events: int = 2, person: str = BOB, **where: str) -> str:
    """Post as a person and wait until the bot has dealt with that many events; a mention raises two."""
    seen = stage.dispatched
    answer = await stage.http.post("/control/post", json={"as": person, "text": text, "channel": OPS} | where)
    await wait_until(lambda: stage.dispatched >= seen + events)
    return answer.json()["ts"]


async def test_a_mention_is_acknowledged_and_becomes_one_job_in_its_own_thread(stage: Stage) -> None:
    ts = await post(stage, "@watchkeeper why is <checkout> slow & sad?")
    [job] = stage.queue.waiting
    assert (job.kind, job.key) == ("job.ask", conversation_thread_id(OPS, ts))
    assert job.body == {
        "question": "why is <checkout> slow & sad?", "requester": BOB, "channel": OPS, "thread_ts": ts, "message_ts": ts
    }  # fmt: skip
    message = (await stage.history(channel=OPS))[-1]
    assert [reaction["name"] for reaction in message["reactions"]] == ["eyes"]


async def test_a_mention_in_a_thread_is_answered_there(stage: Stage) -> None:
    root = await post(stage, "something is slow", events=1)
    await post(stage, "@watchkeeper what?", thread_ts=root)
    assert stage.queue.waiting[0].body["thread_ts"] == root


async def test_a_follow_up_in_an_incident_thread_needs_no_mention(stage: Stage) -> None:
    incident = await stage.incidents.load(await stage.an_incident())
    await post(stage, "since when?", events=1, channel=INCIDENTS, thread_ts=incident.thread_ts)
    [job] = stage.queue.waiting
    assert (job.key, job.body["question"]) == (incident_thread_id(incident.id), "since when?")


async def test_a_follow_up_in_an_answered_conversation_needs_no_mention(stage: Stage) -> None:
    root = await post(stage, "hello", events=1)
    await post(stage, "is it still slow?", events=1, thread_ts=root)
    assert stage.queue.waiting == []
    await stage.reports.save(a_report(thread_id=conversation_thread_id(OPS, root), incident_id=None))
    await post(stage, "and now?", events=1, thread_ts=root)
    assert [job.body["question"] for job in stage.queue.waiting] == ["and now?"]


async def test_people_talking_to_each_other_are_left_alone(stage: Stage) -> None:
    incident = await stage.incidents.load(await stage.an_incident())
    await post(stage, "@alice have a look", events=1, channel=INCIDENTS, thread_ts=incident.thread_ts)
    await post(stage, "good morning", events=1)
    assert stage.queue.waiting == []


async def test_an_event_that_comes_twice_is_one_job(stage: Stage) -> None:
    await stage.http.post("/control/faults", json={"duplicate": 2})
    await post(stage, "@watchkeeper why?", events=4)
    assert len(stage.queue.waiting) == 1


async def test_a_direct_message_needs_no_mention(stage: Stage) -> None:
    ts = await post(stage, "what is broken?", events=1, channel="U0WATCH")
    await wait_until(lambda: stage.queue.waiting)
    [job] = stage.queue.waiting
    assert (job.body["question"], job.body["thread_ts"]) == ("what is broken?", ts)


async def test_a_mention_without_words_is_told_what_to_say(stage: Stage) -> None:
    ts = await post(stage, "@watchkeeper")
    assert "Ask me something" in (await stage.whispers(BOB, OPS, ts))[0]
    assert stage.queue.waiting == []


async def test_a_workspace_without_reactions_still_gets_an_answer(stage: Stage) -> None:
    await stage.http.post("/control/faults", json={"method": {"name": "reactions.add", "error": "unknown_method"}})
    await post(stage, "@watchkeeper why?")
    assert len(stage.queue.waiting) == 1


async def test_the_shortcut_asks_about_the_message_and_its_attachments(stage: Stage) -> None:
    alert = {"title": "[FIRING:1] HighErrorRate", "text": "checkout &lt;prod&gt;", "fallback": "x"}
    given = {"channel": OPS, "username": "Grafana", "attachments": [alert]}
    ts = (await stage.http.post("/control/bot_post", json=given)).json()["ts"]
    what = {"callback_id": identifiers.INVESTIGATE_SHORTCUT, "channel": OPS, "ts": ts}
    await stage.act("shortcut", **{"as": BOB}, **what)
    await wait_until(lambda: stage.queue.waiting)
    [job] = stage.queue.waiting
    assert "HighErrorRate" in str(job.body["question"])
    assert "<prod>" in str(job.body["question"])
    assert (job.body["requester"], job.body["thread_ts"]) == (BOB, ts)


async def ops(stage: Stage, text: str, person: str = ALICE) -> str:
    """Run /ops and return what that person, and nobody else, was told."""
    before = len(await stage.whispers(person, OPS))
    await stage.act("slash", **{"as": person}, channel=OPS, command="/ops", text=text)
    said = await stage.whispers(person, OPS)
    assert len(said) == before + 1
    assert await stage.whispers(CAROL, OPS) == []
    return said[-1]


async def test_ops_answers_reads_privately(stage: Stage) -> None:
    request = await stage.a_card(requester=BOB)
    for text in ("", "help"):
        assert "/ops ask why is checkout slow?" in await ops(stage, text)
    assert "1 open incident" in await ops(stage, "status")
    assert "1 for you" in await ops(stage, "status")
    assert "checkout answers with errors" in await ops(stage, "INCIDENTS")
    assert f"/archives/{INCIDENTS}/p{request.card_ts.replace('.', '')}" in await ops(stage, "approvals")
    assert "For you" in await ops(stage, "approvals")
    assert "For others" in await ops(stage, "approvals", person=BOB)


async def test_an_unknown_verb_is_answered_with_the_nearest(stage: Stage) -> None:
    assert "Did you mean `/ops approvals`?" in await ops(stage, "aprovals")
    assert "See `/ops help`" in await ops(stage, "xyzzy <!channel>")


async def test_a_wish_after_ops_is_sent_to_a_mention(stage: Stage) -> None:
    assert "`@watchkeeper restart checkout`" in await ops(stage, "restart checkout")


async def test_help_says_who_may_decide_as_the_policy_has_it(stage: Stage) -> None:
    assert "You may decide requests of your groups." in await ops(stage, "help")
    assert "You may ask, but not decide requests." in await ops(stage, "help", person=BOB)


async def test_ops_ask_is_visible_and_answered_in_its_thread(stage: Stage) -> None:
    await stage.act("slash", **{"as": ALICE}, channel=OPS, command="/ops", text="ask why is <!here> checkout slow?")
    root = (await stage.history(channel=OPS))[-1]
    assert "asks" in words(root)
    assert "checkout slow" in words(root)
    assert "<!here>" not in root["text"]
    [job] = stage.queue.waiting
    assert (job.body["thread_ts"], job.body["requester"]) == (root["ts"], ALICE)


async def test_home_shows_first_what_waits_for_the_one_who_looks(stage: Stage) -> None:
    await stage.a_card(requester=BOB)
    for person, mine in ((ALICE, 1), (BOB, 0)):
        await stage.act("home_open", **{"as": person}, app_id="A0WATCH", tab="home")
        homes = (await stage.http.get("/control/view", params={"as": person})).json()["homes"]
        assert f"Waiting for you ({mine})" in words(homes["A0WATCH"])
        assert "Open incidents (1)" in words(homes["A0WATCH"])
