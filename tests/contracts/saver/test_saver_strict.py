"""The serializer revives what is allowed as it was, and says of all else that it will not."""

import subprocess
import sys
from collections import deque
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from ipaddress import ip_address, ip_network
from pathlib import Path
from re import compile as pattern
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import ormsgpack
import pytest
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage, RemoveMessage, SystemMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.serde.types import _DeltaSnapshot
from langgraph.types import Command, Interrupt, Overwrite, Send
from pydantic import BaseModel

from bot.adapters.redis.checkpointer import CorruptCheckpointError, StrictSerializer


class Stranger(BaseModel):
    """A type that nobody has allowed."""

    name: str


STRANGER = Stranger(name="x")
VALUES: list[Any] = [
    None,
    True,
    0,
    -1.5,
    float("inf"),
    "text",
    "",
    b"bytes",
    bytearray(b"array"),
    [1, [2, {"three": 3}]],
    {"a": 1, 2: "b", "nested": {"c": [None]}},
    {1, 2},
    frozenset({"a"}),
    {("a", 1), ("b", 2)},
    deque([1, 2]),
    datetime(2026, 11, 22, 12, tzinfo=UTC),
    datetime(2026, 11, 22, 12, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    date(2026, 11, 22),
    time(12, 30, tzinfo=UTC),
    timedelta(days=1, microseconds=3),
    ZoneInfo("Europe/Berlin"),
    Decimal("1.10"),
    UUID(int=7),
    Path("/tmp/x"),
    ip_address("::1"),
    ip_address("10.0.0.1"),
    ip_network("10.0.0.0/8"),
    pattern("a+", 2),
    HumanMessage("hello", id="1"),
    SystemMessage("be good"),
    AIMessage("", tool_calls=[{"name": "restart", "args": {"service": "checkout"}, "id": "c1", "type": "tool_call"}]),
    ToolMessage("done", tool_call_id="c1", artifact={"raw": [1]}),
    RemoveMessage(id="1"),
    Document("page", metadata={"source": "here"}),
    Send("node", {"messages": [HumanMessage("inner", id="2")]}),
    Send("node", None, timeout=3.0),
    Interrupt(value={"approval_id": "apr_1"}, id="i1"),
    Command(update={"a": 1}, goto="node", resume={"i1": "yes"}),
    Overwrite([1]),
    _DeltaSnapshot([HumanMessage("kept", id="3")]),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    serde = StrictSerializer()
    restored = serde.loads_typed(serde.dumps_typed(value))
    assert type(restored) is type(value)
    assert restored == value


def test_what_is_read_is_what_langgraph_reads() -> None:
    values = [value for value in VALUES if value != {("a", 1), ("b", 2)}]
    ours, theirs = StrictSerializer(), JsonPlusSerializer(allowed_msgpack_modules=None)
    written = theirs.dumps_typed(values)
    assert ours.dumps_typed(values) == written
    assert ours.loads_typed(written) == theirs.loads_typed(written)


@pytest.mark.parametrize(
    "hidden",
    [STRANGER, {"in": [STRANGER]}, Send("n", STRANGER), {1: deque([STRANGER])}],
)
def test_a_type_that_is_not_allowed_is_refused_wherever_it_hides(hidden: Any) -> None:
    serde = StrictSerializer()
    with pytest.raises(CorruptCheckpointError, match=r"Stranger is not allowed"):
        serde.loads_typed(serde.dumps_typed(hidden))


def test_langgraphs_own_takes_it_for_a_dict() -> None:
    serde = JsonPlusSerializer(allowed_msgpack_modules=None)
    assert serde.loads_typed(serde.dumps_typed(STRANGER)) == {"name": "x"}


def test_a_type_that_was_allowed_is_revived_here_and_in_the_copy_that_a_graph_makes() -> None:
    allowing = StrictSerializer(allowed_msgpack_modules=[Stranger])
    written = allowing.dumps_typed([STRANGER])
    assert allowing.loads_typed(written) == [STRANGER]
    saver = InMemorySaver(serde=StrictSerializer()).with_allowlist([(Stranger.__module__, "Stranger")])
    assert saver.serde.loads_typed(written) == [STRANGER]


def extension(code: int, *parts: Any) -> tuple[str, bytes]:
    """Return bytes that would call something."""
    return "msgpack", ormsgpack.packb(ormsgpack.Ext(code, ormsgpack.packb(parts)))


@pytest.mark.parametrize(
    "crafted",
    [
        *(extension(code, "os", "system", "true") for code in range(6)),
        extension(1, "subprocess", "run", [["true"]]),
        extension(3, "datetime", "datetime", 0, "fromtimestamp"),
        extension(3, "os", "path", "x", "exists"),
        extension(0, "no_such_module_at_all", "X", 1),
        extension(0, "uuid", "UUID"),
        extension(0, "uuid", "UUID", "not a uuid"),
        extension(2, "langgraph.types", "Interrupt", {"no_such": "field"}),
        extension(6, "|O", [1], "C", b"12345678"),
        extension(99, "uuid", "UUID", "0" * 32),
        ("msgpack", b"\xc1"),
        ("msgpack", b""),
        ("json", b'{"lc": 2, "type": "constructor", "id": ["os", "system"], "args": ["true"]}'),
        ("pickle", b"cos\nsystem\n(S'true'\ntR."),
        ("", b""),
    ],
)
def test_crafted_bytes_are_refused(crafted: tuple[str, bytes]) -> None:
    with pytest.raises(CorruptCheckpointError):
        StrictSerializer().loads_typed(crafted)


IMPORTING = """
import sys
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from bot.adapters.redis.checkpointer import StrictSerializer
import ormsgpack
raw = ormsgpack.packb(ormsgpack.Ext(0, ormsgpack.packb(("this", "s", 1))))
serde = StrictSerializer() if sys.argv[1] == "strict" else JsonPlusSerializer(allowed_msgpack_modules=True)
try:
    serde.loads_typed(("msgpack", raw))
except Exception:
    pass
print("this" in sys.modules)
"""


@pytest.mark.parametrize(("kind", "imported"), [("strict", "False"), ("permissive", "True")])
def test_reading_imports_nothing_that_is_not_allowed(kind: str, imported: str) -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTING, kind], capture_output=True, text=True)
    assert done.stdout.split()[-1] == imported, done.stderr
