"""What every implementation of core.ports.Effects does."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from core.approval import NOTHING_RAN, ApprovalRequest, ApprovalStatus
from core.audit import AuditEvent
from core.effect import Effect, EffectStatus
from core.errors import NoDataError
from core.ports import Effects
from tests.contracts.conftest import Stores
from tests.fakes.clock import START
from tests.fakes.examples import a_request, an_audit_event, an_effect

DONE_AT = START + timedelta(seconds=9)
INTENDED, DONE = an_audit_event(kind="EffectIntended"), an_audit_event(kind="EffectDone", at=DONE_AT)
# No database keeps it: a history that cannot be written.
UNWRITABLE = an_audit_event(at=START.replace(tzinfo=None))


async def approved(stores: Stores, status: ApprovalStatus = ApprovalStatus.APPROVED) -> ApprovalRequest:
    """Return a request that was decided like this and may be carried out for five minutes."""
    row = await stores.approvals.create(a_request())
    until = START + timedelta(minutes=5)
    assert await stores.approvals.claim(row.id, digest=row.digest, status=status, now=START, execute_by=until)
    return row


async def test_of_twenty_intents_of_one_action_one_is_written(stores: Stores) -> None:
    effect = an_effect(await approved(stores))
    copies = [effect.model_copy(update={"text": str(number)}) for number in range(20)]
    written = await asyncio.gather(*(stores.effects.intend(copy, INTENDED) for copy in copies))
    assert written.count(True) == 1
    assert await stores.effects.load(effect.action_id) == copies[written.index(True)]
    assert list(await stores.audit.of_subject("apr_1")) == [INTENDED]


async def test_the_outcome_is_written_beside_the_intent_once(stores: Stores) -> None:
    effect = an_effect(await approved(stores))
    await stores.effects.intend(effect, INTENDED)
    outcome = {"text": "restarted", "data": {"pid": 7, "was": [1, None]}, "now": DONE_AT, "event": DONE}
    assert await stores.effects.conclude(effect.action_id, status=EffectStatus.DONE, **outcome)  # type: ignore[arg-type]
    late = {"text": "", "data": None, "now": DONE_AT, "event": an_audit_event(kind="EffectFailed")}
    assert not await stores.effects.conclude(effect.action_id, status=EffectStatus.FAILED, **late)  # type: ignore[arg-type]
    row = await stores.effects.load(effect.action_id)
    assert row is not None
    assert (row.status, row.text, row.data) == (EffectStatus.DONE, "restarted", {"pid": 7, "was": [1, None]})
    assert (row.intent_at, row.outcome_at) == (START, DONE_AT)
    assert not await stores.effects.intend(effect, INTENDED)
    assert list(await stores.audit.of_subject("apr_1")) == [INTENDED, DONE]


async def test_an_action_that_is_not_there_has_no_outcome(stores: Stores) -> None:
    assert await stores.effects.load("act_none") is None
    with pytest.raises(NoDataError):
        await stores.effects.conclude("act_none", status=EffectStatus.DONE, text="", data=None, now=DONE_AT, event=DONE)


async def test_without_history_there_is_neither_intent_nor_outcome(stores: Stores) -> None:
    effect = an_effect(await approved(stores))
    with pytest.raises(ValueError, match="time zone"):
        await stores.effects.intend(effect, UNWRITABLE)
    assert await stores.effects.load(effect.action_id) is None
    assert await stores.effects.intend(effect, INTENDED)
    outcome = {"text": "", "data": None, "now": DONE_AT, "event": UNWRITABLE}
    with pytest.raises(ValueError, match="time zone"):
        await stores.effects.conclude(effect.action_id, status=EffectStatus.DONE, **outcome)  # type: ignore[arg-type]
    assert await stores.effects.load(effect.action_id) == effect
    assert list(await stores.audit.of_subject("apr_1")) == [INTENDED]


async def test_an_intent_without_an_outcome_is_found_once_it_is_old_enough(stores: Stores) -> None:
    rows = [await approved(stores) for _ in range(3)]
    for minutes, row in enumerate(rows):
        await stores.effects.intend(an_effect(row, intent_at=START + timedelta(minutes=minutes)), INTENDED)
    found = await stores.effects.unsettled(START + timedelta(minutes=2))
    assert [effect.approval_id for effect in found] == [rows[0].id, rows[1].id]
    outcome = {"text": "", "data": None, "now": DONE_AT, "event": DONE}
    await stores.effects.conclude(rows[0].action_id, status=EffectStatus.UNKNOWN, **outcome)  # type: ignore[arg-type]
    found = await stores.effects.unsettled(START + timedelta(minutes=2))
    assert [effect.approval_id for effect in found] == [rows[1].id]


async def test_nothing_is_intended_for_what_is_not_approved_or_has_run_out(stores: Stores) -> None:
    waiting = await stores.approvals.create(a_request())
    rejected, late, ended = (
        await approved(stores, ApprovalStatus.REJECTED),
        await approved(stores),
        await approved(stores),
    )
    assert await stores.approvals.finish(ended.id, status=ApprovalStatus.RAN_OUT, text="", now=START)
    over = START + timedelta(minutes=5)
    for effect in (an_effect(waiting), an_effect(rejected), an_effect(late, intent_at=over), an_effect(ended)):
        assert not await stores.effects.intend(effect, INTENDED)
        assert await stores.effects.load(effect.action_id) is None
    assert list(await stores.audit.of_subject("apr_1")) == []
    assert await stores.effects.intend(an_effect(late, intent_at=over - timedelta(seconds=1)), INTENDED)


@pytest.mark.parametrize("end", sorted({*NOTHING_RAN, ApprovalStatus.UNKNOWN, ApprovalStatus.FAILED}))
async def test_what_was_begun_does_not_end_as_if_it_had_not(stores: Stores, end: ApprovalStatus) -> None:
    row = await approved(stores)
    await stores.effects.intend(an_effect(row), INTENDED)
    assert not await stores.approvals.finish(row.id, status=end, text="", now=START)
    assert (await stores.approvals.load(row.id)).status is ApprovalStatus.APPROVED
    outcome = {"text": "", "data": None, "now": DONE_AT, "event": DONE}
    await stores.effects.conclude(row.action_id, status=EffectStatus.FAILED, **outcome)  # type: ignore[arg-type]
    assert await stores.approvals.finish(row.id, status=end, text="", now=START)


async def test_who_knows_that_it_was_done_corrects_who_could_not_tell(stores: Stores) -> None:
    row = await approved(stores)
    await stores.effects.intend(an_effect(row), INTENDED)
    outcome = {"text": "", "data": None, "now": DONE_AT, "event": DONE}
    assert await stores.effects.conclude(row.action_id, status=EffectStatus.UNKNOWN, **outcome)  # type: ignore[arg-type]
    assert await stores.approvals.finish(row.id, status=ApprovalStatus.UNKNOWN, text="?", now=START)
    assert not await stores.approvals.finish(row.id, status=ApprovalStatus.EXECUTED, text="", now=START)
    assert not await stores.effects.conclude(row.action_id, status=EffectStatus.FAILED, **outcome)  # type: ignore[arg-type]
    for first in (True, False):
        assert await stores.effects.conclude(row.action_id, status=EffectStatus.DONE, **outcome) is first  # type: ignore[arg-type]
    assert await stores.approvals.finish(row.id, status=ApprovalStatus.EXECUTED, text="ran", now=START)
    assert (await stores.approvals.load(row.id)).outcome_text == "ran"


async def race(stores: Stores, rows: list[ApprovalRequest]) -> list[tuple[bool, bool]]:
    """Let one worker begin each request while another one ends it; return who won each."""

    async def both(row: ApprovalRequest) -> tuple[bool, bool]:
        end = stores.approvals.finish(row.id, status=ApprovalStatus.RAN_OUT, text="Nothing ran.", now=START)
        begin = stores.effects.intend(an_effect(row), INTENDED)
        if rows.index(row) % 2:
            ended, begun = await asyncio.gather(end, begin)
        else:
            begun, ended = await asyncio.gather(begin, end)
        return begun, ended

    return [await both(row) for row in rows]


async def test_of_an_intent_and_an_end_that_says_nothing_ran_one_wins(stores: Stores) -> None:
    rows = [await approved(stores) for _ in range(20)]
    won = await race(stores, rows)
    assert {begun is not ended for begun, ended in won} == {True}
    assert set(won) == {(True, False), (False, True)}, "a race with one runner proves nothing"


async def test_an_intent_that_does_not_ask_the_request_has_both_win(stores: Stores) -> None:
    class Blind:
        """Broken on purpose: looks first and writes afterwards."""

        async def intend(self, effect: Effect, event: AuditEvent) -> bool:
            approved_then = (await stores.approvals.load(effect.approval_id)).status is ApprovalStatus.APPROVED
            await asyncio.sleep(0.02)
            return approved_then

    rows = [await approved(stores) for _ in range(10)]  # on a busy machine its first look may come too late
    assert (True, True) in await race(replace(stores, effects=cast("Effects", Blind())), rows)


async def test_what_was_begun_of_late_comes_newest_first_whatever_became_of_it(stores: Stores) -> None:
    begun: list[str] = []
    for seconds in (1, 3, 2):
        at = START + timedelta(seconds=seconds)
        effect = an_effect(await approved(stores), intent_at=at)
        assert await stores.effects.intend(effect, an_audit_event(kind="EffectIntended", subject=effect.action_id))
        begun.append(effect.action_id)
    outcome = {"text": "", "data": None, "now": DONE_AT, "event": DONE}
    await stores.effects.conclude(begun[1], status=EffectStatus.DONE, **outcome)  # type: ignore[arg-type]
    late = await stores.effects.begun_since(START + timedelta(seconds=2))
    assert [effect.action_id for effect in late] == [begun[1], begun[2]]
    assert late[0].status is EffectStatus.DONE
