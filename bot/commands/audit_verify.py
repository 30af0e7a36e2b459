"""`audit verify`: looks at all of the history, at every signed head, and at the rows that the history tells of."""

import asyncio
import sys
import time
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from bot.adapters.audit_heads import HeadsFile
from bot.adapters.audit_key import KeyRing, load_key, parse_public
from bot.adapters.database.audit_check import check_chain
from bot.adapters.database.row_check import Compared, check_rows
from bot.addresses import shown
from bot.settings import Settings
from core.audit_chain import Noted, Verdict
from core.audit_chain import rows as told
from core.audit_head import Collected, collect_heads
from core.errors import ConfigurationError, TransientError

_NO_HEADS = "there is no signed head: a cut tail, a chain computed anew or an older copy put back cannot be seen"


def run(settings: Settings, options: Namespace) -> int:
    """Print each fault in a line, then the count, the head and the seconds; 0 intact, 1 not, 2 unreadable."""
    began = time.perf_counter()
    text = _text(options.heads, HeadsFile(settings.audit_heads_file))
    kept = collect_heads(text, _ring(options.key, settings.audit_key_file)) if text.strip() else Collected((), ())
    noted = [Noted(head.head, head.at) for head in kept.heads]
    if options.expect is not None:
        noted.append(Noted(options.expect))
    try:
        verdict, rows = asyncio.run(_looked(settings.database_url, noted))
    except TransientError as error:
        raise ConfigurationError(f"DATABASE_URL {shown(settings.database_url)} cannot be reached ({error})") from error
    for fault in (*kept.faults, *verdict.faults, *rows.faults):
        print(f"audit: {fault}", file=sys.stderr)
    if more := verdict.more + rows.more:
        print(f"audit: and {more} faults more", file=sys.stderr)
    intact = verdict.intact and not kept.faults and not rows.faults
    covered = max((each.head.sequence for each in noted), default=0)
    if intact and covered < verdict.head.sequence:
        bare = (
            f"{told(covered + 1, verdict.head.sequence)} covered by no signed head: whether any are gone cannot be seen"
        )
        print(f"audit: {bare if noted else _NO_HEADS}", file=sys.stderr)
    signed = ""
    if kept.heads:
        last = kept.heads[-1]
        signed = f", {len(kept.heads)} signed, the last on {last.at:%Y-%m-%d %H:%M UTC} up to row {last.sequence}"
    state = "intact" if intact else "NOT INTACT"
    seconds = time.perf_counter() - began
    counted = f"{verdict.rows} rows, {rows.requests} requests, head {verdict.head}"
    print(f"audit: {state}, {counted}{signed}, {seconds:.2f} s", flush=True)
    return 0 if intact else 1


async def _looked(url: str, noted: Sequence[Noted]) -> tuple[Verdict, Compared]:
    return await check_chain(url, noted), await check_rows(url)


def _text(given: Path | None, usual: HeadsFile) -> str:
    if given is None and not usual.path.exists():
        return ""
    try:
        text = (given or usual.path).read_text(encoding="utf-8", errors="replace")
        last = None if given else usual.kept()
    except OSError as error:
        raise ConfigurationError(f"--heads {given or usual.path} cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise ConfigurationError(f"{error}: move it away if that is known") from error
    if given is not None and not text.strip():
        raise ConfigurationError(f"--heads {given} is empty")
    # Before the file, whose last line may have no end.
    return f"{last.as_json()}\n{text}" if last else text


def _ring(given: Sequence[str] | None, usual: Path) -> KeyRing:
    if not given:
        return KeyRing.of(load_key(usual).public)
    try:
        return KeyRing.of(*map(parse_public, given))
    except ValueError as error:
        raise ConfigurationError("--key: a public key is written ed25519:HEX, as `audit key` prints it") from error
