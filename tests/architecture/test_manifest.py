"""The Slack manifest and the code name the same commands, shortcuts and events, and it holds every scope we use."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot import identifiers, listeners
from bot.blocks.ops_answers import VERBS

ROOT = Path(__file__).resolve().parents[2]
# What Slack asks for before it lets a bot call a method; methods that need nothing are not listed.
SCOPES = {
    "assistant_threads_setStatus": {"chat:write"},
    "chat_postEphemeral": {"chat:write"},
    "chat_postMessage": {"chat:write"},
    "chat_update": {"chat:write"},
    "conversations_history": {"channels:history", "groups:history", "im:history"},
    "conversations_list": {"channels:read", "groups:read"},
    "conversations_open": {"im:write"},
    "conversations_replies": {"channels:history", "groups:history", "im:history"},
    "files_upload_v2": {"files:write"},
    "reactions_add": {"reactions:write"},
    "usergroups_list": {"usergroups:read"},
    "usergroups_users_list": {"usergroups:read"},
    "users_info": {"users:read"},
}
FREE = {"auth_test", "chat_getPermalink", "views_open", "views_publish"}
EVENT_SCOPES = {
    "app_home_opened": set(),
    "app_mention": {"app_mentions:read"},
    "message.channels": {"channels:history"},
    "message.groups": {"groups:history"},
    "message.im": {"im:history"},
}


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "deploy/slack-manifest.yaml").read_text(encoding="utf-8"))


def called_methods() -> set[str]:
    """Return the Web API methods that bot/ calls on a client, outside of its command line and its own process edge."""
    files = [*(ROOT / "bot/cards").glob("*.py"), *(ROOT / "bot/listeners").rglob("*.py"), ROOT / "bot/directory.py"]
    return {name for file in files for name in re.findall(r"client\.([a-z]+_\w+)\b", file.read_text(encoding="utf-8"))}


def test_the_manifest_names_what_the_code_listens_to(manifest: dict[str, Any]) -> None:
    features, settings = manifest["features"], manifest["settings"]
    assert [command["command"] for command in features["slash_commands"]] == [identifiers.COMMAND]
    shortcuts = [(shortcut["callback_id"], shortcut["type"]) for shortcut in features["shortcuts"]]
    assert shortcuts == [(identifiers.INVESTIGATE_SHORTCUT, "message")]
    assert settings["event_subscriptions"]["bot_events"] == list(identifiers.EVENTS)
    assert settings["interactivity"]["is_enabled"]
    assert settings["socket_mode_enabled"]


def test_the_usage_hint_is_the_verbs(manifest: dict[str, Any]) -> None:
    assert manifest["features"]["slash_commands"][0]["usage_hint"].split(" | ") == list(VERBS)


def test_the_scopes_are_those_that_calls_and_events_need(manifest: dict[str, Any]) -> None:
    methods = called_methods()
    assert methods <= set(SCOPES) | FREE
    needed = set().union(*(SCOPES.get(method, set()) for method in methods), *EVENT_SCOPES.values())
    # commands: slash command and shortcut; assistant:write: agent messages; files:read: files on messages we read back.
    needed |= {"commands", "assistant:write", "files:read"}
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == needed
    assert set(EVENT_SCOPES) == set(identifiers.EVENTS)


@pytest.mark.parametrize(
    "payload",
    [
        *({"type": "event_callback", "event": {"type": name.partition(".")[0]}} for name in identifiers.EVENTS),
        {"command": identifiers.COMMAND, "text": ""},
        {"type": "message_action", "callback_id": identifiers.INVESTIGATE_SHORTCUT},
        *(
            {"type": "block_actions", "actions": [{"action_id": name, "type": "button"}]}
            for name in (
                identifiers.APPROVE,
                identifiers.REJECT,
                identifiers.DETAILS,
                identifiers.UNDO,
                identifiers.ASK_AGAIN,
                identifiers.BULK_REJECT,
            )
        ),
        {"type": "block_actions", "actions": [{"action_id": identifiers.EDIT, "type": "button"}]},
        *(
            {"type": "view_submission", "view": {"type": "modal", "callback_id": name}}
            for name in (identifiers.REJECT_VIEW, *identifiers.ANSWERED_VIEWS)
        ),
    ],
    ids=str,
)
async def test_a_listener_is_registered_for_every_name(payload: dict[str, Any]) -> None:
    assert await is_heard(payload)


@pytest.mark.parametrize("payload", [{"command": "/other"}, {"type": "event_callback", "event": {"type": "pin_added"}}])
async def test_the_twin_that_nobody_listens_to_is_caught(payload: dict[str, Any]) -> None:
    assert not await is_heard(payload)


async def is_heard(payload: dict[str, Any]) -> bool:
    """True when some listener would take the payload; none runs."""

    async def authorize(**_: object) -> AuthorizeResult:
        raise AssertionError("nobody is called")

    app = AsyncApp(client=AsyncWebClient(token="xoxb-none"), authorize=authorize, request_verification_enabled=False)
    services: Any = AnyServices()
    listeners.register(app, services)
    request = AsyncBoltRequest(mode="socket_mode", body=payload)
    matching = [
        await matcher.async_matches(request, None) for each in app._async_listeners for matcher in each.matchers
    ]
    return any(matching)


class AnyServices:
    """Services that are only passed along."""

    def __getattr__(self, name: str) -> "AnyServices":
        return AnyServices()


def test_slacks_own_limits_are_kept(manifest: dict[str, Any]) -> None:
    shown = manifest["display_information"]
    assert len(shown["name"]) <= 35
    assert len(shown["description"]) <= 140
    assert 175 <= len(shown["long_description"]) <= 4000
    assert all(len(shortcut["name"]) <= 24 for shortcut in manifest["features"]["shortcuts"])
