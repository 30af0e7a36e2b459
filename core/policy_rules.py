"""The policy file as operators write it: groups of people, and rules that each match some calls and yield something."""

import re
from datetime import timedelta
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from core.requirement import RuleEffect, UndoWay
from core.risk import Risk
from core.standing_grant import MOST_USES
from core.tool_call import Plan

ALERT = "alert"
"""The requester of what no person asked for."""

_DURATION = re.compile(r"^(\d+)(s|m|h|d)$")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SERIOUS = (Risk.DISRUPTIVE, Risk.DESTRUCTIVE)


class Asker(NamedTuple):
    """Who asked: `alert` or a Slack user id, and the names of policy's groups that they are in."""

    id: str = ALERT
    groups: frozenset[str] = frozenset()


def _duration(value: object) -> object:
    match = _DURATION.match(value) if isinstance(value, str) else None
    return timedelta(seconds=int(match[1]) * _SECONDS[match[2]]) if match else value


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    Field(gt=timedelta(0), le=timedelta(days=7)),
    WithJsonSchema({"type": "string", "pattern": _DURATION.pattern, "examples": ["90s", "30m", "2h"]}),
]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Match(_Strict):
    """Conditions on a call; every given one must hold. Names are shell patterns (`restart_*`)."""

    tool: str = Field(default="*", description="Shell pattern of the tool's name.")
    risk: tuple[Risk, ...] = Field(default=tuple(Risk), description="The tool's risk is one of these.")
    env: str = Field(default="*", description="Shell pattern of the target's environment.")
    service: str = Field(default="*", description="Shell pattern of the target's service.")
    requester: tuple[str, ...] = Field(
        default=(), description="Whoever asked is in one of these groups; `alert` is nobody's request."
    )
    when: str | None = Field(
        default=None,
        max_length=2000,
        description="A CEL expression; it sees tool, args, risk, env, service, requester and groups (the requester's).",
    )

    def misfit(self, plan: Plan, asker: Asker) -> str:
        """Return the first condition but `when` that does not hold, as words; empty when all do."""
        if not fnmatchcase(plan.call.name, self.tool):
            return f"tool is {plan.call.name}, not {self.tool}"
        if plan.risk not in self.risk:
            return f"risk is {plan.risk.value}, not {' or '.join(self.risk)}"
        if not fnmatchcase(plan.env, self.env):
            return f"env is {plan.env}, not {self.env}"
        if not fnmatchcase(plan.service, self.service):
            return f"service is {plan.service}, not {self.service}"
        if self.requester and asker.id not in self.requester and asker.groups.isdisjoint(self.requester):
            return f"{asker.id} is not in {' or '.join(self.requester)}"
        return ""


class Rule(_Strict):
    """One rule: what it matches and what it yields."""

    name: str = Field(min_length=1, max_length=80)
    match: Match = Match()
    effect: RuleEffect = Field(description="`allow` runs unasked, `approve` waits for people, `deny` never runs.")
    groups: tuple[str, ...] = Field(default=(), description="Who may approve, besides the groups that `quorum` names.")
    quorum: int | dict[str, Annotated[int, Field(ge=1, le=20)]] = Field(
        default=1, description="So many different people, or so many of each named group ({sre: 1, dba: 1})."
    )
    exclude_requester: bool = Field(default=True, description="Whoever asked may not approve.")
    exclude_beneficiary: bool = Field(default=True, description="Whom the action is for may not approve.")
    decide_within: Duration = timedelta(minutes=30)
    execute_within: Duration = timedelta(minutes=5)
    remind: tuple[Duration, ...] = Field(
        default=(),
        max_length=10,
        description="When to remind of an open request ([5m, 10m, 20m]): first in the thread, then the first group by "
        "direct message, then each next group; the last one as often as times are left.",
    )
    second_model: bool = Field(default=False, description="A second, independent opinion is asked for.")
    typed_confirmation: bool = Field(default=False, description="Approvers type the target's name.")
    steps: Literal["whole", "each"] = Field(
        default="each",
        description="Of a plan of several steps, `whole` asks once for all, if the rules of all steps say so (the "
        "strictest of them hold); `each` asks before every step.",
    )
    rollback: Literal["covered", "asked"] = Field(
        default="covered",
        description="When a later step fails, the steps before it are undone: `covered` by their own approval, or each "
        "`asked` for anew.",
    )
    undo: UndoWay = Field(
        default="approve",
        description="`allow`: whoever may approve undoes at once, by the Undo button, what this rule matches.",
    )

    @property
    def seats(self) -> dict[str, int]:
        """So many people of each group; empty when any will do."""
        return {} if isinstance(self.quorum, int) else self.quorum

    @property
    def people(self) -> int:
        """How many different people have to approve."""
        return self.quorum if isinstance(self.quorum, int) else sum(self.quorum.values())

    @property
    def approvers(self) -> tuple[str, ...]:
        """The groups whose members may approve."""
        return tuple(dict.fromkeys((*self.groups, *self.seats)))

    @model_validator(mode="after")
    def _is_of_one_piece(self) -> "Rule":
        if self.effect == "approve" and not self.approvers:
            raise ValueError("effect approve needs at least one group")
        if self.effect == "approve" and not 1 <= self.people <= 20:
            raise ValueError("quorum must be between 1 and 20")
        if self.remind and self.effect != "approve":
            raise ValueError("remind is for effect approve")
        if any(later <= earlier for earlier, later in pairwise(self.remind)):
            raise ValueError("remind must rise")
        if self.remind and self.remind[-1] >= self.decide_within:
            raise ValueError("remind must end before decide_within")
        if self.undo == "allow" and (self.effect != "approve" or self.second_model or self.typed_confirmation):
            raise ValueError("undo allow is for effect approve, without second_model and typed_confirmation")
        if self.effect == "allow":
            if self.match.tool == "*":
                raise ValueError("effect allow must name its tool")
            serious = [risk.value for risk in self.match.risk if risk in _SERIOUS]
            if serious:
                raise ValueError(f"effect allow must not cover {' or '.join(serious)} calls: give match.risk")
        return self


