"""Builds the web role; nothing here may import LangGraph, so that this process starts fast and stays small."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from slack_sdk.web.async_client import AsyncWebClient
from starlette.routing import BaseRoute, Route

from bot.adapters.clock import SystemClock
from bot.adapters.redis.answers import RedisAnswers
from bot.adapters.redis.api_memory import RedisApiMemory
from bot.adapters.redis.cancelling import answer_within
from bot.adapters.redis.connection import connect
from bot.adapters.redis.heartbeat import NOTES, Heartbeat
from bot.adapters.redis.inspection import reach
from bot.adapters.redis.queue import RedisQueue
from bot.adapters.redis.wire import Wire
from bot.addresses import shown
from bot.bootstrap.api import build_api
from bot.bootstrap.slack import slack_client
from bot.ingress.verifier import SlackVerifier
from bot.intake import build_intake
from bot.settings import AlertsSettings, Settings
from bot.slack_link import SlackLink
from bot.web.credentials import AlertCredentials
from bot.web.health import health_routes
from bot.web.late import late_route
from bot.web.site import build_site
from bot.web.slack_events import slack_routes
from bot.web.webhooks import Webhooks
from bot.web_role import WebRole
from core.errors import ConfigurationError, TransientError

_ANSWER_WITHIN = 2.0  # seconds for Redis; Slack waits three


@asynccontextmanager
async def build_web(settings: Settings) -> AsyncIterator[WebRole]:
    """Yield the web role; connections are closed when the block ends."""
    if not settings.redis.url:
        raise ConfigurationError("REDIS_URL is missing: a role of its own needs the Redis that the other role uses")
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        redis = connect(settings.redis.url, timeout=_ANSWER_WITHIN)
        stack.push_async_callback(redis.aclose)
        wire = Wire(redis)
        stack.push_async_callback(wire.close)
        queue = RedisQueue(redis, longest=settings.queue.longest, wire=wire)
        client = slack_client(settings.slack)
        in_socket = settings.slack.mode == "socket"
        link = SlackLink(
            client,
            intake=lambda identity: build_intake(queue, clock, identity, client, RedisAnswers(redis)),
            app_token=settings.slack.app_token.get_secret_value() if in_socket else "",
            reach=lambda: reach(redis, f"REDIS_URL {shown(settings.redis.url)}"),
        )
        worker, notes = Heartbeat(redis, "worker"), Heartbeat(redis, NOTES)

        async def readiness() -> Mapping[str, bool]:
            try:
                alive, queue_reached = await answer_within(_ANSWER_WITHIN, worker.fresh()), True
            except (TransientError, TimeoutError):
                alive, queue_reached = False, False
            return {"slack": await link.connected(), "queue": queue_reached, "worker": alive}

        async def said(by: Heartbeat) -> str:
            try:
                return await answer_within(_ANSWER_WITHIN, by.word())
            except (TransientError, TimeoutError):
                return "the queue cannot be reached"

        async def backlog() -> Mapping[str, Mapping[str, float]]:
            try:
                behind = await answer_within(_ANSWER_WITHIN, queue.lag())
                return {name: lag._asdict() for name, lag in behind.items()}
            except (TransientError, TimeoutError):
                return {}

        health = health_routes(readiness, partial(said, worker), backlog, partial(said, notes))
        routes: list[BaseRoute] = [*health, *_webhooks(settings.alerts, queue, clock).routes()]
        if not in_socket:  # first, as it is asked for most
            routes[:0] = slack_routes(link, SlackVerifier(settings.slack.signing_secret.get_secret_value(), clock))
        routes += build_api(settings, queue, RedisApiMemory(redis), clock, stack)
        routes.append(late_route("/timeline/{subject}", partial(_timeline, settings, client, clock, stack)))

        async def ready() -> bool:
            return all((await readiness()).values())

        yield WebRole(build_site(routes), link, ready, settings.web)


def _webhooks(alerts: AlertsSettings, queue: RedisQueue, clock: SystemClock) -> Webhooks:
    credentials = AlertCredentials(alerts.token.get_secret_value(), alerts.basic_auth.get_secret_value())
    return Webhooks(queue, clock, credentials)


def _timeline(settings: Settings, client: AsyncWebClient, clock: SystemClock, stack: AsyncExitStack) -> Route:
    from bot.bootstrap.timeline import build_timeline  # brings SQLAlchemy and Jinja along

    return build_timeline(settings, client, clock, stack)
