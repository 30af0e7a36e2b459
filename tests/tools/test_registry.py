"""A tool list or a catalogue with a fault in it stops the start, in one line."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.errors import ConfigurationError
from core.risk import Risk
from core.tool_call import ToolResult
from tests.tools.conftest import Bench
from tools.catalogue import load_catalogue
from tools.environment import Environment
from tools.registry import Registry, build_registry
from tools.spec import Arguments, ToolSpec

GOOD = """
services:
  - {name: front, env: prod, url: "http://127.0.0.1:1/", depends_on: [checkout], log_files: [/var/log/front.log]}
  - {name: checkout, env: prod, url: "https://checkout.internal"}
prometheus_url: http://127.0.0.1:9090
"""


async def nothing(args: Arguments) -> ToolResult:
    return ToolResult(status="ok", text="")


READ: ToolSpec[Any] = ToolSpec(name="odd", description="", args=Arguments, risk=Risk.READ, timeout=5, read=nothing)


def load(tmp_path: Path, text: str) -> Any:
    path = tmp_path / "services.yaml"
    path.write_text(text)
    return load_catalogue(path)


@pytest.mark.parametrize("risk", [None, "", "harmless", "read", 0, "READ"])
def test_a_tool_without_a_known_risk_is_refused_at_start(bench: Bench, risk: Any) -> None:
    with pytest.raises(ConfigurationError, match="no known risk"):
        Registry(bench.environment(), [replace(READ, risk=risk)])


def test_a_tool_that_is_listed_twice_is_refused_at_start(bench: Bench) -> None:
    with pytest.raises(ConfigurationError, match="listed twice"):
        Registry(bench.environment(), [READ, READ])


def test_a_rating_must_fit_what_the_tool_can_do(bench: Bench) -> None:
    act = next(spec for spec in build_registry(bench.environment()) if spec.name == "restart_service")
    wrong: list[ToolSpec[Any]] = [
        replace(act, risk=Risk.READ),
        replace(READ, risk=Risk.DISRUPTIVE),
        replace(READ, action=act.action),
        replace(READ, read=None),
        replace(act, args=Arguments),
        replace(READ, timeout=0),
        replace(READ, timeout=float("inf")),
    ]
    for spec in wrong:
        with pytest.raises(ConfigurationError):
            Registry(bench.environment(), [spec])


def test_without_a_supervisor_there_is_nothing_that_changes_things(bench: Bench) -> None:
    registry = build_registry(bench.environment(supervisor_url=None, supervisor_token=""))
    assert {spec.risk for spec in registry} == {Risk.READ}


def test_a_supervisor_needs_a_token(bench: Bench) -> None:
    with pytest.raises(ConfigurationError, match="SUPERVISOR_TOKEN"):
        bench.environment(supervisor_token="")


async def test_a_client_that_follows_redirects_is_refused(bench: Bench) -> None:
    async with httpx.AsyncClient(follow_redirects=True) as http:
        with pytest.raises(ConfigurationError, match="redirects"):
            bench.environment(http=http)


def test_a_good_catalogue_is_read(tmp_path: Path, bench: Bench) -> None:
    catalogue = load(tmp_path, GOOD)
    environment = Environment.of(catalogue, supervisor_token="", http=bench.http, clock=bench.clock)
    assert environment.service("front").url == "http://127.0.0.1:1"
    assert environment.dependents("checkout") == ("front",)
    assert environment.supervisor_url is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("name: front", "name: Front Door", "services.0.name"),
        ("name: front", "name: checkout", "listed twice"),
        ("[checkout]", "[checkuot]", "front depends on 'checkuot'"),
        ("http://127.0.0.1:1/", "ftp://127.0.0.1", "services.0.url: must be an http"),
        ("http://127.0.0.1:1/", "http://bob:hunter2@127.0.0.1", "neither credentials"),
        ("http://127.0.0.1:1/", "file:///etc/passwd", "services.0.url"),
        ("/var/log/front.log", "logs/front.log", "absolute path"),
        ("/var/log/front.log", "/var/log/../../etc/passwd", "absolute path"),
        ("prometheus_url", "promethues_url", "promethues_url: Extra inputs"),
        (GOOD, "services: []", "services"),
        (GOOD, "services: [", "not YAML near line"),
        (GOOD, "- 1", "file"),
        (GOOD, "!!python/object/apply:os.system ['true']", "not YAML"),
        (GOOD, "", "file"),
    ],
)
def test_a_fault_in_the_catalogue_is_told_in_one_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, GOOD.replace(old, new))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_catalogue_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"SERVICES_FILE .* cannot be read"):
        load_catalogue(tmp_path / "missing.yaml")
