"""Answers that only list: what was changed, which incidents are open."""

from collections.abc import Sequence

from graphs.investigation import looks
from graphs.models.facts import Change, Facts
from graphs.wording import ago_text, clock_text

_DAY = 86400
_SHOWN = 12


def changes(facts: Facts, names: Sequence[str], within: int) -> str:
    """List deploys and changes of configuration of these services, newest first; `within` in seconds, 0 for a day."""
    span = within or _DAY
    rows = [(name, change) for name in names for change in (*facts.of(name).deploys, *facts.of(name).config_changes)]
    rows.sort(key=lambda row: -row[1].at)
    recent = [row for row in rows if facts.now - row[1].at <= span]
    blind = [name for name in names if not facts.of(name).evidence(looks.DEPLOYS)]
    lines = [f"- {_line(name, change, facts.now)}" for name, change in recent[:_SHOWN]]
    who, when = ", ".join(names) or "any service", ago_text(span)
    head = f"{len(recent)} changes of {who} in the last {when}:"
    if len(recent) == 1:
        head = f"One change of {who} in the last {when}:"
    if not recent:
        head = f"Nothing was deployed or reconfigured in the last {when} ({who})."
        lines = [f"The last change before: {_line(*rows[0], facts.now)}"] if rows else []
    if len(recent) > _SHOWN:
        lines.append(f"and {len(recent) - _SHOWN} more.")
    if blind:
        lines.append(f"I could not read the history of {', '.join(blind)}.")
    return "\n".join([head, *lines])


def _line(name: str, change: Change, now: float) -> str:
    what = f"{change.key} {change.old} → {change.new}" if change.key else f"version {change.version}"
    note = f" (“{change.note}”)" if change.note else ""
    ago = now - change.at
    when = f"{clock_text(change.at)}, {ago_text(ago)} ago" if ago < _DAY else f"{ago // _DAY:.0f} days ago"
    verb = "set" if change.key else "deployed"
    return f"{name}: {what}{note}, {verb} by {change.who.rstrip(',')}, {when} [{change.evidence_id}]"


def incidents(titles: Sequence[str]) -> str:
    """Say how many incidents are open, and which."""
    if not titles:
        return "No incident is open."
    head = "One incident is open:" if len(titles) == 1 else f"{len(titles)} incidents are open:"
    return "\n".join([head, *(f"- {title}" for title in titles[:_SHOWN])])
