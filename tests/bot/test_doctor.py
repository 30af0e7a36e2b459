"""The doctor: a line for each thing the bot leans on, a mend for each that fails, and a status for scripts."""

import re
from argparse import Namespace
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn
import yaml
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot import doctor
from bot.adapters.clock import SystemClock
from bot.commands.doctor import _history
from bot.doctor import Finding, SlackCheck, check_addresses, check_model, examine
from bot.settings import GROUPS, Settings
from core.errors import TransientError
from demo.slack import LocalWorkspace
from tests.bot.test_audit_export import populate
from tests.bot.test_audit_rows import behind_the_triggers
from tests.contracts.test_audit_heads import Court
from tests.fakes.clock import FakeClock
from tests.fakes.databases import *
from tests.fakes.processes import free_port

ROOT = Path(__file__).parents[2]


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    for group in GROUPS.values():
        for name in group.model_fields:
            monkeypatch.delenv(f"{group.model_config.get('env_prefix', '')}{name}".upper(), raising=False)
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-local-watchkeeper-bot")
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-local-watchkeeper-app")
    return Settings.load(None)


@pytest.fixture
async def workspace() -> AsyncIterator[LocalWorkspace]:
    async with LocalWorkspace(port=0) as workspace:
        yield workspace


def check_of(workspace: LocalWorkspace, settings: Settings, token: str = "xoxb-local-watchkeeper-bot") -> SlackCheck:
    return SlackCheck(AsyncWebClient(token=token, base_url=f"{workspace.url}/api/"), settings, SystemClock())


async def test_a_whole_slack_app_has_nothing_to_mend(workspace: LocalWorkspace, settings: Settings) -> None:
    check = check_of(workspace, settings)
    found = [*await check.bot_token(), *await check.app_token()]
    assert [(finding.name, finding.state) for finding in found] == [
        ("slack", "ok"),
        ("scopes", "ok"),
        ("clock", "ok"),
        ("app token", "ok"),
    ]


async def test_a_refused_token_is_named(workspace: LocalWorkspace, settings: Settings) -> None:
    (finding,) = await check_of(workspace, settings, "xoxb-wrong").bot_token()
    assert finding.state == "fail"
    assert "SLACK_BOT_TOKEN" in finding.text
    swapped = settings.model_copy(
        update={"slack": settings.slack.model_copy(update={"app_token": settings.slack.bot_token})}
    )
    (finding,) = await check_of(workspace, swapped).app_token()
    assert finding.state == "fail"
    assert "SLACK_APP_TOKEN" in finding.text


async def test_a_missing_scope_is_named(
    workspace: LocalWorkspace, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "SCOPES", (*doctor.SCOPES, "admin:everything"))
    found = await check_of(workspace, settings).bot_token()
    assert [(finding.name, "admin:everything" in finding.text) for finding in found if finding.state == "fail"] == [
        ("scopes", True)
    ]


def test_the_doctor_asks_for_the_scopes_of_the_manifest() -> None:
    manifest = yaml.safe_load(Path("deploy/slack-manifest.yaml").read_text())
    assert list(doctor.SCOPES) == manifest["oauth_config"]["scopes"]["bot"]


@pytest.mark.parametrize(("minutes", "state"), [(0.05, "ok"), (-0.1, "ok"), (0.6, "fail"), (-10, "fail")])
async def test_a_clock_that_is_off_is_noticed_before_signatures_are_refused(
    workspace: LocalWorkspace, settings: Settings, minutes: float, state: str
) -> None:
    clock = FakeClock(datetime.now(UTC) + timedelta(minutes=minutes))
    check = SlackCheck(check_of(workspace, settings).client, settings, clock)
    assert [finding.state for finding in await check.bot_token() if finding.name == "clock"] == [state]


@dataclass
class ModelServer:
    """An OpenAI-compatible address that answers as it is told."""

    url: str
    answer: Response


@pytest.fixture
async def models() -> AsyncIterator[ModelServer]:
    async def listing(request: Request) -> Response:
        return server.answer

    port = free_port()
    server = ModelServer(f"http://127.0.0.1:{port}/v1", JSONResponse({"data": [{"id": "small"}]}))
    app = Starlette(routes=[Route("/v1/models", listing)])
    config = uvicorn.Config(app, port=port, log_level="warning", lifespan="off")
    running = uvicorn.Server(config)
    running.config.load()
    running.lifespan = config.lifespan_class(config)
    await running.startup()
    yield server
    await running.shutdown()


