"""The Bolt app that runs listeners; it lives in the worker and is fed from the queue, never from a socket."""

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.services import Services
from bot.settings import Settings

__all__ = ["Services", "build_app", "slack_client"]


def slack_client(settings: Settings) -> AsyncWebClient:
    """Return a Web API client that waits as long as a 429 asks for, up to five times a call."""
    client = AsyncWebClient(token=settings.slack.bot_token.get_secret_value(), base_url=settings.slack.api_url)
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=5))
    return client


def build_app(services: Services, settings: Settings, identity: AuthorizeResult, client: AsyncWebClient) -> AsyncApp:
    """Return the app with every listener registered; a dispatch ends when its listener has ended.

    `identity` is the answer to one auth.test at start: Bolt would otherwise answer 200 to an event that it could
    not authorize, and so lose it.
    """

    async def authorize(**_: object) -> AuthorizeResult:
        return identity

    from bot import listeners  # late, so that a listener may import this module's names

    app = AsyncApp(client=client, authorize=authorize, process_before_response=True, request_verification_enabled=False)
    listeners.register(app, services)
    return app
