"""`run`: the supervisor with its children, or with --role one of them."""

import asyncio
import sys
from argparse import Namespace
from collections.abc import Coroutine
from typing import Any

import structlog
import uvloop

from bot.adapters.logging import configure_logging
from bot.link_secret import link_secret
from bot.policy_file import load_policy
from bot.processes import stop_on_signals
from bot.settings import GROUPS, Settings, refuse_foreign_checkpoints, secrets_of
from core.errors import TransientError
from tools.catalogue import load_catalogue

NEEDS = tuple(GROUPS)


def run(settings: Settings, options: Namespace) -> int:
    """Run until SIGTERM or SIGINT; operators' files are looked at first, so that a wrong one starts nothing at all."""
    role = options.role or "supervisor"
    configure_logging(settings.log.level, settings.log.format, secrets_of(settings), role)
    load_policy(settings.files.policy_file, settings.checkpoint.interrupted_ttl_seconds)
    load_catalogue(settings.files.services_file)
    link_secret(settings)
    if options.role is None:
        from bot.house import run_house

        return asyncio.run(run_house(settings, options.env_file))
    return _run_role(_role(options.role, settings))


def _run_role(work: Coroutine[Any, Any, None]) -> int:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(work)
        except TransientError as error:
            structlog.get_logger(__name__).error("not_reached", error=str(error))
            return 1
    return 0


async def _role(name: str, settings: Settings) -> None:
    stopping = asyncio.Event()
    stop_on_signals(stopping)
    if name == "web":
        from bot.bootstrap.web import build_web as build
    else:
        refuse_foreign_checkpoints()
        from bot.bootstrap.worker import build_worker as build
    async with build(settings) as role:
        await role.run(stopping)
    sys.stdout.flush()
