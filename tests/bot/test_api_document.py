"""The document of the API says what its doors do, and the doors need nothing that only the worker has."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route

from bot.api_models import RequestAnswer
from bot.web.openapi import build_document
from tests.fakes.api_caller import Caller
from tests.fakes.clock import FakeClock
from tests.fakes.examples import a_request
from tests.security.api_door import AUTHORITY, Doors

DOCUMENT = build_document()


def described(document: dict[str, Any]) -> set[tuple[str, str]]:
    """Return method and path of every operation."""
    return {(method.upper(), path) for path, operations in document["paths"].items() for method in operations}


def served(routes: list[Route]) -> set[tuple[str, str]]:
    """Return method and path of every route but the document's own."""
    found = {(method, route.path) for route in routes for method in route.methods or () if method != "HEAD"}
    return found - {("GET", "/api/openapi.json")}


def refs(value: Any) -> Iterator[str]:
    """Yield what the document points at."""
    if isinstance(value, dict):
        yield from ([value["$ref"]] if "$ref" in value else [])
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        yield from refs(each)


@pytest.fixture
def routes(tmp_path: Path) -> list[Route]:
    return Doors(tmp_path, FakeClock(datetime.now(UTC)), Caller("chatops", AUTHORITY)).api().routes()


def test_every_door_is_described_and_no_other(routes: list[Route]) -> None:
    assert described(DOCUMENT) == served(routes)


def test_a_door_that_nobody_described_is_seen(routes: list[Route]) -> None:
    assert described(DOCUMENT) != served([*routes, Route("/api/all", lambda _: None, methods=["DELETE"])])


def test_what_the_document_points_at_is_there() -> None:
    known = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert set(refs(DOCUMENT)) <= known
    assert DOCUMENT["openapi"] == "3.1.0"


def test_a_request_is_shown_as_described_with_everything_that_would_run() -> None:
    request = a_request()
    shown = RequestAnswer.of(request).model_dump(mode="json")
    schema = DOCUMENT["components"]["schemas"]["RequestAnswer"]
    assert set(shown) == set(schema["properties"]) == set(schema["required"])
    assert shown["plan"] == request.plan.model_dump(mode="json")


def loaded_by(module: str) -> set[str]:
    """Return the packages that a fresh Python has loaded after importing that module."""
    program = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split())


WORKERS_OWN = {"langgraph", "langchain_core", "sqlalchemy", "matplotlib", "apscheduler", "tiktoken"}


def test_the_doors_load_nothing_that_only_the_worker_needs() -> None:
    loaded = loaded_by("bot.bootstrap.web")
    assert "bot" in loaded
    assert loaded.isdisjoint(WORKERS_OWN)


def test_the_desk_s_side_would_be_seen() -> None:
    assert not loaded_by("bot.bootstrap.stores").isdisjoint(WORKERS_OWN)