@pytest.mark.parametrize(
    ("answer", "model", "state", "word"),
    [
        (JSONResponse({"data": [{"id": "small"}]}), "small", "ok", "small at"),
        (JSONResponse({"data": [{"id": "small"}]}), "large", "fail", "OPENAI_MODEL"),
        (JSONResponse({}, 401), "small", "fail", "OPENAI_API_KEY"),
        (JSONResponse({}, 404), "small", "warn", "not verified"),
        (PlainTextResponse("down", 500), "small", "fail", "500"),
        (PlainTextResponse("<html>"), "small", "fail", "OPENAI_BASE_URL"),
    ],
)
async def test_a_model_that_cannot_be_asked_is_explained(
    models: ModelServer, settings: Settings, answer: Response, model: str, state: str, word: str
) -> None:
    models.answer = answer
    asked = settings.openai.model_copy(update={"model": model, "base_url": models.url})
    (finding,) = await check_model(asked)
    assert finding.state == state
    assert word in finding.text


async def test_without_a_model_there_is_nothing_to_ask(settings: Settings) -> None:
    assert [finding.state for finding in await check_model(settings.openai)] == ["ok"]


async def test_a_service_that_is_down_is_a_warning_and_no_failure() -> None:
    (finding,) = await check_addresses([("checkout", f"http://127.0.0.1:{free_port()}")])
    assert finding.state == "warn"


async def test_a_check_that_breaks_or_hangs_is_a_failure_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_PATIENCE", 0.05)

    async def breaks() -> list[Finding]:
        raise TransientError("database: OperationalError")

    async def hangs() -> list[Finding]:
        import asyncio

        await asyncio.Event().wait()
        return []

    async def refuses() -> list[Finding]:
        raise httpx.ConnectError("refused")

    found = [finding async for finding in examine([("sql", breaks), ("redis", hangs), ("model", refuses)])]
    assert [(finding.name, finding.state) for finding in found] == [
        ("sql", "fail"),
        ("redis", "fail"),
        ("model", "fail"),
    ]


def test_a_line_is_plain_where_it_is_piped_and_coloured_for_people() -> None:
    finding = Finding("fail", "redis", "set `appendonly yes`")
    assert finding.line(coloured=False) == "fail redis      set `appendonly yes`"
    assert "\x1b[31m" in finding.line(coloured=True)


@pytest.mark.parametrize(("policy", "status"), [("policy.yaml", 0), ("missing.yaml", 1)])
def test_the_verb_says_it_by_its_exit_status(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    policy: str,
    status: int,
) -> None:
    from bot.commands import doctor as verb

    (tmp_path / "services.yaml").write_text(
        yaml.safe_dump({"services": [{"name": "checkout", "env": "prod", "url": "http://127.0.0.1:9"}]})
    )
    files = {"policy_file": Path(policy), "services_file": tmp_path / "services.yaml", "data_dir": tmp_path / "data"}
    settings = settings.model_copy(update={"files": settings.files.model_copy(update=files)})
    slack = {"slack", "app token"}
    monkeypatch.setattr(
        verb, "_checks", lambda *given, all_of=verb._checks: [row for row in all_of(*given) if row[0] not in slack]
    )
    assert verb.run(settings, Namespace(env_file=tmp_path / "none")) == status
    lines = capsys.readouterr().out.splitlines()
    assert all(line[:4].strip() in {"ok", "warn", "fail"} for line in lines)
    assert len([line for line in lines if line.startswith("fail")]) == status


async def test_a_history_that_was_changed_is_named_with_the_way_out(
    database_url: str, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    settings = Settings.load(None)
    assert [finding.text for finding in await _history(settings)] == ["nothing is signed yet"]
    await Court(database_url, tmp_path).populate()
    await populate(database_url)
    (found,) = await _history(settings)
    assert (found.state, found.text) == ("ok", "verified, 12 rows")
    await behind_the_triggers(database_url, "UPDATE votes SET choice = 'reject'")
    (found,) = await _history(settings)
    assert found.state == "fail"
    assert "the vote of U0BOB is reject" in found.text
    (named,) = re.findall(r"docs/[a-z-]+\.md", found.text)
    assert (ROOT / named).is_file()
