"""What policy asks for before one plan may run, and whether the votes cast so far meet it."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

RuleEffect = Literal["allow", "approve", "deny"]
UndoWay = Literal["approve", "allow"]


class Requirement(BaseModel):
    """The yield of the first matching rule, written with the request and never changed.

    `members` are Slack user group ids (S...), handles (@sre) and user ids (U..., W...), in `members_of` by group;
    `seats` asks for so many people of a group, each human filling one seat; `people` are the accounts of one human.
    `digest_version` is 1 in rows that were written when their digest held no more of this than the policy's."""

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
        return self.model_copy(update={"quorum": 1, "seats": {}, "exclude_requester": False})

    def human(self, account: str) -> str:
        """Return the first account of whoever that is: two accounts of one human give the same."""
        return next((accounts[0] for accounts in self.people if account in accounts), account)

    def same_human(self, one: str, other: str) -> bool:
        """True when both accounts are one human's."""
        return self.human(one) == self.human(other)

    def is_met(self, approvers: Iterable[tuple[str, Iterable[str]]]) -> bool:
        """True when these approvals suffice; each is an account and the groups it stood in when it was counted."""
        groups_of = self._groups_of(approvers)
        return len(groups_of) >= self.quorum and not _unfilled(self._all_seats, groups_of)

    def missing(self, approvers: Iterable[tuple[str, Iterable[str]]]) -> tuple[int, dict[str, int]]:
        """Return how many more people are needed, and of those how many for each group that has seats left."""
        groups_of = self._groups_of(approvers)
        left = _unfilled(self._all_seats, groups_of)
        people = max(self.quorum - len(groups_of), len(left))
        return max(people, 0), {group: left.count(group) for group in dict.fromkeys(left)}

    @property
    def _all_seats(self) -> list[str]:
        return [group for group, count in self.seats.items() for _ in range(count)]

    def _groups_of(self, approvers: Iterable[tuple[str, Iterable[str]]]) -> Mapping[str, set[str]]:
        groups_of: dict[str, set[str]] = {}
        for account, groups in approvers:
            groups_of.setdefault(self.human(account), set()).update(groups)
        return groups_of


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
