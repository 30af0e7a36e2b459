"""The web side's way to Slack: who we are, and in socket mode a connection that is always made anew."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.intake import Intake
from core.errors import ConfigurationError, TransientError

_log = structlog.get_logger(__name__)
_HOPELESS: Final = frozenset(
    {"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "not_allowed_token_type"}
)
_UNREACHABLE = (aiohttp.ClientError, OSError, TimeoutError)
_PING = 5.0
_OPEN_WITHIN, _CLOSE_WITHIN = 20.0, 2.0
_AWAY = (
    2.0  # the client looks only at every ping, and one that failed to reconnect keeps trying an address that is spent
)
_LOOK = 0.25
_LONGEST_PAUSE = 30.0
_LISTEN, _GONE, _LONGEST_WAIT = 1.0, 5.0, 5.0


async def identify(client: AsyncWebClient) -> AuthorizeResult:
    """Ask Slack who the token is until Slack can be reached; ConfigurationError when it refuses the token."""
    pause = 0.5
    while True:
        try:
            answer = await client.auth_test()
            return AuthorizeResult.from_auth_test_response(auth_test_response=answer, bot_token=client.token)
        except SlackApiError as error:
            refuse_hopeless("SLACK_BOT_TOKEN", error)
            _log.warning("slack_not_reached", error=str(error.response.get("error")), again_in=pause)
        except _UNREACHABLE as error:
            _log.warning("slack_not_reached", error=str(error) or type(error).__name__, again_in=pause)
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


def own_ids(identity: AuthorizeResult) -> frozenset[str]:
    """Return the user and bot ids that our own messages carry."""
    return frozenset(each for each in (identity.bot_user_id, identity.bot_id) if each)


def refuse_hopeless(variable: str, error: SlackApiError) -> None:
    """Raise ConfigurationError for an answer that no waiting will change."""
    code = str(error.response.get("error"))
    if code in _HOPELESS:
        raise ConfigurationError(f"{variable} is refused by Slack ({code}): put in the token of the installed app")


async def _always() -> None: ...


class SlackLink:
    """Feeds an intake app; `app` is None until Slack has said who we are.

    `reach` returns when the queue answers and raises TransientError when it does not. While it does not, the socket is
    closed: Slack would hand us what another bot, whose queue answers, could take.
    """

    def __init__(
        self,
        client: AsyncWebClient,
        intake: Callable[[AuthorizeResult], Intake],
        app_token: str,
        reach: Callable[[], Awaitable[None]] = _always,
    ) -> None:
        self._reach = reach
        self._client = client
        self._intake = intake
        self._app_token = app_token
        self._handler: AsyncSocketModeHandler | None = None
        self.app: Intake | None = None

    async def run(self) -> None:
        """Identify; without an app token (HTTP mode) that is all, else keep a socket open until cancelled."""
        self.app = self._intake(await identify(self._client))
        if not self._app_token:
            return
        try:
            while True:
                await self._queue_there()
                await self._connect(self.app)
                await _first_of(self._watch(), self._queue_gone())
                await self._hang_up()
        finally:
            await self._hang_up()

    async def connected(self) -> bool:
        """True when payloads can reach us."""
        if not self._app_token:
            return self.app is not None
        return self._handler is not None and await self._handler.client.is_connected()

    async def _queue_there(self) -> None:
        pause = 0.5
        while True:
            try:
                return await self._reach()
            except TransientError as error:
                _log.warning("socket_waits_for_queue", error=str(error), again_in=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_WAIT)

    async def _queue_gone(self) -> None:
        """Return when the queue has not answered for longer than its restart takes."""
        heard = time.monotonic()
        while True:
            try:
                await self._reach()
                heard = time.monotonic()
            except TransientError as error:
                if time.monotonic() - heard > _GONE:
                    _log.warning("socket_closed_without_queue", error=str(error))
                    return
            await asyncio.sleep(_LISTEN)

    async def _connect(self, app: Intake) -> None:
        pause = 0.5
        while True:
            await self._hang_up()
            self._handler = AsyncSocketModeHandler(app, self._app_token, ping_interval=_PING)
            try:
                async with asyncio.timeout(_OPEN_WITHIN):
                    # Asked for here, as the client itself would swallow a refusal and try for ever.
                    self._handler.client.wss_uri = await self._handler.client.issue_new_wss_url()
                    await self._handler.connect_async()
                return
            except SlackApiError as error:
                refuse_hopeless("SLACK_APP_TOKEN", error)
                _log.warning("socket_not_opened", error=str(error.response.get("error")), again_in=pause)
            except _UNREACHABLE as error:
                _log.warning("socket_not_opened", error=str(error) or type(error).__name__, again_in=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _watch(self) -> None:
        """Return when the connection has stayed away for longer than the client takes to renew it in good order."""
        seen = time.monotonic()
        while time.monotonic() - seen < _AWAY:
            if await self.connected():
                seen = time.monotonic()
            await asyncio.sleep(_LOOK)
        _log.warning("socket_lost")

    async def _hang_up(self) -> None:
        handler, self._handler = self._handler, None
        if handler is None:
            return
        try:
            async with asyncio.timeout(_CLOSE_WITHIN):
                await handler.close_async()
        except _UNREACHABLE as error:
            _log.info("socket_not_closed_in_order", error=str(error) or type(error).__name__)


async def _first_of(*works: Coroutine[Any, Any, None]) -> None:
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
