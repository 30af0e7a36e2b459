"""Which library may be used where: a fence that is crossed once is crossed everywhere a year later."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("bot", "core", "graphs", "tools", "prompts", "demo")

# module prefix -> places (path prefixes) that may import it
FENCES: dict[str, tuple[str, ...]] = {
    "slack_bolt": ("bot/", "demo/"),
    "slack_sdk": ("bot/", "demo/"),
    "langgraph": ("graphs/", "bot/adapters/redis/checkpointer/"),
    "langgraph_checkpoint_aws": (),
    "langchain": ("graphs/",),
    "langchain_core": ("graphs/", "bot/adapters/redis/checkpointer/"),
    "langchain_openai": ("graphs/",),
    "sqlalchemy": ("bot/adapters/",),
    "alembic": ("bot/adapters/",),
    "redis": ("bot/adapters/",),
    "valkey": ("bot/adapters/redis/",),
    "apscheduler": ("bot/adapters/",),
    "subprocess": ("tools/sandbox.py", "bot/processes.py", "demo/"),
    "pickle": (),
}
NAMES: dict[str, tuple[str, ...]] = {
    "environ": ("bot/settings.py", "demo/"),
    "getenv": ("bot/settings.py", "demo/"),
    "create_subprocess_exec": ("tools/sandbox.py", "bot/processes.py", "demo/"),
    "create_subprocess_shell": (),
}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or ""


def crossings(name: str, tree: ast.AST) -> list[str]:
    found = [
        f"{name} imports {module}"
        for module in imported(tree)
        if module.split(".")[0] in FENCES and not name.startswith(FENCES[module.split(".")[0]] or ("\0",))
    ]
    for node in ast.walk(tree):
        used = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        if used in NAMES and not name.startswith(NAMES[used] or ("\0",)):
            found.append(f"{name} uses {used}")
    return found


def test_no_library_is_used_outside_its_fence() -> None:
    assert [crossing for name, tree in modules() for crossing in crossings(name, tree)] == []


def test_the_core_knows_the_standard_library_and_pydantic_only() -> None:
    allowed = {*sys.stdlib_module_names, "pydantic", "core"}
    found = [
        f"{name} imports {module}"
        for name, tree in modules()
        if name.startswith("core/")
        for module in imported(tree)
        if module.split(".")[0] not in allowed
    ]
    assert found == []


def test_the_present_is_read_in_one_place() -> None:
    found = []
    for name, tree in modules():
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Attribute)
                and node.attr in {"now", "utcnow", "today"}
                and not name.startswith("demo/")
            ):
                owner = node.value
                if isinstance(owner, ast.Name) and owner.id in {"datetime", "date"} and name != "bot/adapters/clock.py":
                    found.append(name)
    assert found == []


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("core/alert.py", "import sqlalchemy"),
        ("bot/worker.py", "from langgraph.graph import StateGraph"),
        ("graphs/runner.py", "import slack_sdk.web"),
        ("tools/guard.py", "import os\nos.environ['X']"),
        ("bot/app.py", "import asyncio\nasyncio.create_subprocess_shell('x')"),
        ("bot/adapters/queue.py", "import pickle"),
    ],
)
def test_the_fence_sees_whoever_climbs_it(name: str, code: str) -> None:
    assert crossings(name, ast.parse(code)) != []
