"""What people do in Slack, one feature a file; each file's `register(app, services)` is called from here."""

from slack_bolt.async_app import AsyncApp

from bot.listeners.actions import approve, ask_again, bulk_reject, dead_letters, details, edit, grants, reject, undo
from bot.listeners.commands import ops
from bot.listeners.events import app_home_opened, app_mention, message
from bot.listeners.shortcuts import investigate_message
from bot.listeners.views import confirmed, edited, granted, reject_reason
from bot.services import Services

_FEATURES = (
    approve,
    edit,
    reject,
    undo,
    ask_again,
    bulk_reject,
    details,
    grants,
    dead_letters,
    reject_reason,
    edited,
    confirmed,
    granted,
    ops,
    app_mention,
    message,
    app_home_opened,
    investigate_message,
)


def register(app: AsyncApp, services: Services) -> None:
    """Add every listener to the app."""
    for feature in _FEATURES:
        feature.register(app, services)
