"""The web role at work: serves, holds the line to Slack, and says once when the whole bot is ready."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from bot.adapters.redis.cancelling import cancel_until_gone
from bot.settings import WebSettings
from bot.slack_link import SlackLink
from bot.web.http_protocol import BoundedProtocol
from core.errors import ConfigurationError

READY = "watchkeeper is ready"


class _Server(uvicorn.Server):
    """A server that leaves signals to its owner."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass(frozen=True, slots=True)
class WebRole:
    """Everything the web role runs; built by bootstrap."""

    site: ASGIApp
    link: SlackLink
    ready: Callable[[], Awaitable[bool]]
    settings: WebSettings

    async def run(self, stopping: asyncio.Event) -> None:
        """Serve until `stopping` is set; ConfigurationError when the port is taken or Slack refuses a token."""
        listener = _listen(self.settings.host, self.settings.port)
        print(f"web: on {self.settings.host}:{self.settings.port}, links begin with {self.settings.links}", flush=True)
        if self.settings.listens_everywhere and not self.settings.public_url:
            print(
                "web: these links open on this machine only; set WEB_PUBLIC_URL to the address people use", flush=True
            )
        server = _Server(
            uvicorn.Config(
                self.site, log_config=None, access_log=False, lifespan="off", http=BoundedProtocol, ws="none",
                timeout_graceful_shutdown=3, server_header=False,
            )
        )  # fmt: skip
        tasks = [
            asyncio.create_task(server.serve(sockets=[listener])),
            asyncio.create_task(self.link.run()),
            asyncio.create_task(self._announce()),
        ]
        stopped = asyncio.create_task(stopping.wait())
        try:
            waiting = {stopped, *tasks}
            while not stopped.done():
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
        finally:
            server.should_exit = True
            # More than asked: a task that waits for Redis may swallow the first request.
            await cancel_until_gone([*tasks[1:], stopped])
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _announce(self) -> None:
        while not await self.ready():  # noqa: ASYNC110 - what makes us ready is in other processes
            await asyncio.sleep(0.1)
        print(READY, flush=True)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        raise ConfigurationError(f"WEB_HOST:WEB_PORT {host}:{port} cannot be opened ({error.strerror})") from error
