"""The steps of a schedule, drawn from its seed alone."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.chaos.inside.board import ALICE, BOB, CAROL, EVE, GUEST
from tests.chaos.inside.knobs import SERVICES
from tests.chaos.inside.policies import ASKS

STEPS = 10
"""After the first, which is somebody's request."""

Given = dict[str, Any]
_ACTIONS = ("restart checkout", "restart payments", "restart front", "scale checkout to 5", "scale payments to 4")
_WORDS = (*_ACTIONS, "scale front to 4", "why is checkout slow?", "scale payments to 2")
_SPANS = (1.0, 6.0, 40.0, 298.0, 301.0, 1799.0, 1801.0)
_DECIDERS = (ALICE, CAROL)
_PEOPLE = (*_DECIDERS * 3, BOB, EVE, GUEST)
_ASKERS = (BOB, BOB, ALICE)
_CHOICES = ("approve", "approve", "approve", "reject")
_MISCHIEF = ("turn", "ill", "freeze", "thaw", "tamper", "forge", "slow")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happens: a method of `machine.Schedule` and what it is given."""

    rule: str
    given: Given = field(default_factory=Given)

    def line(self) -> str:
        """Return it as one line, which `read_steps` reads."""
        return json.dumps({"rule": self.rule, "given": self.given})


def read_steps(text: str) -> list[Step]:
    """Return the steps that stand in a text of many lines."""
    return [Step(**json.loads(line)) for line in text.splitlines() if line.startswith('{"rule"')]


def steps_of(seed: int, only: Collection[str] = ()) -> list[Step]:
    """Return the schedule of that number; `only` names the rules that it may be made of, if not all."""
    chance = Random(seed)
    rules = [name for name in RULES if not only or name in only]
    names = [chance.choice(rules) for _ in range(STEPS)]
    begun = Step("begin", {"text": chance.choice(_ACTIONS), "person": chance.choice(_ASKERS), "times": _few(chance)})
    return [begun, *(Step(name, RULES[name](chance)) for name in names)]


def _few(chance: Random) -> int:
    return chance.randint(1, 3)


def _wait(chance: Random) -> int:
    """Draw how many calls the workers may make before the next step."""
    return chance.choice((0, 0, 2, 10, 40, 150))


def _cast(chance: Random) -> list[tuple[str, str]]:
    return [(chance.choice(_PEOPLE), chance.choice(_CHOICES)) for _ in range(_few(chance))]


def _ask(chance: Random) -> Given:
    held = chance.random() < 0.3
    words = {"text": chance.choice(_WORDS), "person": chance.choice(_ASKERS), "times": _few(chance)}
    return words | {"held": held, "wait": _wait(chance)}


def _ring(chance: Random) -> Given:
    given = {"service": chance.choice(tuple(SERVICES)), "number": _few(chance), "firing": chance.random() < 0.6}
    return given | {"times": _few(chance), "wait": _wait(chance)}


def _edit(chance: Random) -> Given:
    given = {"number": _few(chance), "person": chance.choice(_PEOPLE), "service": chance.choice(tuple(SERVICES))}
    return given | {"workers": chance.randint(3, 6), "times": _few(chance), "wait": _wait(chance)}


def _crash(chance: Random) -> Given:
    given = {"number": chance.randrange(3), "calls": chance.randint(0, 80), "after": chance.random() < 0.5}
    return given | {"wait": _wait(chance)}


def _crash_at_work(chance: Random) -> Given:
    given = {"number": chance.randrange(3), "calls": chance.randint(1, 40), "after": chance.random() < 0.5}
    return given | {"who": chance.choice(_ASKERS)}


def _number(chance: Random, **more: tuple[Any, ...]) -> Given:
    drawn = {name: chance.choice(among) for name, among in more.items()}
    return {"number": _few(chance), **drawn, "wait": _wait(chance)}


RULES: Mapping[str, Callable[[Random], Given]] = {
    "ask": _ask,
    "ring": _ring,
    "decide": lambda chance: _number(chance) | {"cast": _cast(chance), "times": _few(chance)},
    "agree": lambda chance: _number(chance, who=_DECIDERS),
    "decide_again": lambda chance: _number(chance) | {"cast": _cast(chance)},
    "edit": _edit,
    "undo": lambda chance: _number(chance, person=_PEOPLE) | {"times": _few(chance)},
    "repeat_verdict": lambda chance: {"number": _few(chance)},
    "time_passes": lambda chance: {
        "kind": chance.choice(("sweep", "sweep", "catch up", *_SPANS)),
        "wait": _wait(chance),
    },
    "turn_policy": lambda chance: {
        "name": chance.choice(tuple(ASKS)),
        "late": chance.randint(-1, 2),
        "wait": _wait(chance),
    },
    "crash": _crash,
    "crash_at_work": _crash_at_work,
    "outage": lambda chance: {
        "kind": chance.choice(("cut", "cut", "lock", "restart", "forget")),
        "seconds": chance.choice((0.005, 0.02, 0.06)),
    },
    "target_misbehaves": lambda chance: {
        "answers": [chance.choice(("lost", "unheard", "slow", "done")) for _ in range(_few(chance))]
    },
    "mischief": lambda chance: {"kind": chance.choice(_MISCHIEF), "number": _few(chance)},
}
"""Everything that may happen after the beginning, and how what it is given is drawn."""
