"""A person's word given ahead: calls of this very shape, in one service of one environment, so often and so long."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictFloat, StrictInt, model_validator

from core.risk import Risk
from core.tool_call import Plan, canonical_json

MOST_USES = 100
_MOST_VALUES = 20

Number = StrictInt | Annotated[StrictFloat, Field(allow_inf_nan=False)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OneOf(_Frozen):
    """One of these values and of their very types: 1 is neither `true` nor 1.0. A single value is the common case."""

    values: tuple[JsonValue, ...] = Field(min_length=1, max_length=_MOST_VALUES)

    def misfit(self, value: JsonValue) -> str:
        """Return why the value is none of these, or an empty text."""
        if canonical_json(value) in [canonical_json(each) for each in self.values]:
            return ""
        return f"is {_said(value)}, not {self}"

    def __str__(self) -> str:
        return " or ".join(_said(each) for each in self.values)


class Between(_Frozen):
    """A number from `low` to `high`, both included; whole where both are."""

    low: Number
    high: Number

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.low >= self.high:
            raise ValueError("a range goes from a lower number to a higher one")
        return self

    def misfit(self, value: JsonValue) -> str:
        """Return why the value is out of the range, or an empty text."""
        whole = isinstance(self.low, int) and isinstance(self.high, int)
        number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
        if number and self.low <= value <= self.high:  # pyright: ignore[reportOperatorIssue]
            return ""
        return f"is {_said(value)}, not {self}"

    def __str__(self) -> str:
        return f"{self.low} to {self.high}"


Shape = OneOf | Between
GrantEnd = Literal["revoked", "expired"]


class StandingGrant(_Frozen):
    """A snapshot of one grant; all but `used` and the last three never change and are under `digest`.

    It counts as the vote of `by` on what matches it, `uses` times, before `expires_at`; nothing in it is a pattern."""

    id: str
    tool: str
    tool_version: str
    risk: Risk
    env: str = Field(min_length=1)
    service: str = Field(min_length=1)
    beneficiary: str
    args: dict[str, Shape]
    uses: int = Field(ge=1, le=MOST_USES)
    created_at: datetime
    expires_at: datetime
    by: str
    reason: str
    given_on: str
    """The request that it was made from."""
    policy_sha256: str
    digest: str = ""
    used: int = 0
    ended_at: datetime | None = None
    ended_as: GrantEnd | None = None
    ended_by: str = ""

    def sealed(self) -> "StandingGrant":
        """Return it with the digest of what it says."""
        return self.model_copy(update={"digest": self.true_digest})

    @property
    def true_digest(self) -> str:
        """The sha256 (hex) over everything that decides what it lets through."""
        fields = self.model_dump(mode="json", exclude={"digest", "used", "ended_at", "ended_as", "ended_by"})
        moments = {name: getattr(self, name).timestamp() for name in ("created_at", "expires_at")}
        return hashlib.sha256(canonical_json(fields | moments)).hexdigest()

    def misfit(self, plan: Plan) -> str:
        """Return the first difference of a plan to this shape, as words; empty when it fits."""
        return next((fault for fault in self._faults(plan) if fault), "")

    def _faults(self, plan: Plan) -> Iterator[str]:
        own = (self.tool, self.env, self.service, self.risk.value, self.beneficiary, self.tool_version)
        its = (plan.call.name, plan.env, plan.service, plan.risk.value, plan.beneficiary, plan.tool_version)
        names = ("tool", "environment", "service", "risk", "beneficiary", "version of the tool")
        for name, value, wanted in zip(names, its, own, strict=True):
            yield f"the {name} is {value or 'nobody'}, not {wanted or 'nobody'}" if value != wanted else ""
        if unlike := sorted(self.args.keys() ^ plan.call.args.keys()):
            yield f"it has other arguments ({', '.join(unlike)})"
        for name, shape in self.args.items():
            if name in plan.call.args and (fault := shape.misfit(plan.call.args[name])):
                yield f"{name} {fault}"

    def why_over(self, now: datetime) -> str:
        """Return why it lets nothing through any more, or an empty text."""
        if self.ended_as == "revoked":
            return f"it was revoked by <@{self.ended_by}>"
        if self.ended_at is not None or now >= self.expires_at:
            return "its time is over"
        return ""


def _said(value: JsonValue) -> str:
    return canonical_json(value).decode()
