"""A call becomes a plan: what exactly would run, where, on which state, and how to undo it. Only code facts."""

import asyncio
from typing import Any, cast

from pydantic import JsonValue

from core.errors import ToolArgumentsError, ToolError, ToolTimeoutError
from core.risk import Risk
from core.tool_call import Plan, ToolCall
from tools.arguments import accept
from tools.registry import Registry
from tools.spec import ActArguments, Action, Preview, ToolSpec

DRY_RUN_TIMEOUT = 10.0
_MAX_DIFF = 20_000


async def make_plan(registry: Registry, call: ToolCall) -> Plan:
    """Dry-run the call and return its plan, changing nothing; ToolError when the call cannot be planned."""
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
    precondition = spec.action.precondition(args, preview)
    filtered = environment.secrets.json(cast(JsonValue, precondition))
    return Plan(
        call=ToolCall(name=spec.name, args=args.model_dump(mode="json")),
        risk=spec.risk,
        env=service.env,
        service=service.name,
        diff=environment.secrets.text(preview.diff),
        blast_radius=_blast_radius(registry, spec.action, service.name),
        precondition=cast("dict[str, JsonValue]", filtered),
        rollback=_rollback(registry, spec.action, args, preview),
        tool_version=spec.version,
    )


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
