"""The Bolt app that runs listeners; it lives in the worker and is fed from the queue, never from a socket."""

import logging
from collections.abc import Mapping
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.services import Services
from core.errors import RefusedError, TransientError
from core.ids import new_id

__all__ = ["Services", "build_app"]
_log = structlog.get_logger(__name__)


def build_app(services: Services, identity: AuthorizeResult, client: AsyncWebClient) -> AsyncApp:
    """Return the app with every listener registered; a dispatch ends when its listener has ended.

    `identity` is the answer to one auth.test at start: Bolt would otherwise answer 200 to an event that it could
    not authorize, and so lose it.
    """

    async def authorize(**_: object) -> AuthorizeResult:
        return identity

    from bot.listeners import register  # late, so that a listener may import this module's names

    app = AsyncApp(
        name="watchkeeper",  # else Bolt looks it up in a walk over all frames, which takes longer than everything else
        logger=logging.getLogger("slack_bolt"),
        client=client,
        authorize=authorize,
        process_before_response=True,
        request_verification_enabled=False,
    )
    register(app, services)
    app.error(_explain)
    return app


async def _explain(error: Exception, body: dict[str, Any], context: AsyncBoltContext) -> BoltResponse | None:
    """The one error handler: a refusal is shown as written, the rest gets a reference; None asks for another try."""
    if isinstance(error, TransientError):
        _log.warning("listener_interrupted", error=str(error))
        return None
    if isinstance(error, RefusedError):
        _log.info("listener_refused", error=type(error).__name__, user=context.user_id)
        sentence = str(error)
    else:
        reference = new_id("ref")
        _log.error("listener_failed", reference=reference, user=context.user_id, exc_info=error)
        sentence = f"Something went wrong (ref {reference}). Please try again."
    try:
        await _whisper(sentence, body, context)
    except SlackApiError as unheard:
        _log.warning("refusal_not_shown", error=str(unheard.response.get("error")), user=context.user_id)
    return BoltResponse(status=200)


async def _whisper(sentence: str, body: Mapping[str, Any], context: AsyncBoltContext) -> None:
    """Show a sentence to the one person who acted, in the thread where they acted, or as a direct message."""
    client = context.client
    if context.user_id is None:
        return
    if context.channel_id is None:
        await client.chat_postMessage(channel=context.user_id, text=sentence, unfurl_links=False, unfurl_media=False)
        return
    event, message = body.get("event") or {}, body.get("message") or {}
    thread = event.get("thread_ts") or message.get("thread_ts")
    await client.chat_postEphemeral(
        channel=context.channel_id, user=context.user_id, text=sentence, thread_ts=thread or None
    )
