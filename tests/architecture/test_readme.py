"""What the README and the files beside it point at is there."""

import re
from pathlib import Path

import pytest

from tools.catalogue import load_catalogue

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "docs/api.md", "deploy/slack.md")
LINK = re.compile(r"\]\(([^)#\s]+)\)")
PATH = re.compile(r"\b(?:bot|core|graphs|tools|tests|demo|prompts|runbooks)/[\w/]*(?:\.py)?")


def missing_in(text: str, folder: Path) -> list[str]:
    """Return the relative links and the paths into the house that lead nowhere."""
    links = [folder / link for link in LINK.findall(text) if "://" not in link]
    paths = [ROOT / path for path in PATH.findall(text)]
    return [str(path.relative_to(ROOT)) for path in (*links, *paths) if not path.exists()]


@pytest.mark.parametrize("page", PAGES)
def test_every_pointer_leads_somewhere(page: str) -> None:
    path = ROOT / page
    assert missing_in(path.read_text(encoding="utf-8"), path.parent) == []


def test_a_pointer_to_nowhere_is_seen() -> None:
    assert missing_in("[x](nowhere.md) and core/nowhere.py", ROOT) == ["nowhere.md", "core/nowhere.py"]


def test_both_commands_are_the_makefile_s() -> None:
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    commands = re.findall(r"^make (\w+)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert commands == ["demo", "test"]
    assert set(commands) <= set(targets)


def test_the_example_of_a_catalogue_is_one() -> None:
    assert {service.name for service in load_catalogue(ROOT / "deploy/services.example.yaml").services} > {"checkout"}
