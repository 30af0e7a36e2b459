"""An unmodified Bolt for JavaScript app lives in the same workspace as the Python ones."""

import asyncio
import hashlib
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from demo.slack import LocalWorkspace

HERE = Path(__file__).parent / "node_app"
ALICE = {"as": "U0ALICE"}


def _cache() -> Path:
    """Where this version of the lock file is installed, outside the repository."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()[:12]
    return root / "watchkeeper-tests" / f"node-{digest}"


@pytest.fixture(scope="module")
def installed() -> Path:
    """The app with its dependencies; skips where node, npm or the registry is out of reach."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("node or npm is not installed")
    target = _cache()
    if not (target / "complete").is_file():
        target.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, target / name)
        command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=0"]
        try:
            done = subprocess.run(command, cwd=target, capture_output=True, timeout=240, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip("npm could not fetch the packages in time")
        if done.returncode:
            pytest.skip("npm could not fetch the packages (is a registry within reach?)")
        (target / "complete").touch()
    shutil.copy(HERE / "app.js", target / "app.js")
    return target


@pytest.fixture
async def node(slack: LocalWorkspace, installed: Path) -> AsyncIterator[dict[str, Any]]:
    """The running app, registered in the workspace."""
    app = await slack.post("apps", name="Nodepeer", commands=["/node"])
    environment = {
        "PATH": os.environ["PATH"],
        "SLACK_API_URL": f"{slack.url}/api/",
        "SLACK_BOT_TOKEN": app["bot_token"],
        "SLACK_APP_TOKEN": app["app_token"],
    }
    process = await asyncio.create_subprocess_exec(
        *("node", "app.js"), cwd=installed, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            while b"ready" not in (line := await process.stdout.readline()):
                assert line, "the app ended before it was ready"
        yield app
    finally:
        process.terminate()
        await process.wait()


@pytest.mark.timeout(300)
async def test_a_node_app_answers_mention_command_button_modal_and_home(
    slack: LocalWorkspace, node: dict[str, Any], wait_until: Callable[..., Any]
) -> None:
    posted = await slack.post("post", as_="U0BOB", channel="C0OPS", text="@nodepeer checkout is slow")
    card = (await slack.get("wait", channel="C0OPS", contains="*Restart checkout?*", thread_ts=posted["ts"]))["message"]
    ran = await slack.post("slash", ALICE, channel="C0OPS", command="/node", text="status")
    assert ran["response"]["text"] == "Working on status"
    await slack.get("wait", channel="C0OPS", contains="Done")
    clicked = await slack.post("click", ALICE, channel="C0OPS", ts=card["ts"], action_id="deny")
    assert clicked == {"ok": True}

    async def views() -> Any:
        return (await slack.get("view", **ALICE))["views"]

    view = (await wait_until(views))[0]
    form = {**ALICE, "view_id": view["id"]}
    refused = await slack.post("view_submit", form, values={"reason": {"text": {"value": "no"}}})
    assert refused["errors"] == {"reason": "Say more."}
    assert await slack.post("view_submit", form, values={"reason": {"text": {"value": "deploy runs"}}}) == {"ok": True}
    await slack.get("wait", channel="C0OPS", contains="Denied by <@U0ALICE>: deploy runs")
    kept = (await slack.get("wait", channel="C0OPS", contains="The reason, kept"))["message"]
    assert kept["files"][0]["size"] == len("deploy runs")
    await slack.post("home_open", ALICE, app_id=node["app_id"], tab="home")

    async def home() -> Any:
        return (await slack.get("view", **ALICE))["homes"].get(node["app_id"])

    await wait_until(home)
    assert [c for c in (await slack.get("calls"))["calls"] if not c["response_ok"]] == []
