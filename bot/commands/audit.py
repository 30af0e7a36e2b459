"""`audit verify | key | export`: is the history still as it was written, who signs it, and what it says."""

import importlib
from argparse import Namespace

from bot.settings import Settings

NEEDS = ("database", "files", "audit")


def run(settings: Settings, options: Namespace) -> int:
    """Do what was asked; each act has a file of its own and imports what it alone needs."""
    return importlib.import_module(f"bot.commands.audit_{options.act}").run(settings, options)
