"""Reads the operators' runbooks: Markdown files with YAML front matter, validated when the process starts."""

from pathlib import Path

import yaml
from pydantic import ValidationError

from core.errors import ConfigurationError
from core.runbook import Runbook

_FENCE = "---"


def load_runbooks(folder: Path) -> tuple[Runbook, ...]:
    """Return the runbooks of a folder in the order of their file names; ConfigurationError names the file at fault."""
    if not folder.is_dir():
        raise ConfigurationError(f"RUNBOOKS_DIR {folder}: there is no such folder")
    paths = sorted(path for path in folder.glob("*.md") if path.name != "README.md")
    books = tuple(parse_runbook(path.read_text(encoding="utf-8"), path.name) for path in paths)
    names = [book.name for book in books]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigurationError(f"RUNBOOKS_DIR {folder}: two runbooks are named {twice!r}")
    return books


def parse_runbook(text: str, name: str) -> Runbook:
    """Read one file's text; `name` is for the message of the ConfigurationError."""
    start, fence, rest = text.lstrip("\ufeff").partition(f"{_FENCE}\n")
    front, end, body = rest.partition(f"\n{_FENCE}\n")
    if start.strip() or not fence or not end:
        raise ConfigurationError(f"runbook {name}: must begin with front matter between two lines of {_FENCE}")
    try:
        parsed: object = yaml.safe_load(front)
        if not isinstance(parsed, dict):
            raise ConfigurationError(f"runbook {name}: the front matter is not a mapping")
        return Runbook.model_validate({**parsed, "body": body.strip()})
    except yaml.YAMLError as error:
        raise ConfigurationError(f"runbook {name}: the front matter is not YAML") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"runbook {name}: {where}: {first['msg']}") from error
