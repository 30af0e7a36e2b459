"""`tools`: what the bot can do, and how much harm each of it could do."""

import asyncio
from argparse import Namespace

from bot.adapters.clock import SystemClock
from bot.settings import Settings
from tools.catalogue import load_catalogue
from tools.environment import Environment, open_http
from tools.registry import build_registry


def run(settings: Settings, _: Namespace) -> int:
    """Print one line per tool; ConfigurationError names a tool that is unrated or listed twice."""
    catalogue = load_catalogue(settings.files.services_file)
    http = open_http()
    token = settings.supervisor.token.get_secret_value()
    registry = build_registry(Environment.of(catalogue, supervisor_token=token, http=http, clock=SystemClock()))
    for spec in registry:
        print(f"{spec.risk.value.ljust(12)} {spec.name.ljust(20)} {spec.description}")
    asyncio.run(http.aclose())
    return 0
