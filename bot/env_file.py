"""Finds names in the env file that look like ours and are none: a typo would otherwise go unnoticed."""

from difflib import get_close_matches
from pathlib import Path

from pydantic_settings import BaseSettings, DotEnvSettingsSource

from bot.settings import GROUPS, variables


def unknown_variables(env_file: Path) -> list[tuple[str, str]]:
    """Return (name, nearest name of ours or an empty text) for each; other programs' names are left alone."""
    known = variables()
    prefixes = tuple(str(group.model_config.get("env_prefix", "")) for group in GROUPS.values())
    source = DotEnvSettingsSource(BaseSettings, env_file=env_file, env_file_encoding="utf-8")
    found: list[tuple[str, str]] = []
    for name in (each.upper() for each in source.env_vars):
        nearest = (*get_close_matches(name, known, n=1, cutoff=0.8), "")[0]
        if name not in known and (nearest or name.startswith(tuple(filter(None, prefixes)))):
            found.append((name, nearest))
    return found
