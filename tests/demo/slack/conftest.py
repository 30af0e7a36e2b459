"""A fresh workspace for every test, and a Slack SDK client pointed at it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from demo.slack import LocalWorkspace

BOT_TOKEN, APP_TOKEN = "xoxb-local-watchkeeper-bot", "xapp-local-watchkeeper-app"


@pytest.fixture
async def slack() -> AsyncIterator[LocalWorkspace]:
    """A running workspace."""
    async with LocalWorkspace() as workspace:
        yield workspace


@pytest.fixture
def client(slack: LocalWorkspace) -> AsyncWebClient:
    """The seed app's Web API client."""
    return AsyncWebClient(token=BOT_TOKEN, base_url=f"{slack.url}/api/")


@pytest.fixture
async def http(slack: LocalWorkspace) -> AsyncIterator[httpx.AsyncClient]:
    """A bare HTTP client rooted at the workspace."""
    async with httpx.AsyncClient(base_url=slack.url, trust_env=False) as bare:
        yield bare


@pytest.fixture
def wait_until() -> Callable[..., Any]:
    """Waits for a condition instead of sleeping."""

    async def wait(condition: Callable[[], Any], timeout: float = 8) -> Any:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            found = condition()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.01)
        raise AssertionError("the condition never came true")

    return wait
