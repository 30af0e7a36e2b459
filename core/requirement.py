"""What policy asks for before one plan may run, and whether the votes cast so far meet it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

RuleEffect = Literal["allow", "approve", "deny"]
UndoWay = Literal["approve", "allow"]


class Requirement(BaseModel):
    """The yield of the first matching rule, written with the request and never changed.

    `members` are Slack user group ids (S...), handles (@sre) and user ids (U..., W...), in `members_of` by group;
    `seats` asks for so many people of a group, each human filling one seat; `people` are the accounts of one human.
    `digest_version` is 1 in rows that were written when their digest held no more of this than the policy's.
    Of a plan of several steps, `steps` says whether one approval is for all of them, `rollback` whether it is also for
    undoing them, and each of the `parts` (the yields for its steps) has to be met as well."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: str
    effect: RuleEffect
    groups: tuple[str, ...]
    members: tuple[str, ...]
    quorum: int
    exclude_requester: bool
    decide_within: timedelta
    execute_within: timedelta
    policy_sha256: str
    exclude_beneficiary: bool = False
    members_of: dict[str, tuple[str, ...]] = {}
    seats: dict[str, int] = {}
    people: tuple[tuple[str, ...], ...] = ()
    second_model: bool = False
    typed_confirmation: bool = False
    remind: tuple[timedelta, ...] = ()
    steps: Literal["whole", "each"] = "each"
    rollback: Literal["covered", "asked"] = "covered"
    parts: tuple["Requirement", ...] = ()
    undo: UndoWay = "approve"
    digest_version: Literal[1, 2] = 1

    def bound(self) -> dict[str, JsonValue]:
        """Return what of this the request's digest holds: since version 2 all of it, but for what has its default, so
        that a later field changes no digest that stands. A default is never changed."""
        if self.digest_version == 1:
            return {"policy": self.policy_sha256}
        return {"requirement": self.model_dump(mode="json", exclude_defaults=True)}

    def for_whoever_undoes(self) -> "Requirement":
        """Return what is left where one person who may approve undoes at once."""
        parts = tuple(part.for_whoever_undoes() for part in self.parts)
        return self.model_copy(update={"quorum": 1, "seats": {}, "exclude_requester": False, "parts": parts})

    def human(self, account: str) -> str:
        """Return the first account of whoever that is: two accounts of one human give the same."""
        return next((accounts[0] for accounts in self.people if account in accounts), account)

    def same_human(self, one: str, other: str) -> bool:
        """True when both accounts are one human's."""
        return self.human(one) == self.human(other)

    def is_met(self, approvers: Iterable[tuple[str, Iterable[str]]]) -> bool:
        """True when these approvals suffice; each is an account and the groups it stood in when it was counted."""
        cast = [(account, frozenset(groups)) for account, groups in approvers]
        groups_of = self._groups_of(cast)
        met = len(groups_of) >= self.quorum and not _unfilled(self._all_seats, groups_of)
        return met and all(part.is_met(part._own(cast)) for part in self.parts)

    def missing(self, approvers: Iterable[tuple[str, Iterable[str]]]) -> tuple[int, dict[str, int]]:
        """Return how many more people are needed, and of those how many for each group that has seats left."""
        cast = [(account, frozenset(groups)) for account, groups in approvers]
        groups_of = self._groups_of(cast)
        left = _unfilled(self._all_seats, groups_of)
        people = [self.quorum - len(groups_of), len(left), *(part.missing(part._own(cast))[0] for part in self.parts)]
        return max(*people, 0), {group: left.count(group) for group in dict.fromkeys(left)}

    def _own(self, cast: Iterable[tuple[str, frozenset[str]]]) -> list[tuple[str, frozenset[str]]]:
        """Return the approvals by members of this rule's groups: of a whole plan, others have voted beside them."""
        return [(account, groups) for account, groups in cast if not groups.isdisjoint(self.groups)]

    @property
    def _all_seats(self) -> list[str]:
        return [group for group, count in self.seats.items() for _ in range(count)]

    def _groups_of(self, approvers: Iterable[tuple[str, Iterable[str]]]) -> Mapping[str, set[str]]:
        groups_of: dict[str, set[str]] = {}
        for account, groups in approvers:
            groups_of.setdefault(self.human(account), set()).update(groups)
        return groups_of


def strictest(parts: Sequence[Requirement]) -> Requirement:
    """Return what an approval of all these at once has to meet: every deny, the highest quorum, all seats, the shortest
    clocks; at least one part is given."""
    denied = next((part for part in parts if part.effect == "deny"), None)
    asked = [part for part in parts if part.effect == "approve"]
    if denied is not None or not asked:
        return denied or parts[0]
    members_of = {group: ids for part in asked for group, ids in part.members_of.items()}
    seats: dict[str, int] = {}
    for part in asked:
        alone = {part.groups[0]: part.quorum} if len(part.groups) == 1 and len(members_of) > 1 else {}
        for group, count in (part.seats or alone).items():
            seats[group] = max(count, seats.get(group, 0))
    hurried = min(asked, key=lambda part: part.decide_within)
    return hurried.model_copy(
        update={
            "rule": " + ".join(dict.fromkeys(part.rule for part in asked)),
            "groups": tuple(members_of),
            "members": tuple(dict.fromkeys(member for part in asked for member in part.members)),
            "members_of": members_of,
            "seats": seats,
            "quorum": max(sum(seats.values()), *(part.quorum for part in asked)),
            "exclude_requester": any(part.exclude_requester for part in asked),
            "exclude_beneficiary": any(part.exclude_beneficiary for part in asked),
            "execute_within": min(part.execute_within for part in parts),
            "second_model": any(part.second_model for part in asked),
            "typed_confirmation": any(part.typed_confirmation for part in asked),
            "undo": "allow" if all(part.undo == "allow" for part in parts) else "approve",
            "steps": "whole",
            "rollback": "asked" if any(part.rollback == "asked" for part in parts) else "covered",
            "parts": tuple(asked),
        }
    )


def _unfilled(seats: list[str], groups_of: Mapping[str, set[str]]) -> list[str]:
    """Return the seats that are left when as many as can be have a human of their group and nobody sits twice
    (bipartite matching by augmenting paths)."""
    sitting: dict[str, int] = {}

    def seat(number: int, asked: set[str]) -> bool:
        for human, groups in groups_of.items():
            if seats[number] in groups and human not in asked:
                asked.add(human)
                if human not in sitting or seat(sitting[human], asked):
                    sitting[human] = number
                    return True
        return False

    return [group for number, group in enumerate(seats) if not seat(number, set())]
