"""Many log lines as few patterns: what varies from line to line is masked, what stays is counted."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tools.logs.log_file import LEVELS, Entry

MAX_PATTERN_CHARS = 240
_MASKS = (
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S{0,12}"), "<time>"),
    (re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"), "<id>"),
    (re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?\b"), "<address>"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b"), "<hex>"),
    (re.compile(r"\b(?=[0-9a-fA-F]*\d)(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{8,}\b"), "<id>"),
    (re.compile(r"(?<![\w.])[A-Za-z]{1,8}[_-](?=[A-Za-z0-9]*\d)[A-Za-z0-9]{6,}\b"), "<id>"),
    (re.compile(r"(?<![A-Za-z])[-+]?\d+(?:\.\d+)*"), "<n>"),
)


@dataclass(slots=True)
class Group:
    """Lines that are equal once masked: how many in the window, and when in all that was read (unix seconds)."""

    key: str
    level: str
    count: int
    first_at: float
    last_at: float
    example: str


def mask(text: str) -> str:
    """Replace times, ids, addresses and numbers by placeholders; the result is at most 240 characters."""
    for pattern, placeholder in _MASKS:
        text = pattern.sub(placeholder, text)
    return text[:MAX_PATTERN_CHARS]


def grouped(entries: Iterable[Entry], since: float) -> list[Group]:
    """Group entries (in any order) by level and masked text, leaving out groups with none at or after `since`."""
    groups: dict[tuple[str, str], Group] = {}
    for entry in entries:
        key = mask(entry.text[:1000])
        group = groups.setdefault((entry.level, key), Group(key, entry.level, 0, entry.at, entry.at, entry.text))
        group.count += entry.at >= since
        group.first_at = min(group.first_at, entry.at)
        if entry.at >= group.last_at:
            group.last_at, group.example = entry.at, entry.text
    return [group for group in groups.values() if group.count]


def rank(level: str) -> int:
    """Return a level's position in LEVELS; an unknown level counts as info."""
    return LEVELS.index(level) if level in LEVELS else 1
