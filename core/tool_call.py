"""A proposed call, the plan that code makes of it, and the digest that an approval is bound to."""

import hashlib
import json
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from core.requirement import Requirement
from core.risk import Risk
from core.series import Series


class ToolCall(BaseModel):
    """A tool's name and its arguments, as somebody proposed them."""

    model_config = ConfigDict(frozen=True)

    name: str
    args: dict[str, JsonValue]


class ToolResult(BaseModel):
    """What a tool gave: `text` is for people and the model, `data` is the bounded JSON behind it."""

    model_config = ConfigDict(frozen=True)

    status: Literal["ok", "no_data", "failed", "refused", "unknown"]
    text: str
    data: JsonValue = None
    series: tuple[Series, ...] = ()


class Plan(BaseModel):
    """What exactly would run, worked out by code from the tool's spec; nothing in it comes from a model but `call`.

    `beneficiary` is the Slack user whom the action is for (who gets access, say), or empty; `then` are the steps that
    come after this one, in their order, each without a `then` of its own."""

    model_config = ConfigDict(frozen=True)

    call: ToolCall
    risk: Risk
    env: str
    service: str
    diff: str = ""
    blast_radius: str = ""
    precondition: dict[str, JsonValue]
    rollback: ToolCall | None = None
    beneficiary: str = ""
    tool_version: str = "1"
    then: tuple["Plan", ...] = ()

    @property
    def beneficiaries(self) -> frozenset[str]:
        """Whom any of its steps is for."""
        return frozenset(step.beneficiary for step in (self, *self.then) if step.beneficiary)

    @property
    def targets(self) -> tuple[str, ...]:
        """The services that its steps change, each once, in order."""
        return tuple(dict.fromkeys(step.service for step in (self, *self.then)))


def canonical_json(value: JsonValue) -> bytes:
    """Return the one byte form of a JSON value: sorted keys, no spaces, no NaN, UTF-8 with surrogates escaped."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def plan_digest(plan: Plan, *, requester: str, requirement: Requirement) -> str:
    """Return the args digest: sha256 (hex) over all that decides what runs, where, for whom, and who may approve it, of
    every step in order."""
    fields = _bound(plan) | {"requester": requester} | requirement.bound()
    # Left out of a plan of one step, whose digests are older than plans of several.
    more: dict[str, JsonValue] = {"then": [_bound(step) for step in plan.then]} if plan.then else {}
    return hashlib.sha256(canonical_json(fields | more)).hexdigest()


def _bound(plan: Plan) -> dict[str, JsonValue]:
    return {
        "tool": plan.call.name,
        "tool_version": plan.tool_version,
        "args": plan.call.args,
        "risk": plan.risk.value,
        "env": plan.env,
        "service": plan.service,
        "beneficiary": plan.beneficiary,
        "precondition": plan.precondition,
        "rollback": None if plan.rollback is None else {"tool": plan.rollback.name, "args": plan.rollback.args},
    }
