"""What a policy says of given calls: operators' table of expectations, and one call explained."""

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from bot.blocks.text import span
from core.errors import ConfigurationError, ToolError
from core.policy import Policy
from core.policy_rules import ALERT, Asker
from core.requirement import Requirement, RuleEffect
from core.risk import Risk
from core.tool_call import Plan, ToolCall
from tools.arguments import accept
from tools.registry import Registry
from tools.spec import ServiceArguments


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Expected(_Strict):
    """What the policy should yield; what is left out is not compared."""

    effect: RuleEffect
    rule: str | None = None
    groups: tuple[str, ...] | None = None
    quorum: int | None = None
    exclude_requester: bool | None = None


class Case(_Strict):
    """One call and what is expected of it; `env`, `service` and `risk` come from catalogue and tool unless given."""

    call: str
    args: dict[str, JsonValue] = {}
    requester: str = ALERT
    requester_groups: tuple[str, ...] = ()
    env: str | None = None
    service: str | None = None
    risk: Risk | None = None
    expect: Expected

    @property
    def asker(self) -> Asker:
        """Who asks."""
        return Asker(self.requester, frozenset(self.requester_groups))


_CASES = TypeAdapter(Annotated[tuple[Case, ...], Field(min_length=1)])


def read_cases(parsed: object, where: str) -> Sequence[Case]:
    """Return the cases of a file that YAML has read; ConfigurationError names the first fault in one line."""
    try:
        return _CASES.validate_python(parsed)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"{where}: {place or 'file'}: {' '.join(first['msg'].split())}") from error


def plan_of(case: Case, registry: Callable[[], Registry]) -> Plan:
    """Return the call as a plan, as far as policy looks at one; nothing is asked of the target. The tools
    are only looked up for what the case leaves out; ToolError for a call that none takes."""
    risk, service, env = case.risk, case.service, case.env
    if risk is None or service is None or env is None:
        tools = registry()
        spec = tools.find(case.call)
        args = accept(spec, ToolCall(name=case.call, args=case.args), tools.environment)
        risk = risk or spec.risk
        if service is None and isinstance(args, ServiceArguments):
            service = args.service
        if env is None and service is not None:
            env = tools.environment.service(service).env
    call = ToolCall(name=case.call, args=case.args)
    return Plan(call=call, risk=risk, env=env or "", service=service or "", precondition={})


def misses(case: Case, policy: Policy, registry: Callable[[], Registry]) -> Iterator[str]:
    """Yield a sentence for everything in which the policy differs from what is expected."""
    try:
        found = policy.requirement(plan_of(case, registry), case.asker)
    except ToolError as error:
        yield str(error)
        return
    for name, wanted in case.expect.model_dump(exclude_none=True).items():
        if (actual := getattr(found, name)) != wanted:
            yield f"{name} is {_said(actual)}, expected {_said(wanted)} (rule: {found.rule})"


def explain(plan: Plan, asker: Asker, policy: Policy) -> Iterator[str]:
    """Yield lines that say which rule decides, why those before it do not, and who could approve."""
    told = " ".join(f"{name}={_said(value)}" for name, value in plan.call.args.items())
    who = "nobody (an alert)" if asker.id == ALERT else asker.id
    yield f"{plan.call.name} {told}"
    yield f"  risk {plan.risk.value}, {plan.service or 'no service'} in {plan.env or 'no environment'}, asked by {who}"
    yield ""
    for rule, misfit in policy.trace(plan, asker):
        if misfit is None:
            break
        yield f"  no   {rule.name}: {misfit}"
    requirement = policy.requirement(plan, asker)
    yield f"  yes  {requirement.rule}: {requirement.effect}"
    if requirement.effect == "approve":
        yield from (f"         {line}" for line in _who_and_when(requirement, asker))
        for right in policy.grant_rights(plan, asker):
            who, most = " or ".join(right.groups), span(right.max_for)
            yield f"         {who} may approve it ahead, at most {right.max_uses} times within {most}"


def _who_and_when(needed: Requirement, asker: Asker) -> Iterator[str]:
    for group, members in needed.members_of.items():
        seats = f" (at least {needed.seats[group]})" if group in needed.seats else ""
        yield f"{group}{seats}: {', '.join(members)}"
    yield f"{needed.quorum} of them, each a different person"
    if needed.exclude_requester and asker.id != ALERT:
        yield f"but not {asker.id}, who asked"
    yield f"decided within {span(needed.decide_within)}, then started within {span(needed.execute_within)}"
    if needed.remind:
        yield f"reminded after {', '.join(span(each) for each in needed.remind)}: the thread, then group by group"
    if needed.second_model:
        yield "with a second opinion"
    if needed.typed_confirmation:
        yield "with a typed confirmation"
    if needed.undo == "allow":
        yield "pressing Undo is the approval of whoever may approve"


def _said(value: object) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)
