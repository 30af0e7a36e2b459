"""The whole bot over a database whose history is taken away while it runs: it says so and reads only."""

import asyncio
import sqlite3
from pathlib import Path

import httpx
import pytest

from bot.__main__ import main
from core.audit_head import SignedHead
from demo.slack import LocalWorkspace
from tests.bot.stage import OPS
from tests.fakes.running_bot import ALERTS_TOKEN, running_bot
from tests.fakes.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
ANOTHER = (Path(__file__).parents[1] / "payloads" / "alertmanager-resolved.json").read_bytes()
FIRING = (Path(__file__).parents[1] / "payloads" / "alertmanager-firing.json").read_bytes()


async def test_a_history_that_is_cut_while_the_bot_runs_is_found_by_the_bot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))

    def verify() -> int:
        return main(["--env-file", "/nowhere", "audit", "verify"])

    async with (
        LocalWorkspace(port=0) as workspace,
        running_bot(workspace.url, tmp_path, AUDIT_CHANNEL="#ops") as bot,
        httpx.AsyncClient(base_url=workspace.url) as slack,
    ):

        async def said(word: str) -> bool:
            query = {"as": "U0ALICE", "channel": OPS}
            messages = (await slack.get("/control/history", params=query)).json()["messages"]
            return any(word in message.get("text", "") for message in messages)

        headers = {"Authorization": f"Bearer {ALERTS_TOKEN}"}
        assert (await bot.http.post("/webhooks/alertmanager", content=FIRING, headers=headers)).status_code == 200
        await wait_until(lambda: said("watchkeeperhead1"), 60)
        # What came after that signature is covered as well, long before the next one is due.
        assert (await bot.http.post("/webhooks/alertmanager", content=ANOTHER, headers=headers)).status_code == 200
        await wait_until(lambda: kept_above(tmp_path / "data"), 20)
        assert await asyncio.to_thread(verify) == 0
        cut(tmp_path / "data" / "watchkeeper.db")
        await wait_until(lambda: said("A human has to look: the history is not the one that was signed"), 90)
        assert "the history is not the one that was signed" in (await bot.http.get("/readyz")).text
        assert await asyncio.to_thread(verify) == 1
    assert "NOT INTACT" in capsys.readouterr().out


def kept_above(data: Path) -> bool:
    last, signed = data / "audit-heads.last", data / "audit-heads.jsonl"
    return last.exists() and SignedHead.parse(last.read_text()).sequence > SignedHead.parse(signed.read_text()).sequence


def cut(file: Path) -> None:
    connection = sqlite3.connect(file, timeout=20)
    connection.execute("DROP TRIGGER audit_events_refuse_delete")
    connection.execute("DELETE FROM audit_events")
    connection.commit()
    connection.close()
