"""One request from the question to its end, with a kill at a named point, and how long it took to recover."""

import random
from dataclasses import dataclass
from time import monotonic
from typing import Any

from tests.chaos.checker import Violation
from tests.chaos.crash_points import CrashPoint, Stage
from tests.chaos.rig import ALICE, BOB, CAROL, Message, Rig, facts, ready, settle
from tests.chaos.target import Manner
from tests.fakes.waiting import wait_until

_ENDED = (
    "executed",
    "failed",
    "unknown",
    "rolled back",
    "rejected",
    "expired",
    "superseded",
    "frozen",
    "ran out",
    "not run",
)
_MANNERS: tuple[Manner, ...] = ("answer late", "act late", "never")


@dataclass(frozen=True, slots=True)
class Told:
    """What came of one run. `effects` counts all of it (with an undo that is two); `recovery` is the seconds from the
    kill to the last sign of the run's end, `effect` those to the effect, None where that came before the kill."""

    point: str
    seed: int
    kills: int
    effects: int
    status: str
    recovery: float
    effect: float | None
    violations: tuple[Violation, ...]


class Story:
    """One run over a rig; `seed` decides which of the point's spots, and how the target behaves in a crash.

    `wish` is what is asked for, if it is to be something in particular."""

    def __init__(self, rig: Rig, point: CrashPoint, seed: int, wish: str = "") -> None:
        self._wish = wish
        self._rig = rig
        self._point = point
        self._seed = seed
        self._chance = random.Random(f"{point.name}:{seed}")
        spots = len(point.spots)
        self._mark = rig.roles.armed / f"{point.name}.{seed % spots}"
        self._service = f"shop{self._chance.randrange(len(rig.target.services)):02}"

    async def run(self) -> Told:
        """Live it to its end; AssertionError when the end does not come."""
        rig, ends, lines = self._rig, len(self._rig.roles.ends()), len(self._rig.target.ledger)
        try:
            card = await self._asked_and_approved()
            if self._point.undoes:
                await self._undone(card)
            await settle(rig)
        finally:
            self._mark.unlink(missing_ok=True)
            rig.target.manner = "at once"
        over = monotonic()
        kills = rig.roles.ends()[ends:]
        killed = kills[-1] if kills else over
        new = rig.target.ledger[lines:]
        later = [line.monotonic - killed for line in new if line.monotonic > killed]
        status = str(facts(rig.cards(card["thread_ts"])[-1])["status"])
        found = tuple(await rig.violations())
        effect = later[-1] if later else None
        return Told(self._point.name, self._seed, len(kills), len(new), status, over - killed, effect, found)

    def _arm(self, stage: Stage) -> None:
        if self._point.stage == stage:
            if self._point.name.endswith("DURING_CALL"):
                self._rig.target.manner = self._chance.choice(_MANNERS)
                self._rig.target.lag = self._chance.choice((0.2, 0.5, 1.0))
            self._mark.touch()

    async def _asked_and_approved(self) -> Message:
        rig = self._rig
        workers = rig.target.services[self._service].workers % 16 + 1
        self._arm("ask")
        thread = await rig.ask(self._wish or f"scale {self._service} to {workers}")
        card = await rig.card(thread, "pending")
        self._arm("click")
        await self._pressed(card, by=ALICE)
        return await self._over(thread, card)

    async def _undone(self, card: Message) -> None:
        rig, thread = self._rig, card["thread_ts"]
        self._arm("undo")
        await self._pressed(card, "approval.undo", by=BOB)
        second = await rig.card(thread, "pending", but=card["ts"])
        self._arm("undo click")
        await self._pressed(second, by=CAROL)
        if facts(await self._over(thread, second))["status"] == "executed":
            await rig.card(thread, "rolled back")

    async def _pressed(self, card: Message, action: str = "approval.approve", *, by: str) -> None:
        """Press it as a person does: again, when Slack says that it did not work."""

        async def press() -> bool:
            return await self._rig.click(card, action, by=by)

        await wait_until(press, 15)

    async def _over(self, thread: str, card: Message) -> Message:
        """Wait until the card says how it ended and the sentence about it stands."""
        subject = facts(card)["subject"]

        def told() -> Any:
            ended = [each for each in self._rig.cards(thread, *_ENDED) if each["ts"] == card["ts"]]
            said = {facts(each).get("subject") for each in self._rig.thread(thread, "note")}
            return ended if f"{subject}:end" in said else None

        await wait_until(told, 45)
        return told()[0]


async def recovered(rig: Rig) -> None:
    """Wait until whatever was killed is there again, so that the next run begins as the first did."""
    await wait_until(rig.roles.all_there, 5)
    await ready(rig)
