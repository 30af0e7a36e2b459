"""Rows 2, 3 and 6: what Slack sends again, and what is sent again long after, has happened once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import select

from bot.adapters.database.models import events
from tests.chaos.rig import APP, Message, Rig, facts, open_rig, ready, settle
from tests.fakes.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]

ANSWERED_WITHIN = 0.5


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """One rig with two workers."""
    async with open_rig(tmp_path_factory.mktemp("repeats"), workers=2) as running:
        yield running


async def runs_of(rig: Rig) -> Counter[str]:
    """Return how often each question was taken up."""
    async with rig.database.reading() as connection:
        rows = await connection.execute(select(events.c.key, events.c.attempts).where(events.c.kind == "job.ask"))
    return sum((Counter({row.key: row.attempts}) for row in rows), Counter())


async def delivered_four_times(rig: Rig, text: str) -> str:
    """Have Slack deliver one mention at once, and again after a tenth of a second, a minute and five minutes.

    The spans are shortened to what makes them differ for us: within them Redis forgets what it has seen, and one worker
    after the other is gone."""
    before = len(rig.slack.workspace.deliveries.log)
    thread = await rig.ask(text)
    await wait_until(lambda: len(rig.slack.workspace.deliveries.log) > before)
    mention = [each for each in list(rig.slack.workspace.deliveries.log)[before:] if _is_mention(each.payload, thread)]
    again = rig.slack.workspace.deliveries.redeliver
    await asyncio.sleep(0.1)
    assert await again(mention[0].id, 1)
    await rig.card(thread)
    await settle(rig)
    for worker in ("worker0", "worker1"):
        await rig.forget_events()
        rig.roles.kill(worker)
        assert await again(mention[0].id, 1)
        await wait_until(rig.roles.all_there)
    await settle(rig)
    return mention[0].id


def _is_mention(payload: Message, thread: str) -> bool:
    event = payload.get("event") or {}
    return event.get("type") == "app_mention" and event.get("ts") == thread


async def test_an_event_that_comes_four_times_is_one_run_and_each_is_answered_at_once(rig: Rig) -> None:
    event_id = await delivered_four_times(rig, "scale shop01 to 3")
    attempts = [each for each in rig.delivered if each.event_id == event_id]
    assert [each.ok for each in attempts] == [True] * 4
    assert max(each.seconds for each in attempts) < ANSWERED_WITHIN
    assert set((await runs_of(rig)).values()) == {1}
    await rig.carried_out(rig.questions[-1])


async def test_without_de_duplication_the_same_deliveries_are_several_runs(tmp_path: Path) -> None:
    async with open_rig(tmp_path, workers=2, without=("de-duplication",)) as rig:
        await delivered_four_times(rig, "scale shop01 to 3")
        assert max((await runs_of(rig)).values()) > 1


async def dropped_at_first(rig: Rig, text: str) -> str:
    """Ask while the web role is down: the only delivery that arrives is one of Slack's retries."""
    web = rig.roles.role("web")
    await rig.roles.end("web")
    thread = await rig.ask(text)
    await wait_until(lambda: any(not each.ok for each in rig.delivered))
    rig.roles.keep(web.name, web.kind)
    await ready(rig)
    return thread


async def test_a_retry_that_is_the_only_delivery_is_a_run(rig: Rig) -> None:
    thread = await dropped_at_first(rig, "scale shop02 to 3")
    await rig.carried_out(thread)
    taken = [each for each in rig.delivered if each.ok and each.attempt]
    assert taken
    assert set((await runs_of(rig)).values()) == {1}


async def test_a_bot_that_drops_retries_leaves_that_question_unanswered(tmp_path: Path) -> None:
    async with open_rig(tmp_path, without=("retries",)) as rig:
        await dropped_at_first(rig, "scale shop02 to 3")
        await wait_until(lambda: any(each.ok and each.attempt for each in rig.delivered))
        await settle(rig)
        assert any(each.invariant == "I5" for each in await rig.violations())


async def replayed(rig: Rig, service: str) -> Message:
    """Approve and let it end; restart everything, let Redis forget, and send the very click again, twice."""
    card = await rig.carried_out(await rig.ask(f"scale {service} to 3"))
    click = [each for each in rig.slack.workspace.deliveries.log if each.type == "interactive"][-1]
    for name in ("worker0", "web"):
        rig.roles.kill(name)
    await wait_until(rig.roles.all_there)
    await ready(rig)
    app = rig.slack.workspace.state.apps[APP]
    for _ in range(2):
        await rig.forget_events()
        outcome = await rig.slack.workspace.http.send(app, "interactive", click.payload, 0, "")
        assert outcome.ok
        await settle(rig)
    return card


async def test_a_click_that_is_replayed_after_a_restart_and_after_the_end_changes_nothing(rig: Rig) -> None:
    before = len(rig.target.ledger)
    card = await replayed(rig, "shop03")
    assert len(rig.target.ledger) == before + 1
    assert facts(rig.cards(card["thread_ts"])[-1])["status"] == "executed"
    assert await rig.violations() == []


async def test_a_claim_that_does_not_look_decides_the_replayed_click_anew(tmp_path: Path) -> None:
    async with open_rig(tmp_path, without=("de-duplication", "the claim's WHERE")) as rig:
        with suppress(AssertionError):  # such a system need not come to an end at all
            await replayed(rig, "shop03")
        assert {"I2", "I5"} & {each.invariant for each in await rig.violations()}
