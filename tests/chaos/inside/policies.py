"""The policy files that a schedule turns to, and which of them some worker may have gone by, and when."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.policy import Policy
from core.policy_rules import PolicyFile
from tests.chaos.history import Reign
from tests.chaos.inside.board import DECIDERS
from tests.chaos.inside.knobs import SERVICES

Asks = Mapping[str, tuple[int, str]]
"""By service: how many people of which user group."""

ASKS: Mapping[str, Asks] = {
    "first": {"front": (1, "S0SRE"), "checkout": (1, "S0SRE"), "payments": (2, "S0SRE")},
    "stricter": {"front": (2, "S0SRE"), "checkout": (2, "S0SRE"), "payments": (2, "S0SRE")},
    "looser": {"front": (1, "S0SRE"), "checkout": (1, "S0SRE"), "payments": (1, "S0SRE")},
    "others": {"front": (1, "S0OPS"), "checkout": (1, "S0OPS"), "payments": (2, "S0OPS")},
}


def policy_named(name: str) -> Policy:
    """Return that policy; its hash tells which one it is."""
    rules = [{"name": "front is not scaled", "match": {"tool": "scale_*", "service": "front"}, "effect": "deny"}]
    for service in SERVICES:
        count, group = ASKS[name][service]
        asked = {"effect": "approve", "groups": [group.lower()], "quorum": count}
        rules.append({"name": f"{name} {service}", "match": {"service": service}, **asked})
    groups = {group.lower(): [group] for group in DECIDERS}
    return Policy(PolicyFile.model_validate({"version": 1, "groups": groups, "rules": rules}), sha_of(name))


def sha_of(name: str) -> str:
    """Return the hash that stands for a policy's file."""
    return f"{tuple(ASKS).index(name):064x}"


@dataclass
class Reigns:
    """A policy reigns from when its file is there until no worker goes by it: those that had it have read another, and
    what they were at when they did is over."""

    all: list[Reign] = field(default_factory=list[Reign])
    _running: set[object] = field(default_factory=set[object])
    _leaving: dict[int, set[object]] = field(default_factory=dict[int, set[object]])

    def come(self, name: str, now: datetime) -> None:
        """The file is that of `name` from now on: whoever reads it goes by it."""
        number = next((number for number, each in self._open() if each.sha256 == sha_of(name)), None)
        if number is None:
            self.all.append(Reign(sha_of(name), now, asks=ASKS[name]))
        else:
            self._leaving.pop(number, None)

    def leave(self, held: Collection[str], now: datetime) -> None:
        """Living workers have read the files with the hashes `held`, and no others."""
        for number, reign in self._open():
            if reign.sha256 in held:
                self._leaving.pop(number, None)
            elif number not in self._leaving:
                self._leaving[number] = set(self._running)
        self._close(now)

    def begin(self) -> object:
        """A handler begins; returns what to hand to `end`."""
        token = object()
        self._running.add(token)
        return token

    def end(self, token: object, now: datetime) -> None:
        """A handler is over."""
        self._running.discard(token)
        for handlers in self._leaving.values():
            handlers.discard(token)
        self._close(now)

    def _open(self) -> list[tuple[int, Reign]]:
        return [(number, reign) for number, reign in enumerate(self.all) if reign.until is None]

    def _close(self, now: datetime) -> None:
        for number in [number for number, handlers in self._leaving.items() if not handlers]:
            del self._leaving[number]
            reign = self.all[number]
            self.all[number] = Reign(reign.sha256, reign.since, now, reign.asks)
