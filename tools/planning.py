"""A call becomes a plan: what exactly would run, where, on which state, and how to undo it. Only code facts."""

import asyncio
from dataclasses import replace
from typing import Any, cast

from pydantic import JsonValue

from core.errors import ToolArgumentsError, ToolError, ToolTimeoutError
from core.risk import Risk
from core.stepped_plan import AS_LEFT, MOST_STEPS, VERSION, in_a_row
from core.tool_call import Plan, ToolCall
from tools.arguments import accept
from tools.registry import Registry
from tools.spec import ActArguments, Action, Preview, ToolSpec

DRY_RUN_TIMEOUT = 10.0
_MAX_DIFF = 20_000
State = dict[str, JsonValue]


async def make_plan(registry: Registry, call: ToolCall, *then: ToolCall) -> Plan:
    """Dry-run the call and the steps after it and return their plan, changing nothing; ToolError when one of them
    cannot be planned. A step on what an earlier one changes is planned on the state that one is to leave."""
    if len(then) >= MOST_STEPS:
        raise ToolArgumentsError(f"A plan has at most {MOST_STEPS} steps.")
    left: dict[str, State] = {}
    steps = [await _plan_step(registry, call, left)]
    for number, each in enumerate(then, 2):
        try:
            steps.append(await _plan_step(registry, each, left))
        except ToolError as error:
            raise type(error)(f"step {number}: {error}") from error
    return in_a_row(steps)


async def _plan_step(registry: Registry, call: ToolCall, left: dict[str, State]) -> Plan:
    """Plan one call; `left` holds what the steps before it leave of each service, and then what this one does."""
    spec = registry.find(call.name)
    if spec.action is None or spec.risk is Risk.READ:
        raise ToolArgumentsError(f"`{spec.name}` only reads; it needs no approval, so there is nothing to plan.")
    environment = registry.environment
    args = cast(ActArguments, accept(spec, call, environment))
    service = environment.service(args.service)
    preview = await _dry_run(spec, spec.action, args)
    if not preview.diff.strip() or preview.before == preview.after:
        raise ToolArgumentsError(f"`{spec.name}` would change nothing on {service.name}.")
    if len(preview.diff) > _MAX_DIFF:
        raise ToolError(f"the change to {service.name} is too large to be shown, so it cannot be approved")
    is_later = service.name in left
    before = left.get(service.name, preview.before)
    left[service.name] = _moved(before, preview.before, preview.after)
    preview = replace(preview, before=before)
    precondition = spec.action.precondition(args, preview)
    filtered = cast(State, environment.secrets.json(cast(JsonValue, precondition)))
    return Plan(
        call=ToolCall(name=spec.name, args=args.model_dump(mode="json")),
        risk=spec.risk,
        env=service.env,
        service=service.name,
        diff=environment.secrets.text(preview.diff),
        blast_radius=_blast_radius(registry, spec.action, service.name),
        precondition=filtered | ({VERSION: AS_LEFT} if is_later else {}),
        rollback=_rollback(registry, spec.action, args, preview),
        tool_version=spec.version,
    )


def _moved(state: State, before: State, after: State) -> State:
    """Return the state after the same change that leads from `before` to `after`."""
    changed: State = {}
    for name, value in after.items():
        old, own = before.get(name), state.get(name)
        if isinstance(value, dict) and isinstance(old, dict) and isinstance(own, dict):
            changed[name] = _moved(own, old, value)
        elif value != old:
            changed[name] = value
    return {**state, **changed}


def differences(approved: Plan, present: Plan) -> str:
    """Return what has changed between two plans of one call, as a sentence's end; empty when nothing has."""
    found: list[str] = []
    for name, value in approved.precondition.items():
        if present.precondition.get(name) != value:
            found.append(f"{name} was {value} and is {present.precondition.get(name)}")
    found += [f"{name} is no longer known" for name in present.precondition.keys() - approved.precondition.keys()]
    for name in ("call", "risk", "env", "service", "rollback", "tool_version", "diff", "blast_radius"):
        if getattr(approved, name) != getattr(present, name):
            found.append(f"the {name.replace('_', ' ')} differs")
    for number, (step, now) in enumerate(zip(approved.then, present.then, strict=False), 2):
        found += [f"step {number}: {found_there}" for found_there in [differences(step, now)] if found_there]
    return "; ".join(found)


async def _dry_run(spec: ToolSpec[Any], action: Action[Any], args: ActArguments) -> Preview:
    try:
        async with asyncio.timeout(DRY_RUN_TIMEOUT):
            return await action.dry_run(args)
    except TimeoutError as error:
        raise ToolTimeoutError(f"the dry run of `{spec.name}` took more than {DRY_RUN_TIMEOUT:g} s") from error


def _blast_radius(registry: Registry, action: Action[Any], service: str) -> str:
    callers = registry.environment.dependents(service)
    who = f"Services that depend on it: {', '.join(callers)}." if callers else "No listed service depends on it."
    return f"{action.impact} {who}"


def _rollback(registry: Registry, action: Action[Any], args: ActArguments, preview: Preview) -> ToolCall | None:
    """An undo that could not be carried out (or would carry a secret) is none."""
    call = action.rollback(args, preview)
    if call is None:
        return None
    try:
        accept(registry.find(call.name), call, registry.environment)
    except ToolArgumentsError:
        return None
    return call
