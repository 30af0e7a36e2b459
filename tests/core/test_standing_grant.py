"""Whatever a preview says would not be let through never is: grants and calls of many shapes, at the whole desk."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue, ValidationError

from core.approval import ApprovalRequest
from core.policy_rules import ALERT
from core.services.granting import GrantWish
from core.standing_grant import Between, OneOf, Shape, StandingGrant
from core.tool_call import Plan, ToolCall
from tests.fakes.examples import a_plan, a_request
from tests.fundamentals.test_countersigning import ALICE, BOB, CAROL
from tests.fundamentals.test_standing_grants import Grants

SCALARS: tuple[JsonValue, ...] = (0, 1, 2, 5, -1, 1.0, 2.5, True, False, None, "", "1", "x", "X", "х", "x ", "x\u200b")
VALUES = st.sampled_from((*SCALARS, ["x"], {"a": 1}, [], {}))
NUMBERS = st.sampled_from((-1, 0, 1, 2, 5, 0.5, 1.0, 2.5))
NAMES = st.sampled_from(("a", "b", "c"))


@st.composite
def shapes(draw: st.DrawFn, value: JsonValue) -> Shape:
    """Draw a shape that holds the value."""
    others = draw(st.lists(VALUES, max_size=3))
    if isinstance(value, int | float) and not isinstance(value, bool) and draw(st.booleans()):
        low, high = sorted((value, draw(NUMBERS)))
        if low < high:
            return Between(low=low, high=high)
    return OneOf(values=(value, *others))


def holds(shape: Shape, value: JsonValue) -> bool:
    """Say in other words than the code's whether the value is of that shape."""
    if isinstance(shape, OneOf):
        return any(type(each) is type(value) and each == value for each in shape.values)
    if type(value) not in (int, float):
        return False
    whole = type(shape.low) is int and type(shape.high) is int
    return (type(value) is int or not whole) and not (value < shape.low or value > shape.high)  # type: ignore[operator]


def fits(grant: StandingGrant, plan: Plan, requester: str) -> bool:
    same = (plan.call.name, plan.env, plan.service) == (grant.tool, grant.env, grant.service)
    names = set(plan.call.args) == set(grant.args)
    return same and names and requester != grant.by and all(holds(grant.args[n], v) for n, v in plan.call.args.items())


ARGS = st.dictionaries(NAMES, VALUES, max_size=3)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Plan, dict[str, Shape], Plan, str]:
    """Draw a plan, a shape that holds it, another plan that is often nearly the same, and who asks for that."""
    args: dict[str, JsonValue] = draw(ARGS)
    shape = {name: draw(shapes(value)) for name, value in args.items()}
    near = dict(args)
    for name in draw(st.lists(NAMES, max_size=2)):
        near[name] = draw(VALUES)
    other: dict[str, Any] = {"call": ToolCall(name="set", args=near)}
    if draw(st.integers(0, 3)) == 0:
        name = draw(st.sampled_from(("env", "service", "tool")))
        other |= {"call": ToolCall(name="unset", args=near)} if name == "tool" else {name: "other"}
    plan = a_plan(call=ToolCall(name="set", args=args))
    return plan, shape, plan.model_copy(update=other), draw(st.sampled_from((ALERT, ALICE, BOB, CAROL)))


class Careless(StandingGrant):
    """Broken on purpose: compares as Python does, to which 1, 1.0 and `True` are one."""

    def misfit(self, plan: Plan) -> str:
        named = plan.call.name == self.tool and plan.call.args.keys() == self.args.keys()
        equal = named and all(
            value in shape.values if isinstance(shape, OneOf) else shape.low <= value <= shape.high  # type: ignore[operator]
            for shape, value in ((self.args[name], value) for name, value in plan.call.args.items())
        )
        return "" if equal else "something differs"


async def let_through(
    case: tuple[Plan, dict[str, Shape], Plan, str], kind: type[StandingGrant] = StandingGrant
) -> tuple[bool, bool, bool]:
    """Return what the preview says, what the desk does and what is right."""
    plan, shape, other, requester = case
    desk = Grants()
    request = await desk.ask(plan, requester=BOB)
    wish = GrantWish(approval_id=request.id, args=shape, uses=1, lasts=timedelta(hours=1), reason="r")
    drafted = await desk.granting.draft(ALICE, wish, "V1")
    grant = await desk.granting.give(kind.model_validate(drafted.model_dump()).sealed())
    shown: ApprovalRequest = request.model_copy(update={"plan": other, "requester": requester})
    said = not desk.granting.why_not(grant, shown)
    asked = await desk.ask(other, requester=requester)
    return said, bool(asked.votes), fits(grant, other, requester)


@given(cases())
@settings(max_examples=200, deadline=None)
def test_the_preview_and_the_desk_and_the_truth_agree(case: tuple[Plan, dict[str, Shape], Plan, str]) -> None:
    said, done, right = asyncio.run(let_through(case))
    assert said == done == right


def test_a_grant_that_compares_carelessly_lets_a_stranger_through() -> None:
    plan = a_plan(call=ToolCall(name="set", args={"a": 1}))
    other = a_plan(call=ToolCall(name="set", args={"a": True}))
    said, done, right = asyncio.run(let_through((plan, {"a": OneOf(values=(1,))}, other, ALERT), Careless))
    assert said
    assert done
    assert not right


@pytest.mark.parametrize(
    "changed",
    [{"low": 3, "high": 3}, {"low": 4, "high": 3}, {"low": True, "high": 3}, {"low": 1, "high": float("inf")}],
)
def test_a_range_goes_from_one_number_to_a_higher_one(changed: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Between(**changed)


FIELDS = {
    "tool": "other", "tool_version": "2", "risk": "read", "env": "dev", "service": "other", "beneficiary": "U0BOB",
    "args": {"service": {"values": ["other"]}}, "uses": 4, "by": "U0BOB", "reason": "other", "given_on": "apr_9",
    "policy_sha256": "1" * 64, "id": "grt_9",
    "created_at": "2020-01-01T00:00:00Z", "expires_at": "2090-01-01T00:00:00Z",
}  # fmt: skip


@pytest.mark.parametrize("name", FIELDS)
def test_everything_that_a_grant_says_is_under_its_digest(name: str) -> None:
    request = a_request()
    plan = request.plan
    grant = StandingGrant.model_validate(
        {
            "id": "grt_1",
            "tool": plan.call.name,
            "tool_version": "1",
            "risk": plan.risk,
            "env": plan.env,
            "service": plan.service,
            "beneficiary": "",
            "args": {"service": {"values": ["checkout"]}},
            "uses": 3,
            "created_at": request.created_at,
            "expires_at": request.decide_by,
            "by": ALICE,
            "reason": "r",
            "given_on": request.id,
            "policy_sha256": "0" * 64,
        }
    )
    changed = StandingGrant.model_validate(grant.model_dump() | {name: FIELDS[name]})
    assert changed.true_digest != grant.true_digest
    assert set(FIELDS) == set(StandingGrant.model_fields) - {"digest", "used", "ended_at", "ended_as", "ended_by"}
