"""Builds the timeline page over the rows in SQL."""

from contextlib import AsyncExitStack

from slack_sdk.web.async_client import AsyncWebClient
from starlette.routing import Route

from bot.adapters.database.engine import open_database
from bot.bootstrap.stores import Stores
from bot.directory import SlackDirectory
from bot.link_secret import link_secret
from bot.settings import Settings
from bot.web.timeline import timeline_routes
from core.ports import Clock


def build_timeline(settings: Settings, client: AsyncWebClient, clock: Clock, stack: AsyncExitStack) -> Route:
    """Return the page's route; its connections are closed with the stack."""
    database = open_database(settings.database_url)
    stack.push_async_callback(database.close)
    stores = Stores.of(database, clock)
    (route,) = timeline_routes(
        incidents=stores.incidents,
        reports=stores.reports,
        approvals=stores.approvals,
        effects=stores.effects,
        audit=stores.audit,
        clock=clock,
        secret=link_secret(settings),
        directory=SlackDirectory(client, clock),
    )
    return route
