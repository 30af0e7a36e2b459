"""The doctor asks for what a wrong setting would break later: the channel, the approvers, the token, a typo."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvicorn
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.addresses import shown
from bot.commands import doctor as verb
from bot.doctor import check_addresses, check_model, check_supervisor
from bot.doctor_slack import check_channel, check_members
from bot.env_file import unknown_variables
from bot.settings import NOTHING, DatabaseSettings, OpenAISettings, RedisSettings, Settings
from demo.slack import LocalWorkspace
from tests.fakes.processes import free_port


@pytest.fixture
async def workspace() -> AsyncIterator[LocalWorkspace]:
    async with LocalWorkspace(port=0) as workspace:
        yield workspace


@pytest.fixture
def client(workspace: LocalWorkspace) -> AsyncWebClient:
    return AsyncWebClient(token="xoxb-local-watchkeeper-bot", base_url=f"{workspace.url}/api/")


@pytest.mark.parametrize(
    ("channel", "state"), [("#incidents", "ok"), ("C0INCIDENTS", "ok"), ("#nowhere", "fail"), ("C0NOWHERE", "fail")]
)
async def test_a_channel_that_is_not_there_is_named(client: AsyncWebClient, channel: str, state: str) -> None:
    (finding,) = await check_channel(client, channel)
    assert (finding.state, channel in finding.text) == (state, True)


async def test_a_channel_that_the_bot_is_not_in_is_named(workspace: LocalWorkspace, client: AsyncWebClient) -> None:
    workspace.workspace.state.channels["C0INCIDENTS"].members.remove("U0WATCH")
    (finding,) = await check_channel(client, "#incidents")
    assert finding.state == "fail"
    assert "SLACK_INCIDENT_CHANNEL" in finding.text


async def test_each_approver_whom_slack_does_not_know_is_a_warning(client: AsyncWebClient) -> None:
    assert [each.state for each in await check_members(client, ["S0SRE", "U0ALICE"])] == ["ok"]
    found = await check_members(client, ["S0SRE", "S0GONE", "U0ALICE", "U0GONE"])
    assert [(each.state, each.text.split()[2 if "names U" in each.text else 4]) for each in found] == [
        ("warn", "S0GONE,"),
        ("warn", "U0GONE,"),
    ]


@pytest.fixture
async def patient() -> AsyncIterator[str]:
    """A service in trouble, and a supervisor that accepts one token."""

    async def health(request: Request) -> Response:
        return JSONResponse({}, 503)

    async def act(request: Request) -> Response:
        accepted = request.headers["authorization"] == "Bearer right"
        return JSONResponse(await request.json(), 200 if accepted else 401)

    port = free_port()
    routes = [Route("/healthz", health), Route("/services/checkout/restart", act, methods=["POST"])]
    config = uvicorn.Config(Starlette(routes=routes), port=port, log_level="warning", lifespan="off")
    running = uvicorn.Server(config)
    running.config.load()
    running.lifespan = config.lifespan_class(config)
    await running.startup()
    yield f"http://127.0.0.1:{port}"
    await running.shutdown()


@pytest.mark.parametrize(("token", "state"), [("right", "ok"), ("wrong", "fail"), ("", "warn")])
async def test_a_supervisor_token_is_put_to_the_test_without_an_effect(patient: str, token: str, state: str) -> None:
    (finding,) = await check_supervisor(patient, "checkout", token)
    assert (finding.state, "SUPERVISOR_TOKEN" in finding.text) == (state, True)


async def test_a_service_that_says_it_is_ill_is_a_warning(patient: str) -> None:
    found = await check_addresses([("checkout", f"{patient}/healthz"), ("root", patient)])
    assert [finding.state for finding in found] == ["warn", "ok"]


def test_a_name_that_is_nearly_ours_is_told_from_one_that_is_not(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("SLACK_INCIDENTS_CHANNEL=#x\nSERVICE_FILE=x\nWEB_PORT=1\nREDIS_SPEED=1\nEDITOR=vi\n")
    assert unknown_variables(file) == [
        ("SLACK_INCIDENTS_CHANNEL", "SLACK_INCIDENT_CHANNEL"),
        ("SERVICE_FILE", "SERVICES_FILE"),
        ("REDIS_SPEED", ""),
    ]


async def test_what_cannot_be_reached_is_named_by_its_setting_and_its_host(monkeypatch: pytest.MonkeyPatch) -> None:
    host = f"127.0.0.1:{free_port()}"
    whole = Settings.load(None, ())
    redis, database = (
        RedisSettings(url=f"redis://:hidden@{host}/0"),
        DatabaseSettings(url=f"postgresql://u:hidden@{host}/x"),
    )
    broken = whole.model_copy(update={"redis": redis, "database": database})
    model = OpenAISettings(model="small", base_url=f"http://{host}/v1", api_key=NOTHING)
    found = [*await verb._redis(broken), *await verb._sql(broken), *await check_model(model)]
    for finding, setting in zip(found, ("REDIS_URL", "DATABASE_URL", "OPENAI_BASE_URL"), strict=True):
        assert finding.state == "fail"
        assert finding.text.startswith(f"{setting} {host}")
        assert "hidden" not in finding.text


async def test_a_missing_services_file_is_told_once(tmp_path: Path) -> None:
    whole = Settings.load(None, ())
    files = whole.files.model_copy(update={"services_file": tmp_path / "none.yaml", "data_dir": tmp_path})
    broken = whole.model_copy(update={"files": files})
    found = [
        *await verb._files(broken, tmp_path / "env"),
        *await verb._catalogue(broken),
        *await verb._supervisor(broken),
    ]
    assert [finding.name for finding in found if "SERVICES_FILE" in finding.text] == ["services"]


def test_an_address_is_shown_without_its_credentials() -> None:
    assert shown("redis://:secret@host:6379/0") == "host:6379"
    assert shown("sqlite:////data/file.db") == "//data/file.db"
