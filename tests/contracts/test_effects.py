"""What every implementation of core.ports.Effects does."""

import asyncio
from datetime import timedelta

import pytest

from core.effect import EffectStatus
from core.errors import NoDataError
from tests.contracts.conftest import Stores
from tests.fakes.clock import START
from tests.fakes.examples import a_request, an_effect

DONE_AT = START + timedelta(seconds=9)


async def test_of_twenty_intents_of_one_action_one_is_written(stores: Stores) -> None:
    effect = an_effect(await stores.approvals.create(a_request()))
    copies = [effect.model_copy(update={"text": str(number)}) for number in range(20)]
    written = await asyncio.gather(*(stores.effects.intend(copy) for copy in copies))
    assert written.count(True) == 1
    assert await stores.effects.load(effect.action_id) == copies[written.index(True)]


async def test_the_outcome_is_written_beside_the_intent_once(stores: Stores) -> None:
    effect = an_effect(await stores.approvals.create(a_request()))
    await stores.effects.intend(effect)
    outcome = {"text": "restarted", "data": {"pid": 7, "was": [1, None]}, "now": DONE_AT}
    await stores.effects.conclude(effect.action_id, status=EffectStatus.DONE, **outcome)  # type: ignore[arg-type]
    await stores.effects.conclude(effect.action_id, status=EffectStatus.FAILED, text="", data=None, now=DONE_AT)
    row = await stores.effects.load(effect.action_id)
    assert row is not None
    assert (row.status, row.text, row.data) == (EffectStatus.DONE, "restarted", {"pid": 7, "was": [1, None]})
    assert (row.intent_at, row.outcome_at) == (START, DONE_AT)
    assert not await stores.effects.intend(effect)


async def test_an_action_that_is_not_there_has_no_outcome(stores: Stores) -> None:
    assert await stores.effects.load("act_none") is None
    with pytest.raises(NoDataError):
        await stores.effects.conclude("act_none", status=EffectStatus.DONE, text="", data=None, now=DONE_AT)
