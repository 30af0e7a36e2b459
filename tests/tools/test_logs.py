"""Log files become few patterns, from a bounded end of listed files only."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core.tool_call import ToolCall, ToolResult
from tests.tools.conftest import Bench
from tools.logs.log_file import read_tail
from tools.logs.patterns import mask
from tools.logs.search_logs import MAX_BYTES
from tools.secrets import SecretFilter


def line(bench: Bench, seconds_ago: float, level: str, msg: str, **fields: Any) -> str:
    at = datetime.fromtimestamp(bench.clock.now().timestamp() - seconds_ago, UTC)
    stamp = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"ts": stamp, "level": level, "service": "checkout", "msg": msg, **fields})


async def search(bench: Bench, **args: Any) -> ToolResult:
    return await bench.guard().read(ToolCall(name="search_logs", args={"service": "checkout", **args}))


def found(result: ToolResult) -> dict[str, Any]:
    assert result.status == "ok", result.text
    assert isinstance(result.data, dict)
    return result.data


async def test_lines_that_differ_in_numbers_are_one_pattern_and_new_ones_are_flagged(bench: Bench) -> None:
    lines = [line(bench, 590 - 5 * at, "info", f"order {at} took {at}.5 ms", route="/checkout") for at in range(118)]
    lines += [line(bench, 60 - at, "error", "call failed", error=f"timed out after {5 + at} ms") for at in range(10)]
    bench.log.write_text("\n".join(lines) + "\n")
    data = found(await search(bench))
    assert (data["total"], data["by_level"]) == (128, {"error": 10, "info": 118})
    first, second = data["patterns"]
    assert (first["pattern"], first["count"], first["new"]) == ("call failed: timed out after <n> ms", 10, True)
    assert (second["pattern"], second["count"], second["new"]) == ("order <n> took <n> ms", 118, False)
    assert first["example"] == "call failed: timed out after 14 ms"
    assert first["last_at"] - first["first_at"] == pytest.approx(9)


async def test_a_pattern_that_was_there_before_the_window_is_not_new(bench: Bench) -> None:
    lines = [line(bench, ago, "error", "disk slow") for ago in (3000, 50, 40)]
    bench.log.write_text("\n".join([*lines, line(bench, 290, "info", "hello")]))
    (pattern,) = found(await search(bench, minutes=5, level="error"))["patterns"]
    assert (pattern["count"], pattern["new"]) == (2, False)


async def test_in_a_young_log_what_was_there_from_the_beginning_is_not_new(bench: Bench) -> None:
    lines = [line(bench, 20 - at, "info", "ready") for at in range(20)]
    bench.log.write_text("\n".join([*lines, line(bench, 8, "error", "boom")]))
    rows = found(await search(bench))["patterns"]
    assert [(row["pattern"], row["new"]) for row in rows] == [("boom", True), ("ready", False)]


async def test_lines_can_be_chosen_by_level_and_text(bench: Bench) -> None:
    levels = ("debug", "info", "warn", "error", "fatal")
    bench.log.write_text("\n".join(line(bench, 9, level, f"Something {level}") for level in levels))
    assert found(await search(bench, level="warning"))["by_level"] == {"critical": 1, "error": 1, "warning": 1}
    assert found(await search(bench, contains="something WARN"))["total"] == 1
    assert (await search(bench, contains="nowhere")).status == "no_data"
    assert await search(bench, minutes=1, contains="Something")
    bench.clock.advance(hours=2)
    assert (await search(bench)).status == "no_data"


async def test_plain_text_and_broken_lines_are_read_too(bench: Bench) -> None:
    now = bench.clock.now()
    bench.log.write_bytes(
        f"{now:%Y-%m-%d %H:%M:%S},123 ERROR payment 17 failed\n  at Pay.java:12\n".encode()
        + f"{now:%Y-%m-%dT%H:%M:%SZ} [warn] slow\n".encode()
        + b'{"level": "error", "msg": "half a line\n\xff\xfe\x00 odd bytes\n[1, 2]\n"text"\n'
    )
    data = found(await search(bench))
    assert data["total"] == 7
    assert (data["by_level"]["error"], data["by_level"]["warning"]) == (1, 1)
    assert "payment <n> failed" in {row["pattern"] for row in data["patterns"]}


async def test_a_flood_is_read_from_its_end_only(bench: Bench) -> None:
    lines = [line(bench, 300, "info", "from long ago")]
    lines += [line(bench, 10, "debug", f"cart {at} dumped " + "x" * 200) for at in range(14_000)]
    bench.log.write_text("\n".join([*lines, line(bench, 1, "error", "no space left on device")]))
    assert bench.log.stat().st_size > MAX_BYTES
    data = found(await search(bench))
    assert data["cut"] is True
    assert data["patterns"][0]["pattern"] == "no space left on device"
    assert len(data["patterns"]) == 2


async def test_at_most_twenty_patterns_come_back_and_errors_first(bench: Bench) -> None:
    words = [chr(97 + at // 26) + chr(97 + at % 26) for at in range(60)]
    lines = [line(bench, 30, "info" if at else "error", f"{word} happened") for at, word in enumerate(words)]
    bench.log.write_text("\n".join(lines))
    data = found(await search(bench))
    assert (len(data["patterns"]), data["total"]) == (20, 60)
    assert data["patterns"][0]["level"] == "error"


async def test_files_that_are_missing_are_no_data(bench: Bench) -> None:
    result = await search(bench)
    assert result.status == "no_data"
    assert "does not exist" in result.text


async def test_a_symlink_in_a_log_files_place_is_not_followed(bench: Bench, tmp_path: Path) -> None:
    treasure = tmp_path / "treasure"
    treasure.write_text("the combination is 1-2-3")
    bench.log.symlink_to(treasure)
    result = await search(bench)
    assert result.status == "failed"
    assert "combination" not in result.model_dump_json()


async def test_a_pipe_in_a_log_files_place_does_not_block(bench: Bench) -> None:
    os.mkfifo(bench.log)
    assert (await search(bench)).status == "failed"


def test_a_private_key_over_many_lines_goes_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("before\n-----BEGIN PRIVATE KEY-----\nMIIabc\nMIIdef\n-----END PRIVATE KEY-----\nafter\n")
    texts = [entry.text for entry in read_tail(path, 1000, SecretFilter()).entries]
    assert texts == ["before", "[redacted]", "after"]


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("took 12.5ms for user 42", "took <n>ms for user <n>"),
        ("trace 0af7651916cd43dd8448eb211c80319c", "trace <id>"),
        ("order 7f9c24e8-3b12-4fef-91d1-0a1f5c8f3a11 paid", "order <id> paid"),
        ("from 10.0.3.7:5432 at 2026-11-02T09:00:00.123Z", "from <address> at <time>"),
        ("retry in -3 s, ord_8f3a11bc", "retry in <n> s, <id>"),
        ("no numbers here", "no numbers here"),
    ],
)
def test_what_varies_is_masked(text: str, pattern: str) -> None:
    assert mask(text) == pattern
