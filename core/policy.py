"""Who must countersign what: rules that operators own as data, first match wins, no match is deny."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from pydantic import JsonValue, ValidationError

from core.errors import ConfigurationError
from core.policy_rules import Asker, GrantRight, PolicyFile, Rule
from core.requirement import Requirement, strictest
from core.stepped_plan import steps_of
from core.tool_call import Plan

Condition = Callable[[Mapping[str, JsonValue]], bool]
"""A compiled `when`: given the facts of a call it says true or false; ConditionError when it can say neither."""


class ConditionError(ValueError):
    """A condition that does not compile, or has neither yes nor no for a call."""


def _no_conditions(_: str) -> Condition:
    raise ConditionError("conditions are not understood here")


class Policy:
    """A validated policy file and the hash of its bytes."""

    def __init__(self, file: PolicyFile, sha256: str, conditions: Mapping[str, Condition] | None = None) -> None:
        self._file = file
        self._conditions = conditions or {}
        self.sha256 = sha256

    @classmethod
    def parse(
        cls, raw: bytes, parsed: object, compile_condition: Callable[[str], Condition] = _no_conditions
    ) -> "Policy":
        """Validate what a YAML reader made of `raw`; raises ConfigurationError with the first fault in one line."""
        try:
            file = PolicyFile.model_validate(parsed)
        except ValidationError as error:
            raise ConfigurationError(f"policy file: {_first_fault(error, parsed)}") from error
        conditions: dict[str, Condition] = {}
        for rule in file.rules:
            if rule.match.when is not None:
                try:
                    conditions[rule.name] = compile_condition(rule.match.when)
                except ConditionError as error:
                    raise ConfigurationError(f"policy file: rule {rule.name!r}: match.when: {error}") from error
        return cls(file, hashlib.sha256(raw).hexdigest(), conditions)

    @property
    def longest_wait(self) -> timedelta:
        """The longest time from a request to its last possible effect, over all rules."""
        return max(rule.decide_within + rule.execute_within for rule in self._file.rules)

    @property
    def groups(self) -> Mapping[str, Sequence[str]]:
        """Slack ids and handles behind each group's name."""
        return self._file.groups

    @property
    def members(self) -> tuple[str, ...]:
        """Every id and handle that a rule which waits for people names, each once."""
        rules = (rule for rule in self._file.rules if rule.effect == "approve")
        return tuple(
            dict.fromkeys(each for rule in rules for group in rule.approvers for each in self._file.groups[group])
        )

    @property
    def freezers(self) -> Mapping[str, Sequence[str]]:
        """Those groups whose members may freeze and thaw."""
        return {group: self._file.groups[group] for group in self._file.freezers}

    def grant_rights(self, plan: Plan, asker: Asker) -> Sequence[GrantRight]:
        """Return who may approve such a call ahead, and within which bounds."""
        return [right for right in self._file.grants if not right.match.misfit(plan, asker)]

    def requirement(self, plan: Plan, asker: Asker | None = None) -> Requirement:
        """Return what the first matching rule asks for; a plan that no rule matches is denied, and so is one that a
        rule's condition has no answer for. Of several steps each has to be allowed; where all their rules say `whole`,
        the strictest of them hold for all at once, and else the first step's rule for the first step."""
        found = [self._alone(step, asker or Asker()) for step in steps_of(plan)]
        denied = [each for each in found if each.effect == "deny"]
        if denied or len(found) == 1:
            return (denied or found)[0]
        if all(each.steps == "whole" for each in found):
            return strictest(found)
        return found[0].model_copy(update={"steps": "each"})

    def _alone(self, plan: Plan, asker: Asker) -> Requirement:
        for rule, misfit in self.trace(plan, asker):
            if misfit is None:
                return self._require(rule)
            if isinstance(misfit, ConditionError):
                return self._require(Rule(name=f"{rule.name}: {misfit}"[:80], effect="deny"))
        return self._require(Rule(name="no rule matches", effect="deny"))

    def trace(self, plan: Plan, asker: Asker) -> Iterator[tuple[Rule, str | ConditionError | None]]:
        """Yield each rule, in order, with why it does not match; None for one that does."""
        for rule in self._file.rules:
            misfit = rule.match.misfit(plan, asker)
            condition = self._conditions.get(rule.name)
            if misfit or condition is None:
                yield rule, misfit or None
                continue
            try:
                yield rule, None if condition(_facts(plan, asker)) else f"condition is false: {rule.match.when}"
            except ConditionError as error:
                yield rule, error

    def _require(self, rule: Rule) -> Requirement:
        members_of = {group: self._file.groups[group] for group in rule.approvers}
        return Requirement(
            rule=rule.name,
            effect=rule.effect,
            groups=rule.approvers,
            members=tuple(dict.fromkeys(member for members in members_of.values() for member in members)),
            members_of=members_of,
            seats=rule.seats,
            people=self._file.people,
            quorum=rule.people,
            exclude_requester=rule.exclude_requester,
            exclude_beneficiary=rule.exclude_beneficiary,
            decide_within=rule.decide_within,
            execute_within=rule.execute_within,
            remind=rule.remind,
            second_model=rule.second_model,
            typed_confirmation=rule.typed_confirmation,
            steps=rule.steps,
            rollback=rule.rollback,
            undo=rule.undo,
            policy_sha256=self.sha256,
            digest_version=2,
        )


def _facts(plan: Plan, asker: Asker) -> dict[str, JsonValue]:
    return {
        "tool": plan.call.name,
        "args": plan.call.args,
        "risk": plan.risk.value,
        "env": plan.env,
        "service": plan.service,
        "requester": asker.id,
        "groups": [*sorted(asker.groups)],
    }


def _first_fault(error: ValidationError, parsed: Any) -> str:
    """Say the first fault in one line, with the rule's own name in place of its number."""
    first = error.errors()[0]
    where = list(first["loc"])
    said: list[str] = []
    if len(where) >= 2 and where[0] == "rules":
        try:
            said = [f"rule {parsed['rules'][where[1]]['name']!r}"]
        except (KeyError, IndexError, TypeError):
            said = [f"rule number {int(where[1]) + 1}"]
        where = where[2:]
    place = ".".join(str(part) for part in where) or ("" if said else "file")
    message = " ".join(first["msg"].removeprefix("Value error, ").split())
    return ": ".join([*said, *([place] if place else []), message])
