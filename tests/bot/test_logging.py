"""Logs: one shape for everybody's lines, and no secret in any of them."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from bot.adapters.logging import configure_logging

SECRET = "xoxb-1234-secret"


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def write() -> None:
    log = structlog.get_logger("bot.test")
    log.info("event_taken", token=SECRET, nested={"header": f"Bearer {SECRET}"}, number=3)
    logging.getLogger("library").warning("told %s", SECRET, extra={"tool": "probe_http"})
    try:
        raise ValueError(f"refused {SECRET}")
    except ValueError:
        log.exception("event_failed")
    log.debug("not_shown")


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_line_holds_a_secret(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO", form, [SECRET, ""], "web")
    write()
    shown = capsys.readouterr().err
    assert shown.count("[secret]") == 4
    assert SECRET not in shown
    assert "not_shown" not in shown
    assert "ValueError" in shown


def test_a_log_that_does_not_know_the_secret_is_caught(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO", "json", [], "web")
    write()
    assert SECRET in capsys.readouterr().err


def test_each_json_line_names_its_role_its_time_and_its_level(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("INFO", "json", [], "worker")
    write()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["event_taken", f"told {SECRET}", "event_failed"]
    assert {line["role"] for line in lines} == {"worker"}
    assert all(line["timestamp"].endswith("Z") and line["level"] for line in lines)
    assert (lines[0]["number"], lines[1]["tool"]) == (3, "probe_http")
