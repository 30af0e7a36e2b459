"""The same graphs on the saver that the bot uses, and in processes that know nothing of each other."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.redis.checkpointer import open_saver
from core.approval import ApprovalStatus
from tests.fakes.servers import *
from tests.graphs.world import ROOT, World, a_brief, a_proposal, approval_of

WEEK = timedelta(days=7)


@pytest.fixture
async def world(redis_url: str) -> AsyncIterator[World]:
    async with open_saver(redis_url, WEEK) as saver:
        yield World(saver=saver)


async def test_a_remediation_survives_a_new_runner_at_every_step(world: World) -> None:
    await world.runner().remediate(a_proposal())
    await world.runner().remediate(a_proposal())
    row = await world.vote(approval_of())
    assert await world.runner().resume(row)
    assert not await world.runner().resume(row)
    assert len(world.toolbox.effects) == 1
    assert (await world.approvals.load(row.id)).status is ApprovalStatus.EXECUTED


async def test_a_conversation_is_remembered(world: World) -> None:
    await world.runner().investigate(a_brief("restart checkout", 1))
    report = await world.runner().investigate(a_brief("what did you propose?", 2))
    assert "restart_service" in report.answer


RESUME = """
import asyncio, json, sys
from datetime import timedelta
from bot.adapters.redis.checkpointer import open_saver
from core.approval import ApprovalRequest
from tests.graphs.world import World

async def main():
    given = json.load(sys.stdin)
    row = ApprovalRequest.model_validate(given["row"])
    async with open_saver(given["url"], timedelta(days=7)) as saver:
        world = World(saver=saver)
        await world.approvals.create(row)
        told = await world.runner().resume(row)
    ended = await world.approvals.load(row.id)
    effects = [call.name for _, call in world.toolbox.effects]
    print(json.dumps({"told": told, "effects": effects, "status": ended.status.value}))

asyncio.run(main())
"""


def resume_elsewhere(row: Any, url: str) -> Any:
    """Resume in a process that was born a moment ago."""
    given = json.dumps({"row": row.model_dump(mode="json"), "url": url})
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LANGGRAPH_STRICT_MSGPACK": "true"}
    done = subprocess.run(
        [sys.executable, "-c", RESUME], input=given, capture_output=True, text=True, env=environment, cwd=Path(ROOT)
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("choice", "effects", "status"), [("approve", ["restart_service"], "executed"), ("reject", [], "rejected")]
)
async def test_a_verdict_is_carried_out_by_a_process_that_has_just_started(
    world: World, redis_url: str, choice: str, effects: list[str], status: str
) -> None:
    await world.runner().remediate(a_proposal())
    row = await world.vote(approval_of(), choice)
    assert resume_elsewhere(row, redis_url) == {"told": True, "effects": effects, "status": status}
    assert not await world.runner().resume(row)
    assert world.toolbox.effects == []