class FreezeRights(_Strict):
    """Who may stop all effects, and let them go on."""

    groups: tuple[str, ...] = Field(min_length=1, description="Their members may use `/ops freeze on` and `off`.")


class GrantRight(_Strict):
    """Who may give their approval ahead, for which calls, how often and for how long at most."""

    groups: tuple[str, ...] = Field(min_length=1, description="Their members may, where they may also approve.")
    match: Match = Field(default=Match(), description="As in a rule, but without `when`.")
    max_uses: int = Field(ge=1, le=MOST_USES, description="A grant lets at most so many requests through.")
    max_for: Annotated[Duration, Field(le=timedelta(days=1))] = Field(description="A grant ends after at most that.")

    @model_validator(mode="after")
    def _is_plain(self) -> "GrantRight":
        if self.match.when is not None:
            raise ValueError("match.when is for rules only")
        return self


class PolicyFile(_Strict):
    """The file as operators write it: groups of approvers (Slack user groups or users) and ordered rules."""

    version: Literal[1]
    groups: dict[str, tuple[Annotated[str, Field(pattern=r"^([SUW][A-Z0-9]+|@[a-z0-9._-]+)$")], ...]] = Field(
        description="Names for user group ids (S...), user group handles (@sre) and user ids (U..., W...)."
    )
    people: tuple[Annotated[tuple[str, ...], Field(min_length=2)], ...] = Field(
        default=(), description="Accounts that belong to one human, who counts once and cannot approve for herself."
    )
    freeze: FreezeRights | None = Field(default=None, description="Left out, every group that some rule asks may.")
    grants: tuple[GrantRight, ...] = Field(
        default=(), description="Who may approve ahead (`/ops grants`); left out, nobody."
    )
    rules: tuple[Rule, ...] = Field(min_length=1)

    @property
    def freezers(self) -> tuple[str, ...]:
        """The groups whose members may freeze and thaw."""
        if self.freeze is not None:
            return self.freeze.groups
        asked = (rule.approvers for rule in self.rules if rule.effect == "approve")
        return tuple(dict.fromkeys(group for groups in asked for group in groups))

    @model_validator(mode="after")
    def _names_fit_together(self) -> "PolicyFile":
        names = [rule.name for rule in self.rules]
        if len(set(names)) != len(names):
            raise ValueError("rule names must be unique")
        accounts = [account for human in self.people for account in human]
        if len(set(accounts)) != len(accounts):
            raise ValueError("an account under people belongs to one human only")
        if ALERT in self.groups:
            raise ValueError(f"a group cannot be called {ALERT}: that is whoever nobody is")
        for group in self.freeze.groups if self.freeze else ():
            if group not in self.groups:
                raise ValueError(f"freeze names the unknown group {group!r}")
        for right in self.grants:
            for group in (*right.groups, *(name for name in right.match.requester if name != ALERT)):
                if group not in self.groups:
                    raise ValueError(f"grants names the unknown group {group!r}")
        for rule in self.rules:
            self._check(rule)
        return self

    def _check(self, rule: Rule) -> None:
        for group in (*rule.approvers, *(name for name in rule.match.requester if name != ALERT)):
            if group not in self.groups:
                raise ValueError(f"rule {rule.name!r} names the unknown group {group!r}")
        if rule.effect != "approve":
            return
        wanted = [(rule.people, rule.approvers), *((count, (group,)) for group, count in rule.seats.items())]
        for count, groups in wanted:
            members = {member for group in groups for member in self.groups[group]}
            if all(member[0] in "UW" for member in members) and len(members) < count:
                raise ValueError(f"rule {rule.name!r} wants {count} approvers but its groups hold {len(members)}")
