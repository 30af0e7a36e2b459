"""What befalls an approval, written once for whoever is put through it; only effects and records are judged."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

ASKER, APPROVER, OTHER, OUTSIDER, GUEST = "U0BOB", "U0ALICE", "U0CAROL", "U0EVE", "U0GUEST"
Word = Literal["approve", "reject"]
RACES = 20


@dataclass(frozen=True)
class Click:
    """One person's word on one pause."""

    pause: Any
    person: str
    word: Word = "approve"


class Loop(Protocol):
    """A way to have people decide about `scale <service> to 5`; every verb returns when all has come to rest."""

    name: str

    async def ask(self, by: str = ASKER, service: str = "checkout", then: bool = False) -> Any:
        """Bring a fresh call to where it waits, and return what people are shown; `then` has one more follow it."""
        ...

    async def click(self, *clicks: Click, copies: int = 1) -> list[str]:
        """Deliver these clicks at once, each so many times; returns what each was told: its word, or `refused`."""
        ...

    async def edit(self, pause: Any, person: str, workers: int) -> None:
        """Change the call."""
        ...

    async def next_pause(self) -> Any:
        """Return what waits in the same thread now: the edited call, or the one that follows, to 7 workers."""
        ...

    async def restart(self) -> None:
        """End the process, and begin another over what the first has left."""
        ...

    async def arm(self, what: Literal["freeze", "tamper", "kill"]) -> None:
        """Have it happen once a person has approved: between the decision and the effect (freeze, tamper), or between
        the effect and its record (kill; another process then takes over)."""
        ...

    async def drift(self) -> None:
        """Let somebody else change the target, after people have seen what would happen to it."""
        ...

    async def tomorrow(self) -> None:
        """Let a day pass."""
        ...

    def effects(self) -> list[int]:
        """Return the targets' own ledger: the number of workers of each effect."""
        ...

    async def end(self, pause: Any) -> str:
        """Return what the record says became of it, in the words of an approval row."""
        ...


@dataclass(frozen=True)
class Seen:
    """What a row came to: whether that is right, and in words."""

    right: bool
    said: str


@dataclass(frozen=True)
class Row:
    """One thing that may befall an approval; `want` says what has to come of it."""

    title: str
    want: str
    play: Callable[[Loop], Awaitable[Seen]]


def judged(found: list[int], wanted: list[int], end: str = "", ends: tuple[str, ...] = ()) -> Seen:
    """Compare effects, and the record where it matters."""
    right = found == wanted and (not ends or end in ends)
    effects = "no effect" if not found else f"{len(found)} effect{'s' if len(found) > 1 else ''}"
    odd = f" (to {', '.join(map(str, found))})" if found and found != wanted and len(found) == len(wanted) else ""
    return Seen(right, f"{effects}{odd}{f', record: {end}' if end else ''}")


async def approved(loop: Loop) -> Seen:
    pause = await loop.ask()
    await loop.click(Click(pause, APPROVER))
    return judged(loop.effects(), [5], await loop.end(pause), ("executed",))


async def rejected(loop: Loop) -> Seen:
    pause = await loop.ask()
    await loop.click(Click(pause, APPROVER, "reject"))
    return judged(loop.effects(), [], await loop.end(pause), ("rejected",))


async def double_click(loop: Loop) -> Seen:
    twice = 0
    for _ in range(RACES):
        pause, before = await loop.ask(), len(loop.effects())
        await loop.click(Click(pause, APPROVER), Click(pause, OTHER))
        twice += len(loop.effects()) - before != 1
    return Seen(not twice, f"other than one effect in {twice} of {RACES} races")


async def both_words(loop: Loop) -> Seen:
    torn = 0
    for _ in range(RACES):
        pause, before = await loop.ask(), len(loop.effects())
        told = await loop.click(Click(pause, APPROVER), Click(pause, OTHER, "reject"))
        ran = len(loop.effects()) - before
        fitting = [["refused", "reject"], ["approve", "refused"]][min(ran, 1)]
        torn += ran > 1 or told != fitting
    return Seen(not torn, f"both were told that they had decided in {torn} of {RACES} races")


async def redelivered(loop: Loop) -> Seen:
    pause = await loop.ask()
    for _ in range(2):
        await loop.click(Click(pause, APPROVER), copies=4)
    return judged(loop.effects(), [5], await loop.end(pause), ("executed",))


