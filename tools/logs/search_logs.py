"""search_logs: the last minutes of a service's log files, as patterns instead of lines."""

import asyncio
from typing import Literal

from pydantic import Field, JsonValue

from core.errors import NoDataError
from core.risk import Risk
from core.tool_call import ToolResult
from tools.catalogue import Service
from tools.environment import Environment
from tools.logs.log_file import Entry, read_tail
from tools.logs.patterns import Group, grouped, mask, rank
from tools.secrets import SecretFilter
from tools.spec import ServiceArguments, ToolSpec

MAX_PATTERNS = 20
MAX_BYTES = 3 * 1024 * 1024  # of each file; about 15,000 lines, read in a fifth of a second
_NEW_SHARE = 1 / 3  # of the window, at its end
_OLD_SHARE = 1 / 4  # of what the log covers, at its beginning


class SearchLogs(ServiceArguments):
    """Which service, how far back, and which lines."""

    minutes: int = Field(default=10, ge=1, le=360, description="How many minutes back from now")
    contains: str = Field(default="", max_length=100, description="Only lines that contain this text, in any case")
    level: Literal["", "debug", "info", "warning", "error", "critical"] = Field(
        default="", description="Only lines of this level or above"
    )


def search_logs(environment: Environment) -> ToolSpec[SearchLogs]:
    """Read the files that the catalogue lists for the service; no path can be given."""

    async def read(args: SearchLogs) -> ToolResult:
        service = environment.service(args.service)
        now = environment.clock.now().timestamp()
        return await asyncio.to_thread(_search, service, args, now, environment.secrets)

    return ToolSpec(
        name="search_logs",
        description="Counts a service's recent log lines by level and by pattern; tells which patterns are new.",
        args=SearchLogs,
        risk=Risk.READ,
        timeout=15,
        read=read,
    )


def _search(service: Service, args: SearchLogs, now: float, secrets: SecretFilter) -> ToolResult:
    entries, cut = _read_all(service, secrets)
    since = now - args.minutes * 60
    oldest = min((entry.at for entry in entries), default=now)
    groups = grouped((entry for entry in entries if _matches(entry, args)), since)
    if not groups:
        raise NoDataError(f"{service.name} has logged nothing that matches in the last {args.minutes} min")
    # "New" needs an older part to be new against: in a young log, what was there in its first quarter is not new.
    edge = max(now - args.minutes * 60 * _NEW_SHARE, oldest + (now - oldest) * _OLD_SHARE)
    groups.sort(key=lambda group: (-rank(group.level), group.first_at < edge, -group.count))
    rows = [_row(group, group.first_at >= edge, secrets) for group in groups[:MAX_PATTERNS]]
    by_level: dict[str, int] = {}
    for group in groups:
        by_level[group.level or "unknown"] = by_level.get(group.level or "unknown", 0) + group.count
    total = sum(by_level.values())
    data: dict[str, JsonValue] = {"service": service.name, "total": total, "by_level": {**by_level}}
    data |= {"patterns": [*rows], "covers_minutes": round((now - max(since, oldest)) / 60, 1), "cut": cut}
    return ToolResult(status="ok", text=_sentence(service.name, args.minutes, total, by_level, rows), data=data)


def _read_all(service: Service, secrets: SecretFilter) -> tuple[list[Entry], bool]:
    entries: list[Entry] = []
    cut = False
    missing: list[str] = []
    for path in service.log_files:
        try:
            tail = read_tail(path, MAX_BYTES, secrets)
        except NoDataError as error:
            missing.append(str(error))
            continue
        entries += tail.entries
        cut = cut or tail.cut
    if not entries:
        raise NoDataError(f"{service.name} has no log lines ({'; '.join(missing) or 'empty files'})")
    return entries, cut


def _matches(entry: Entry, args: SearchLogs) -> bool:
    if args.level and rank(entry.level) < rank(args.level):
        return False
    return args.contains.lower() in entry.text.lower()


def _row(group: Group, new: bool, secrets: SecretFilter) -> dict[str, JsonValue]:
    example = secrets.text(group.example)  # before masking and cutting: half a secret no longer looks like one
    return {
        "pattern": mask(example[:1000]),
        "count": group.count,
        "level": group.level,
        "first_at": group.first_at,
        "last_at": group.last_at,
        "example": example[:300],
        "new": new,
    }


def _sentence(
    service: str, minutes: int, total: int, by_level: dict[str, int], rows: list[dict[str, JsonValue]]
) -> str:
    levels = ", ".join(f"{count} {level}" for level, count in sorted(by_level.items(), key=lambda pair: -rank(pair[0])))
    top = rows[0]
    flag = "new: " if top["new"] else ""
    return f"{service}, last {minutes} min: {total} lines ({levels}); {flag}{top['count']} x “{top['pattern']}”"
