"""What every implementation of core.ports.Effects does."""

import asyncio
from datetime import timedelta

import pytest

from core.effect import EffectStatus
from core.errors import NoDataError
from tests.contracts.conftest import Stores
from tests.fakes.clock import START
from tests.fakes.examples import a_request, an_audit_event, an_effect

DONE_AT = START + timedelta(seconds=9)
INTENDED, DONE = an_audit_event(kind="EffectIntended"), an_audit_event(kind="EffectDone", at=DONE_AT)
# No database keeps it: a history that cannot be written.
UNWRITABLE = an_audit_event(at=START.replace(tzinfo=None))


async def test_of_twenty_intents_of_one_action_one_is_written(stores: Stores) -> None:
    effect = an_effect(await stores.approvals.create(a_request()))
    copies = [effect.model_copy(update={"text": str(number)}) for number in range(20)]
    written = await asyncio.gather(*(stores.effects.intend(copy, INTENDED) for copy in copies))
    assert written.count(True) == 1
    assert await stores.effects.load(effect.action_id) == copies[written.index(True)]
    assert list(await stores.audit.of_subject("apr_1")) == [INTENDED]


async def test_the_outcome_is_written_beside_the_intent_once(stores: Stores) -> None:
    effect = an_effect(await stores.approvals.create(a_request()))
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
    effect = an_effect(await stores.approvals.create(a_request()))
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
    rows = [await stores.approvals.create(a_request()) for _ in range(3)]
    for minutes, row in enumerate(rows):
        await stores.effects.intend(an_effect(row, intent_at=START + timedelta(minutes=minutes)), INTENDED)
    found = await stores.effects.unsettled(START + timedelta(minutes=2))
    assert [effect.approval_id for effect in found] == [rows[0].id, rows[1].id]
    outcome = {"text": "", "data": None, "now": DONE_AT, "event": DONE}
    await stores.effects.conclude(rows[0].action_id, status=EffectStatus.UNKNOWN, **outcome)  # type: ignore[arg-type]
    found = await stores.effects.unsettled(START + timedelta(minutes=2))
    assert [effect.approval_id for effect in found] == [rows[1].id]
