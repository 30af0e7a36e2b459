"""How both roles open Slack's Web API."""

import aiohttp
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.settings import SlackSettings


def slack_client(settings: SlackSettings, session: aiohttp.ClientSession | None = None) -> AsyncWebClient:
    """Return a client that waits as long as a 429 asks for, up to five times a call; `session` keeps connections.

    The library's own retry after a lost connection is left out: it would post a message twice underneath the cards'
    read-back, which looks before it posts again.
    """
    return AsyncWebClient(
        token=settings.bot_token.get_secret_value(),
        base_url=settings.api_url,
        session=session,
        retry_handlers=[AsyncRateLimitErrorRetryHandler(max_retry_count=5)],
    )
