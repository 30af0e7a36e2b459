"""What a rule says when it recognises something."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from graphs.models.facts import Facts, ServiceFacts


@dataclass(frozen=True, slots=True)
class Finding:
    """One recognised cause; `since` in unix seconds, `remedy` fills a runbook's placeholders."""

    cause: str
    service: str
    score: float
    title: str
    reasons: tuple[str, ...]
    evidence_ids: tuple[str, ...]
    since: float | None = None
    remedy: Mapping[str, str | int] = field(default_factory=dict[str, str | int])


Rule = Callable[[Facts, ServiceFacts], Finding | None]
