"""Marks text from outside as data: a boundary that the text cannot know, and that is taken out of it if it does."""

import json
import secrets
from collections.abc import Iterable

from core.evidence import Evidence

_DATA_LIMIT = 3000


class Fence:
    """One boundary per investigation."""

    def __init__(self) -> None:
        self.mark = f"DATA-{secrets.token_hex(6)}"

    def wrap(self, label: str, text: str) -> str:
        """Return the text between two lines with the boundary."""
        return f"<<<{self.mark} {label}\n{text.replace(self.mark, '')}\n{self.mark}>>>"

    def evidence(self, item: Evidence) -> str:
        """Return one Evidence with its bounded data."""
        data = json.dumps(_thinned(item.data), ensure_ascii=False, default=str)[:_DATA_LIMIT]
        head = f"{item.id} {item.title} ({item.call.name}, {item.status})"
        return self.wrap(head, f"{item.summary}\n{data}")

    def all(self, items: Iterable[Evidence]) -> str:
        """Return all evidence, or a word that there is none."""
        return "\n".join(self.evidence(item) for item in items) or "none yet"


def _thinned(value: object) -> object:
    """Return JSON with long lines of points cut to about twelve: a model reads the shape, not every sample."""
    if isinstance(value, dict):
        return {key: _points(item) if key == "points" else _thinned(item) for key, item in value.items()}
    return [_thinned(item) for item in value] if isinstance(value, list) else value


def _points(value: object) -> object:
    if not isinstance(value, list) or len(value) <= 12:
        return value
    step = len(value) // 11
    return [*value[::step], value[-1]]
