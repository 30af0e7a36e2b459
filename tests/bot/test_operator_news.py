"""What operators have to know is told where they are: a refused policy, an emptied Redis, a bot that only reads."""

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from datetime import datetime
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from bot.cards.operators import Operators
from bot.policy_news import PolicyNews
from bot.redis_loss import RedisLoss
from bot.web.health import health_routes
from bot.web.site import build_site
from core.dead_letter import DeadLetter
from core.errors import TransientError
from tests.bot.stage import ALICE, INCIDENTS, Stage, open_listening_stage, words
from tests.bot.test_freeze import home, ops
from tests.bot.test_live_policy import GOOD, Edited
from tests.fakes.approvals import InMemoryApprovals
from tests.fakes.audit import InMemoryAudit
from tests.fakes.cards import RecordingCards
from tests.fakes.clock import START, FakeClock
from tests.fakes.examples import a_request


class Channel:
    """What operators were told, by its key; `is_away` while nobody can be."""

    def __init__(self) -> None:
        self.said: dict[str, str] = {}
        self.is_away = False

    async def tell(self, text: str, key: str) -> None:
        if self.is_away:
            raise TransientError("Slack is away")
        self.said.setdefault(key, text)

    @property
    def texts(self) -> list[str]:
        return list(self.said.values())


# The policy.


@pytest.fixture
def edited(tmp_path: Path) -> Edited:
    return Edited(tmp_path / "policy.yaml")


async def test_a_refused_policy_is_told_once_and_so_is_that_it_is_mended(edited: Edited) -> None:
    channel = Channel()
    workers = [PolicyNews(edited.live, channel.tell) for _ in range(2)]
    for text, count, words_ in [
        (GOOD, 0, ""),
        ("rules: [", 1, "⚠️ The policy file was refused, so the policy before it stays in force: POLICY_FILE"),
        (GOOD, 2, "✅ The policy file is whole again"),
        ("rules: [", 3, "⚠️"),
        (GOOD.replace("first", "other"), 4, "✅"),
    ]:
        edited.write(text)
        for _ in range(3):
            for worker in workers:
                await worker.tick()
        assert len(channel.texts) == count
        assert not count or channel.texts[-1].startswith(words_)
    assert workers[0].note() == ""
    assert edited.audit.kinds.count("PolicyMended") == 2


async def test_what_slack_did_not_take_is_told_later_and_after_a_restart(edited: Edited) -> None:
    channel = Channel()
    news = PolicyNews(edited.live, channel.tell)
    edited.write("rules: [")
    channel.is_away = True
    with pytest.raises(TransientError):
        await news.tick()
    channel.is_away = False
    await news.tick()
    assert "the policy file was refused" in news.note()
    assert len(channel.texts) == 1
    edited.write(GOOD)
    edited.live.fault = ""
    await PolicyNews(edited.live, channel.tell).tick()
    assert len(channel.texts) == 2


async def test_a_policy_that_is_refused_stands_in_readyz() -> None:
    async def ready() -> dict[str, bool]:
        return {"slack": True}

    async def note() -> str:
        return "host:1: the policy file was refused"

    with TestClient(build_site(health_routes(ready, notes=note)), base_url="http://127.0.0.1") as web:
        answer = web.get("/readyz")
    assert (answer.status_code, answer.json()["notes"]) == (200, "host:1: the policy file was refused")


# Redis.


class Lost:
    """A Redis that can be emptied, and rows of what had been begun."""

    def __init__(self) -> None:
        self.mark_, self.channel, self.audit = "", Channel(), InMemoryAudit()
        self.approvals = InMemoryApprovals(self.audit)
        self.begun: list[DeadLetter] = []

    def loss(self) -> RedisLoss:
        return RedisLoss(self.mark, self.queued, self, self.approvals, self.audit, self.channel.tell, FakeClock())

    async def mark(self, fresh: str) -> str:
        self.mark_ = self.mark_ or fresh
        return self.mark_

    async def queued(self, kinds: Iterable[str]) -> Collection[str]:
        return ()

    async def stranded(self, before: datetime) -> Sequence[DeadLetter]:
        return self.begun

    async def lose(
        self, stranded: Sequence[DeadLetter], queued: Collection[str], before: datetime, error: str, now: datetime
    ) -> int:
        raise AssertionError("nothing is given up so soon")


async def test_a_redis_that_was_emptied_is_told_once(edited: Edited) -> None:
    lost = Lost()
    await lost.approvals.create(a_request())
    letter = {"kind": "job.ask", "key": "", "status": "taken", "attempts": 1, "error": "", "received_at": START}
    lost.begun = [DeadLetter(id="evt_1", ended_at=None, decided_by="", event=None, **letter)]
    for _ in range(2):
        await lost.loss().tick()
    assert lost.channel.texts == [], "the first is nobody's loss, and neither is a restart"
    lost.mark_ = ""
    lost.channel.is_away = True
    loss = lost.loss()
    with pytest.raises(TransientError):
        await loss.tick()
    lost.channel.is_away = False
    for each in (loss, loss, lost.loss()):
        await each.tick()
    (text,) = lost.channel.texts
    assert "I go on with 1 open request and no decisions under way" in text
    assert "may be gone, 1 event that had been begun among it" in text
    lost.mark_ = ""
    await loss.tick()
    assert len(lost.channel.texts) == 2
    assert lost.audit.kinds == ["RedisFirstSeen", "RedisLost", "RedisLost"]


# In Slack.


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with open_listening_stage() as opened:
        yield opened


async def test_operators_are_told_in_their_channel_once(stage: Stage) -> None:
    for _ in range(2):
        await Operators(stage.client, "#incidents", stage.cards()).tell("⚠️ Redis has lost what it held.", "redis:1")
    said = [words(each) for each in await stage.history(ALICE, INCIDENTS)]
    assert sum("Redis has lost what it held" in each for each in said) == 1
    await Operators(stage.client, "#nowhere", RecordingCards()).tell("x", "y")


async def test_status_says_first_of_all_whether_anything_can_be_changed(stage: Stage) -> None:
    assert "Changes run once they are approved" in await ops(stage, "status")
    stage.unfit = "Redis has no append-only file: set appendonly yes"
    said = await ops(stage, "status")
    assert "I only read.* Redis has no append-only file: set appendonly yes" in said
    assert "`python -m bot doctor` on my machine says more" in said
    assert "Changes run" not in said
    stage.unfit, stage.notes = "", ("the policy file was refused, and the one before it stays in force: rule 3",)
    assert "⚠️ The policy file was refused" in await ops(stage, "status")
    assert "⚠️ The policy file was refused" in words(await home(stage))
    await ops(stage, "freeze on moving the database")
    said = await ops(stage, "status")
    assert "FROZEN: nothing will run" in said
    assert "`/ops freeze off` lets changes go on" in said
    assert "0 open incidents" in said
