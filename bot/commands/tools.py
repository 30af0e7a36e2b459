"""`tools`: what the bot can do, and how much harm each of it could do."""

import asyncio
from argparse import Namespace

from bot.adapters.clock import SystemClock
from bot.bootstrap.tools import build_tools
from bot.settings import Settings
from tools.catalogue import load_catalogue
from tools.environment import open_http

NEEDS = ("files", "supervisor", "web")


def run(settings: Settings, _: Namespace) -> int:
    """Print one line per tool; ConfigurationError names a tool that is unrated or listed twice."""
    catalogue = load_catalogue(settings.files.services_file)
    http = open_http()
    for spec in build_tools(settings, catalogue, http, SystemClock()):
        print(f"{spec.risk.value.ljust(12)} {spec.name.ljust(20)} {spec.description}")
    asyncio.run(http.aclose())
    return 0