async def late_copy(loop: Loop) -> Seen:
    pause = await loop.ask(then=True)
    await loop.click(Click(pause, APPROVER))
    await loop.next_pause()
    await loop.click(Click(pause, APPROVER))
    return judged(loop.effects(), [5])


async def own_request(loop: Loop) -> Seen:
    pause = await loop.ask(by=APPROVER)
    await loop.click(Click(pause, APPROVER))
    return judged(loop.effects(), [])


async def outsider(loop: Loop) -> Seen:
    pause = await loop.ask()
    await loop.click(Click(pause, OUTSIDER))
    await loop.click(Click(pause, GUEST))
    return judged(loop.effects(), [])


async def day_late(loop: Loop) -> Seen:
    pause = await loop.ask()
    await loop.tomorrow()
    await loop.click(Click(pause, APPROVER))
    return judged(loop.effects(), [], await loop.end(pause), ("expired",))


async def edited(loop: Loop) -> Seen:
    pause = await loop.ask()
    await loop.edit(pause, OTHER, 7)
    return judged(loop.effects(), [])


async def edited_then_approved(loop: Loop) -> Seen:
    pause = await loop.ask()
    await loop.edit(pause, OTHER, 7)
    await loop.click(Click(await loop.next_pause(), APPROVER))
    return judged(loop.effects(), [7])


async def one_of_two(loop: Loop) -> Seen:
    pause = await loop.ask(service="payments")
    await loop.click(Click(pause, APPROVER))
    return judged(loop.effects(), [])


async def two_of_two(loop: Loop) -> Seen:
    pause = await loop.ask(service="payments")
    await loop.click(Click(pause, APPROVER))
    await loop.click(Click(pause, OTHER))
    return judged(loop.effects(), [5], await loop.end(pause), ("executed",))


async def frozen(loop: Loop) -> Seen:
    pause = await loop.ask()
    await loop.arm("freeze")
    await loop.click(Click(pause, APPROVER))
    return judged(loop.effects(), [], await loop.end(pause), ("frozen",))


async def tampered(loop: Loop) -> Seen:
    pause = await loop.ask()
    await loop.arm("tamper")
    await loop.click(Click(pause, APPROVER))
    return judged(loop.effects(), [])


async def drifted(loop: Loop) -> Seen:
    pause = await loop.ask()
    await loop.drift()
    await loop.click(Click(pause, APPROVER))
    return judged(loop.effects(), [])


async def restarted(loop: Loop) -> Seen:
    pause = await loop.ask()
    await loop.restart()
    await loop.click(Click(pause, APPROVER))
    return judged(loop.effects(), [5], await loop.end(pause), ("executed",))


async def killed(loop: Loop) -> Seen:
    pause = await loop.ask()
    await loop.arm("kill")
    await loop.click(Click(pause, APPROVER))
    return judged(loop.effects(), [5], await loop.end(pause), ("executed", "unknown"))


ROWS = (
    Row("approved by a listed person", "one effect", approved),
    Row("rejected", "no effect", rejected),
    Row("two approve one pause at once", "one effect", double_click),
    Row("approve and reject at once", "one word counts, the other is told so", both_words),
    Row("one click delivered four times, twice", "one effect", redelivered),
    Row("a late copy of a click meets the thread's next pause", "the next call stays unapproved", late_copy),
    Row("whoever asked approves", "no effect", own_request),
    Row("an outsider and a guest approve", "no effect", outsider),
    Row("approved a day late", "no effect, expired", day_late),
    Row("somebody edits the call", "no effect until somebody else approves the new call", edited),
    Row("somebody edits, somebody else approves", "one effect, the edited one", edited_then_approved),
    Row("quorum of two, one approves", "no effect", one_of_two),
    Row("quorum of two, both approve", "one effect", two_of_two),
    Row("frozen after the approval, before the effect", "no effect", frozen),
    Row("arguments changed in the store after people looked", "no effect", tampered),
    Row("the target changed after people looked", "no effect", drifted),
    Row("restarted while it waits, then approved", "one effect", restarted),
    Row("killed between the effect and its record", "one effect, and the record tells of it", killed),
)
