"""The freeze as cards, App Home and answers show it."""

from bot.blocks.text import Block, date, inert, mention, section
from core.freeze import Freeze


def freeze_line(freeze: Freeze) -> str:
    """Return who stopped everything, when and why, as mrkdwn."""
    who = f"{mention(freeze.person)} froze everything" if freeze.person else "Everything is frozen"
    when = f" {date(freeze.since, '{date_short_pretty} {time}')}" if freeze.since else ""
    return f"{who}{when}" + (f": {inert(freeze.reason, 300)}" if freeze.reason else ".")


def build_freeze_banner(freeze: Freeze | None) -> list[Block]:
    """Return what stands on top of every open card while nothing may be changed."""
    if freeze is None or not freeze.is_on:
        return []
    way = "`/ops freeze off`" if freeze.person else "Removing the file"
    off = f"\n{way} lets changes go on."
    return [section(f"🧊 *FROZEN: nothing will run, and approvals are not counted.*\n{freeze_line(freeze)}{off}")]


def build_freeze_answer(freeze: Freeze) -> list[Block]:
    """Return the state for whoever asks, or has just turned it."""
    if freeze.is_on:
        return build_freeze_banner(freeze)
    known = freeze.person and freeze.since
    last = f" {mention(freeze.person)} let changes go on {date(freeze.since)}." if known and freeze.since else ""
    return [section(f"🟢 *Not frozen:* what is approved runs.{last}")]
