"""Finds a prompt's text by name and version and fills it strictly: a missing or a surplus value is an error."""

import hashlib
import json
from functools import cache
from pathlib import Path
from string import Template

from core.errors import ConfigurationError

_ROOT = Path(__file__).parent
_LOCK = _ROOT / "prompts.lock"


def _text(name: str, version: int) -> str:
    path = _ROOT / name / f"{version}.md"
    if not path.is_file():
        raise ConfigurationError(f"prompts: there is no {name} in version {version}")
    return path.read_text(encoding="utf-8")


@cache
def _highest() -> tuple[tuple[str, int], ...]:
    versions: dict[str, int] = {}
    for path in sorted(_ROOT.glob("*/*.md")):
        versions[path.parent.name] = max(versions.get(path.parent.name, 0), int(path.stem))
    return tuple(versions.items())


def released_versions() -> dict[str, int]:
    """Return the newest version of every prompt, to be pinned in a thread's state."""
    return dict(_highest())


def render(name: str, version: int, **values: str) -> str:
    """Return the prompt's text with `${placeholders}` filled; ConfigurationError when the names do not fit exactly.

    Values are put in once and not looked at again, so text from outside cannot name another placeholder.
    """
    template = Template(_text(name, version))
    if not template.is_valid():
        raise ConfigurationError(f"prompts: {name}/{version} has a stray $")
    wanted = set(template.get_identifiers())
    if wanted != set(values):
        odd = ", ".join(sorted(wanted ^ set(values)))
        raise ConfigurationError(f"prompts: {name}/{version} does not fit these values: {odd}")
    return template.substitute(values)


def digest(name: str, version: int) -> str:
    """Return the sha256 (hex) of a version's text with line ends as in the repository."""
    return hashlib.sha256(_text(name, version).replace("\r\n", "\n").encode()).hexdigest()


def locked() -> dict[str, str]:
    """Return what was released: `name/version` to sha256."""
    return json.loads(_LOCK.read_text(encoding="utf-8"))


def present() -> dict[str, str]:
    """Return what lies in the folders now, in the form of `locked`."""
    paths = sorted(_ROOT.glob("*/*.md"))
    return {f"{path.parent.name}/{path.stem}": digest(path.parent.name, int(path.stem)) for path in paths}
