"""One running shop for the tests that need real processes, and a receiver for its notices."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from demo.shop.embedded import serving
from demo.shop.shop import Shop
from tests.fakes.waiting import wait_until

TOKEN = "webhook-secret"


@dataclass
class Receiver:
    """Remembers every notice; answers with the statuses in `answers` first, and with 204 after that."""

    url: str = ""
    notices: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    authorizations: list[str | None] = field(default_factory=list[str | None])
    answers: list[int] = field(default_factory=list[int])

    async def take(self, request: Request) -> Response:
        self.authorizations.append(request.headers.get("authorization"))
        status = self.answers.pop(0) if self.answers else 204
        if status < 300:
            self.notices.append(await request.json())
        return Response(status_code=status)

    def groups(self, status: str) -> set[tuple[str, str]]:
        """(alertname, service) of the notices with this status."""
        labels = [notice["groupLabels"] for notice in self.notices if notice["status"] == status]
        return {(one["alertname"], one["service"]) for one in labels}


async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = Starlette(routes=[Route("/alerts", receiver.take, methods=["POST"])])
    async with serving(app, "127.0.0.1") as url:
        receiver.url = f"{url}/alerts"
        yield receiver


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async for one in receiving():
        yield one


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def shop_receiver() -> AsyncIterator[Receiver]:
    async for one in receiving():
        yield one


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def running_shop(shop_receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    async with Shop(folder, webhook_url=shop_receiver.url, webhook_token=TOKEN) as shop:
        yield shop


@pytest_asyncio.fixture(loop_scope="session")
async def shop(running_shop: Shop) -> Shop:
    """The running shop, healed; alerts of an earlier test may still be on their way out."""
    await running_shop.clear()
    return running_shop


@pytest_asyncio.fixture(loop_scope="session")
async def quiet_shop(shop: Shop, shop_receiver: Receiver) -> Shop:
    """The running shop without any alert, not even a pending one, for two scrapes: what a test did shows later."""
    quiet: set[float] = set()

    def two_quiet_scrapes() -> bool:
        if shop.status()["alerts"]:
            quiet.clear()
        else:
            quiet.update(shop.series()["times"][-1:])
        return len(quiet) > 2

    await wait_until(two_quiet_scrapes, 20)
    shop_receiver.notices.clear()
    return shop


@pytest_asyncio.fixture(loop_scope="session")
async def supervisor(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    """A client that may act."""
    headers = {"Authorization": f"Bearer {shop.supervisor_token}"}
    async with httpx.AsyncClient(base_url=shop.supervisor_url, headers=headers, timeout=20) as client:
        yield client
