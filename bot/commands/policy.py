"""`policy`: is the file whole (check), what does it say of one call (explain), does it say what is expected (test)."""

import asyncio
import json
from argparse import Namespace
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

from pydantic import JsonValue

from bot.adapters.clock import SystemClock
from bot.policy_cases import Case, Expected, explain, misses, plan_of, read_cases
from bot.policy_file import load_policy
from bot.settings import Settings
from core.errors import ConfigurationError, ToolError
from core.policy import Policy
from tools.catalogue import load_catalogue
from tools.environment import Environment, open_http
from tools.operator_file import read_yaml
from tools.registry import Registry, build_registry

NEEDS = ("files", "checkpoint")


def run(settings: Settings, options: Namespace) -> int:
    """Do one of the three; ConfigurationError names the first fault of a file."""
    path = settings.files.policy_file
    if options.act == "check":
        path = options.file or path
    policy = load_policy(path, settings.checkpoint.interrupted_ttl_seconds)
    match options.act:
        case "explain":
            return _explain(policy, partial(_registry, settings), options)
        case "test":
            beside = settings.files.policy_file.with_name(f"{settings.files.policy_file.stem}.tests.yaml")
            return _test(policy, cache(partial(_registry, settings)), options.file or beside)
        case _:
            print(f"{path}: valid, sha256 {policy.sha256[:12]}, longest wait {policy.longest_wait}")
            return 0


def _explain(policy: Policy, registry: Callable[[], Registry], options: Namespace) -> int:
    case = Case(
        call=options.tool,
        args=dict(_argument(each) for each in options.args),
        requester=options.requester,
        requester_groups=tuple(options.group),
        env=options.env,
        service=options.service,
        risk=options.risk,
        expect=Expected(effect="deny"),
    )
    try:
        plan = plan_of(case, registry)
    except ToolError as error:
        raise ConfigurationError(str(error)) from error
    for line in explain(plan, case.asker, policy):
        print(line)
    return 0


def _test(policy: Policy, registry: Callable[[], Registry], path: Path) -> int:
    _, parsed = read_yaml(path, "policy tests")
    cases = read_cases(parsed, str(path))
    failed = 0
    for number, case in enumerate(cases, start=1):
        found = list(misses(case, policy, registry))
        failed += bool(found)
        for miss in found:
            print(f"{path}: case {number} ({case.call}): {miss}")
    print(f"{len(cases) - failed} of {len(cases)} expectations hold")
    return 1 if failed else 0


def _argument(text: str) -> tuple[str, JsonValue]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise ConfigurationError(f"{text!r} is no argument; write name=value")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _registry(settings: Settings) -> Registry:
    """Return the tools for their risk and arguments alone: nothing is reached, so the token is of no concern."""
    http = open_http()
    try:
        catalogue = load_catalogue(settings.files.services_file)
        environment = Environment.of(catalogue, supervisor_token="-", http=http, clock=SystemClock())  # noqa: S106 - unused
        return build_registry(environment)
    finally:
        asyncio.run(http.aclose())
