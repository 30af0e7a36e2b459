"""Reminders as people get them: first the thread, then the groups, each once whatever fails in between."""

import asyncio
import contextlib
from datetime import timedelta
from typing import Any

import pytest

from bot.cards.poster import Poster
from bot.cards.reminders import SlackReminders
from bot.directory import SlackDirectory
from core.approval import ApprovalRequest, ApprovalStatus, Vote
from core.services.reminders import Reminders
from core.services.settled_reminders import SettledReminders
from tests.bot.stage import ALICE, BOB, CAROL, Stage, open_stage, words
from tests.fakes.examples import a_plan, a_requirement
from tests.fakes.reminders import InMemoryReminders

TIMES = tuple(timedelta(minutes=minutes) for minutes in (5, 10, 20))
TWO_SEATS = {
    "groups": ("sre", "dba"),
    "members": ("S0SRE", BOB),
    "members_of": {"sre": ("S0SRE",), "dba": (BOB,)},
    "seats": {"sre": 1, "dba": 1},
    "quorum": 2,
    "remind": TIMES,
}


class Office:
    """A stage with one open request that policy wants people to be reminded of; `worker()` is a process of its own."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.log = InMemoryReminders(stage.approvals)

    async def open(self, **fields: Any) -> ApprovalRequest:
        self.request = await self.stage.a_card(**({"requirement": a_requirement(**TWO_SEATS)} | fields))
        return self.request

    def worker(self, nudges: SlackReminders | None = None) -> Reminders:
        directory = SlackDirectory(self.stage.client, self.stage.clock)
        own = nudges or self.nudges()
        return Reminders(self.stage.approvals, self.log, own, directory, self.stage.clock)

    def nudges(self) -> SlackReminders:
        nudges = SlackReminders(self.stage.client)
        nudges._poster = Poster(self.stage.client, pauses=(0.01,))  # pyright: ignore[reportPrivateUsage]
        return nudges

    async def after(self, minutes: int) -> None:
        self.stage.clock.advance(minutes=minutes)
        await self.worker().tick()

    async def settle(self) -> None:
        """Let a fresh process correct what it did not post itself."""
        rows, audit = self.stage.approvals, self.stage.audit
        await SettledReminders(self.log, rows, self.nudges(), audit, self.stage.clock).tick()

    async def in_thread(self) -> list[str]:
        thread = await self.stage.history(channel=self.request.channel, thread_ts=self.request.thread_ts)
        return [words(message) for message in thread if "Still waiting" in words(message)]

    async def directly(self, person: str) -> list[str]:
        opened: Any = await self.stage.client.conversations_open(users=person)
        channel = opened["channel"]["id"]
        return [words(message) for message in await self.stage.history(person, channel)]

    async def counted(self) -> int:
        return (await self.stage.approvals.load(self.request.id)).reminded


async def test_first_the_thread_then_the_first_group_then_the_next_each_once() -> None:
    async with open_stage() as stage:
        office = Office(stage)
        await office.open()
        await office.after(4)
        assert await office.in_thread() == []
        for _ in range(2):
            await office.after(1)
        assert len(await office.in_thread()) == 1
        assert "1 of sre and 1 of dba, two different people" in (await office.in_thread())[0]
        await office.after(4)
        alice = await office.directly(ALICE)
        assert len(alice) == 1
        assert "you are in sre, and this still needs 1 of sre and 1 of dba" in alice[0]
        assert office.request.card_ts.replace(".", "") in alice[0]  # the way to the card and its buttons
        assert len(await office.directly(CAROL)) == 1
        assert await office.directly(BOB) == []
        await office.after(10)
        assert "brought to dba" in (await office.directly(BOB))[0]
        await office.after(5)
        assert [len(await office.directly(person)) for person in (ALICE, CAROL, BOB)] == [1, 1, 1]
        assert [event.details["to"] for event in stage.audit.events if event.kind == "ReminderSent"] == [
            "thread", f"{ALICE}, {CAROL}", BOB,
        ]  # fmt: skip


@pytest.mark.parametrize("which", ["requester", "beneficiary", "voted"])
async def test_nobody_is_written_to_whose_word_would_not_count(which: str) -> None:
    async with open_stage() as stage:
        office = Office(stage)
        fields: dict[str, Any] = {"requester": ALICE} if which == "requester" else {}
        fields |= {"plan": a_plan(beneficiary=ALICE)} if which == "beneficiary" else {}
        needed = a_requirement(**TWO_SEATS, exclude_beneficiary=True)
        request = await office.open(requirement=needed, **fields)
        if which == "voted":
            vote = Vote(approval_id=request.id, person=ALICE, choice="approve", at=stage.clock.now(), groups=("sre",))
            await stage.approvals.vote(vote)
        await office.after(5)
        await office.after(5)
        assert await office.directly(ALICE) == []
        # Once Alice has taken the seat of sre, no other sre can help: it is dba's turn at once.
        assert (len(await office.directly(CAROL)), len(await office.directly(BOB))) == (
            (0, 1) if which == "voted" else (1, 0)
        )


async def test_two_workers_at_once_send_one_reminder() -> None:
    async with open_stage() as stage:
        office = Office(stage)
        await office.open()
        stage.clock.advance(minutes=5)
        await asyncio.gather(*(office.worker().tick() for _ in range(4)))
        assert (len(await office.in_thread()), await office.counted()) == (1, 1)


class Unheld(InMemoryReminders):
    """Broken on purpose: everybody may send, and sending is not looked at before."""

    async def take(self, approval_id: str, number: int, **_: Any) -> bool:
        return True


async def test_workers_that_do_not_ask_whose_turn_it_is_are_caught() -> None:
    async with open_stage() as stage:
        office = Office(stage)
        office.log = Unheld(stage.approvals)
        await office.open()
        stage.clock.advance(minutes=5)
        await asyncio.gather(*(office.worker().tick() for _ in range(4)))
        assert len(await office.in_thread()) > 1


@pytest.mark.parametrize(
    ("status", "text", "said"),
    [
        (ApprovalStatus.APPROVED, "", "approved"),
        (ApprovalStatus.EXPIRED, "", "not decided in time"),
        (ApprovalStatus.SUPERSEDED, "Its target has changed.", "not asked for any more"),
        (ApprovalStatus.SUPERSEDED, "Edited by <@U0CAROL>: workers 8.", "a new request that needs its own decision"),
    ],
)
async def test_once_it_is_decided_every_reminder_says_so_and_calls_nobody(
    status: ApprovalStatus, text: str, said: str
) -> None:
    async with open_stage() as stage:
        office = Office(stage)
        request = await office.open()
        await office.after(5)
        await office.after(5)
        await office.settle()
        assert "Open the card to decide" in (await office.directly(ALICE))[0], "it is open still"
        ended = {"digest": request.digest, "status": status, "now": stage.clock.now(), "execute_by": None}
        await stage.approvals.claim(request.id, **ended, text=text)
        stage.clock.advance(minutes=1)
        for _ in range(2):
            await office.settle()
        for person in (ALICE, CAROL):
            (read,) = await office.directly(person)
            assert "No longer waiting:" in read
            assert said in read
            assert "decide*" not in read
        assert await office.in_thread() == []
        assert stage.audit.kinds.count("RemindersSettled") == 1


class Dying(SlackReminders):
    """A worker that dies when its first direct message is out."""

    async def directly(self, request: ApprovalRequest, number: int, person: str, group: str) -> None:
        await super().directly(request, number, person, group)
        raise asyncio.CancelledError


async def test_a_worker_that_dies_in_between_is_followed_by_one_that_sends_the_rest() -> None:
    async with open_stage() as stage:
        office = Office(stage)
        await office.open()
        await office.after(5)
        stage.clock.advance(minutes=5)
        with pytest.raises(asyncio.CancelledError):
            await office.worker(Dying(stage.client)).tick()
        await office.after(0)  # held by the dead one still
        assert await office.directly(CAROL) == []
        await office.after(2)
        assert [len(await office.directly(person)) for person in (ALICE, CAROL)] == [1, 1]
        assert await office.counted() == 2


@pytest.mark.parametrize("fault", [{"status": 503}, {"delay": 1.0}], ids=["refused", "answered too late"])
async def test_an_outage_of_slack_delays_a_reminder_and_neither_loses_nor_doubles_it(fault: dict[str, Any]) -> None:
    async with open_stage() as stage:
        office = Office(stage)
        await office.open()
        stage.clock.advance(minutes=5)
        await stage.http.post("/control/faults", json={"method": {"name": "chat.postMessage", "times": 2, **fault}})
        stage.client.timeout = 1 if "delay" in fault else 30
        with contextlib.suppress(ExceptionGroup):
            await office.worker().tick()
        stage.client.timeout = 30
        await office.worker().tick()
        await office.worker().tick()
        assert (len(await office.in_thread()), await office.counted()) == (1, 1)


async def test_who_takes_no_messages_does_not_keep_the_next_group_from_hearing_of_it() -> None:
    async with open_stage() as stage:
        office = Office(stage)
        await office.open()
        await office.after(5)
        fault = {"name": "conversations.open", "error": "cannot_dm_bot", "times": 2}
        await stage.http.post("/control/faults", json={"method": fault})
        await office.after(5)
        await office.after(10)
        assert await office.directly(ALICE) == []
        assert len(await office.directly(BOB)) == 1


async def test_a_decision_ends_the_reminders() -> None:
    async with open_stage() as stage:
        office = Office(stage)
        request = await office.open()
        now = stage.clock.now()
        rejected = {"digest": request.digest, "status": ApprovalStatus.REJECTED, "now": now, "execute_by": None}
        assert await stage.approvals.claim(request.id, **rejected)
        await office.after(25)
        assert (await office.in_thread(), await office.directly(CAROL)) == ([], [])
