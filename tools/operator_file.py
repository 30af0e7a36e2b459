"""Reads YAML files that operators own: bounded, safe, and every fault in one line that names the setting."""

from pathlib import Path

import yaml

from core.errors import ConfigurationError

_MAX_BYTES = 1024 * 1024


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
        return raw, yaml.safe_load(raw)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" near line {mark.line + 1}" if mark is not None else ""
        raise ConfigurationError(f"{setting} {path}: not YAML{where}") from error
