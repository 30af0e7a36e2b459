"""The end of a log file: bounded, never through a symlink, and read as JSON lines or as plain text."""

import json
import os
import re
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, cast

from core.errors import NoDataError, ToolError
from tools.secrets import SecretFilter

LEVELS = ("debug", "info", "warning", "error", "critical")
_ALIASES = {
    "trace": "debug",
    "notice": "info",
    "warn": "warning",
    "err": "error",
    "fatal": "critical",
    "panic": "critical",
}
_PLAIN = re.compile(
    r"^\W{0,2}(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)?[\s|\]:-]*"
    r"(?:\[?\b(trace|debug|info|notice|warn|warning|error|err|fatal|critical|panic)\b\]?:?)?\s*(.*)$",
    re.I | re.S,
)


class Entry(NamedTuple):
    """One log line: unix seconds, a level of LEVELS (or empty) and its text (message and error)."""

    at: float
    level: str
    text: str


class Tail(NamedTuple):
    """The entries at the end of one file, oldest first; `cut` tells that older lines were left unread."""

    entries: list[Entry]
    cut: bool


def read_tail(path: Path, max_bytes: int, secrets: SecretFilter) -> Tail:
    """Read at most the last `max_bytes`; NoDataError when there is no file, ToolError when it is not a plain one."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError as error:
        raise NoDataError(f"{path.name} does not exist") from error
    except OSError as error:
        raise ToolError(f"{path.name} cannot be opened ({error.strerror})") from error
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ToolError(f"{path.name} is not a plain file")
        cut = status.st_size > max_bytes
        if cut:
            file.seek(status.st_size - max_bytes)
            file.readline()  # the rest of a line whose beginning is out of reach
        raw = file.read(max_bytes)
    lines = secrets.blocks(raw.decode("utf-8", "replace")).splitlines()
    return Tail(list(_entries(lines, status.st_mtime)), cut)


def _entries(lines: list[str], fallback: float) -> Iterator[Entry]:
    at = fallback
    for line in lines:
        if line.strip():
            entry = _from_json(line, at) or _from_text(line, at)
            at = entry.at
            yield entry


def _from_json(line: str, fallback: float) -> Entry | None:
    if not line.startswith("{"):
        return None
    try:
        parsed: object = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(parsed, dict):
        return None
    record = cast("dict[str, object]", parsed)
    said = str(_first(record, "msg", "message", "event") or line)
    error = _first(record, "error", "err", "exception")
    text = f"{said}: {error}" if error else said
    when = _moment(_first(record, "ts", "time", "timestamp", "@timestamp"), fallback)
    return Entry(when, _level(str(_first(record, "level", "severity", "lvl") or "")), text)


def _from_text(line: str, fallback: float) -> Entry:
    match = _PLAIN.match(line)
    if match is None or not (match[1] or match[2]):
        return Entry(fallback, "", line.strip())
    return Entry(_moment(match[1], fallback), _level(match[2] or ""), match[3] or line)


def _first(record: dict[str, object], *names: str) -> object:
    return next((record[name] for name in names if record.get(name) not in (None, "")), None)


def _level(word: str) -> str:
    word = word.lower()
    return _ALIASES.get(word, word if word in LEVELS else "")


def _moment(value: object, fallback: float) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value)
        return seconds / 1000 if seconds > 1e11 else seconds
    if not isinstance(value, str):
        return fallback
    try:
        moment = datetime.fromisoformat(value.replace(",", "."))
    except ValueError:
        return fallback
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
