"""Reads YAML files that operators own: bounded, safe, and every fault in one line that names the setting."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import ConstructorError

from core.errors import ConfigurationError

_MAX_BYTES = 1024 * 1024
_MERGE = "tag:yaml.org,2002:merge"


class _TwiceError(ConstructorError):
    """A key that stands twice in one mapping."""


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice in one mapping, where YAML's own takes the last one and says nothing: what a bad
    merge leaves of a file of rules."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != _MERGE:
                if key.value in seen:
                    raise _TwiceError(problem=f"the key {key.value!r} is there twice", problem_mark=key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path, setting: str, *, hint: str = "") -> tuple[bytes, object]:
    """Return the file's bytes and what they say; ConfigurationError names `setting`, and `hint` says what to do."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        more = f"; {hint}" if hint else ""
        raise ConfigurationError(f"{setting} {path}: cannot be read ({error.strerror}){more}") from error
    if len(raw) > _MAX_BYTES:
        raise ConfigurationError(f"{setting} {path}: larger than {_MAX_BYTES} bytes")
    try:
        return raw, yaml.load(raw, _Loader)  # noqa: S506 - a safe one
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" near line {mark.line + 1}" if mark is not None else ""
        what = error.problem if isinstance(error, _TwiceError) else "not YAML"
        raise ConfigurationError(f"{setting} {path}: {what}{where}") from error
