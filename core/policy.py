"""Who must countersign what: rules that operators own as data, first match wins, no match is deny."""

import hashlib
import re
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from core.errors import ConfigurationError
from core.risk import Risk
from core.tool_call import Plan

_DURATION = re.compile(r"^(\d+)(s|m|h|d)$")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _duration(value: object) -> object:
    match = _DURATION.match(value) if isinstance(value, str) else None
    return timedelta(seconds=int(match[1]) * _SECONDS[match[2]]) if match else value


Duration = Annotated[timedelta, BeforeValidator(_duration), Field(gt=timedelta(0), le=timedelta(days=7))]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Match(_Strict):
    """Conditions on a plan; every given one must hold. Names are shell patterns (`restart_*`)."""

    tool: str = "*"
    risk: tuple[Risk, ...] = tuple(Risk)
    env: str = "*"
    service: str = "*"

    def covers(self, plan: Plan) -> bool:
        """True when the plan fits every condition."""
        return (
            fnmatchcase(plan.call.name, self.tool)
            and plan.risk in self.risk
            and fnmatchcase(plan.env, self.env)
            and fnmatchcase(plan.service, self.service)
        )


class Rule(_Strict):
    """One rule: what it matches and what it yields."""

    name: str = Field(min_length=1, max_length=80)
    match: Match = Match()
    effect: Literal["approve", "deny"]
    groups: tuple[str, ...] = ()
    quorum: int = Field(default=1, ge=1, le=20)
    exclude_requester: bool = True
    decide_within: Duration = timedelta(minutes=30)
    execute_within: Duration = timedelta(minutes=5)

    @model_validator(mode="after")
    def _approve_needs_groups(self) -> "Rule":
        if self.effect == "approve" and not self.groups:
            raise ValueError("a rule with effect approve must name at least one group")
        return self


class PolicyFile(_Strict):
    """The file as operators write it: groups of approvers (Slack user group ids or user ids) and ordered rules."""

    version: Literal[1]
    groups: dict[str, tuple[str, ...]]
    rules: tuple[Rule, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _groups_exist_and_can_reach_quorum(self) -> "PolicyFile":
        names = [rule.name for rule in self.rules]
        if len(set(names)) != len(names):
            raise ValueError("rule names must be unique")
        for rule in self.rules:
            missing = [group for group in rule.groups if group not in self.groups]
            if missing:
                raise ValueError(f"rule {rule.name!r} names the unknown group {missing[0]!r}")
            members = {member for group in rule.groups for member in self.groups[group]}
            only_people = not any(member.startswith("S") for member in members)
            if rule.effect == "approve" and only_people and len(members) < rule.quorum:
                raise ValueError(f"rule {rule.name!r} wants {rule.quorum} approvers but its groups hold {len(members)}")
        return self


class Requirement(_Strict):
    """What the first matching rule asks for; `members` are Slack user group ids (S...) and user ids (U..., W...)."""

    rule: str
    effect: Literal["approve", "deny"]
    groups: tuple[str, ...]
    members: tuple[str, ...]
    quorum: int
    exclude_requester: bool
    decide_within: timedelta
    execute_within: timedelta
    policy_sha256: str


class Policy:
    """A validated policy file and the hash of its bytes."""

    def __init__(self, file: PolicyFile, sha256: str) -> None:
        self._file = file
        self.sha256 = sha256

    @classmethod
    def parse(cls, raw: bytes, parsed: object) -> "Policy":
        """Validate what a YAML reader made of `raw`; raises ConfigurationError with the first fault in one line."""
        try:
            file = PolicyFile.model_validate(parsed)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "file"
            raise ConfigurationError(f"policy file: {where}: {first['msg']}") from error
        return cls(file, hashlib.sha256(raw).hexdigest())

    @property
    def longest_wait(self) -> timedelta:
        """The longest time from a request to its last possible effect, over all rules."""
        return max(rule.decide_within + rule.execute_within for rule in self._file.rules)

    @property
    def members(self) -> tuple[str, ...]:
        """Every user group id and user id that a rule which lets something through names, each once."""
        rules = (rule for rule in self._file.rules if rule.effect == "approve")
        return tuple(
            dict.fromkeys(each for rule in rules for group in rule.groups for each in self._file.groups[group])
        )

    def requirement(self, plan: Plan) -> Requirement:
        """Return what the first matching rule asks for; a plan that no rule matches is denied."""
        for rule in self._file.rules:
            if rule.match.covers(plan):
                return self._require(rule)
        return self._require(Rule(name="no rule matches", effect="deny"))

    def _require(self, rule: Rule) -> Requirement:
        members = dict.fromkeys(member for group in rule.groups for member in self._file.groups[group])
        return Requirement(
            rule=rule.name,
            effect=rule.effect,
            groups=rule.groups,
            members=tuple(members),
            quorum=rule.quorum,
            exclude_requester=rule.exclude_requester,
            decide_within=rule.decide_within,
            execute_within=rule.execute_within,
            policy_sha256=self.sha256,
        )
