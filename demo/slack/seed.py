"""The people, channels and the app that every fresh workspace starts with; their ids never change."""

import secrets
import time

from demo.slack.ids import new_id, slug
from demo.slack.state import TEAM_ID, App, Channel, Json, State, User

SCOPES = (
    "app_mentions:read",
    "assistant:write",
    "bookmarks:read",
    "bookmarks:write",
    "channels:history",
    "channels:join",
    "channels:manage",
    "channels:read",
    "chat:write",
    "chat:write.customize",
    "chat:write.public",
    "commands",
    "emoji:read",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "incoming-webhook",
    "links:write",
    "mpim:read",
    "pins:read",
    "pins:write",
    "reactions:read",
    "reactions:write",
    "team:read",
    "usergroups:read",
    "users.profile:read",
    "users:read",
    "users:read.email",
)
_PEOPLE = (
    User("U0ALICE", "alice", "Alice Moreno", "SRE on call", "9f69e7"),
    User("U0CAROL", "carol", "Carol Idowu", "SRE", "4bbe2e"),
    User("U0DANA", "dana", "Dana Whitfield", "Owner of payments", "2f8f6b"),
    User("U0BOB", "bob", "Bob Lindqvist", "Developer of checkout", "e7392d"),
    User("U0DAVE", "dave", "Dave Okafor", "Contractor", "3c989f", is_restricted=True),
)
_CHANNELS = (
    ("C0INCIDENTS", "incidents", "Alerts and the work on them"),
    ("C0OPS", "ops", "Questions and changes"),
    ("C0GENERAL", "general", "Everybody"),
)


def seed_state() -> State:
    """A workspace on its first morning."""
    state = State()
    for person in _PEOPLE:
        state.users[person.id] = User(**vars(person))
    state.usergroups["S0SRE"] = {"id": "S0SRE", "name": "SRE", "handle": "sre", "users": ["U0ALICE", "U0CAROL"]}
    state.usergroups["S0PAY"] = {"id": "S0PAY", "name": "Payments", "handle": "payments", "users": ["U0DANA"]}
    for channel_id, name, topic in _CHANNELS:
        members = [u.id for u in _PEOPLE if not (u.id == "U0DAVE" and channel_id == "C0OPS")]
        state.channels[channel_id] = Channel(channel_id, name, topic=topic, members=members, created=int(time.time()))
    add_app(
        state,
        App(
            id="A0WATCH",
            name="Watchkeeper",
            bot_user_id="U0WATCH",
            bot_id="B0WATCH",
            bot_token="xoxb-local-watchkeeper-bot",
            app_token="xapp-local-watchkeeper-app",
            signing_secret="local-signing-secret-8c1f0a",
            scopes=SCOPES,
            commands=[
                {
                    "command": "/ops",
                    "description": "Watchkeeper",
                    "usage_hint": "help | ask | status | incidents | approvals | approve | reject | freeze",
                    "should_escape": True,
                }
            ],
            shortcuts=[{"callback_id": "investigate_message", "name": "Investigate this", "type": "message"}],
        ),
        handle="watchkeeper",
    )
    return state


def add_app(state: State, app: App, handle: str) -> None:
    """Install an app: its bot user joins every channel."""
    state.apps[app.id] = app
    state.users[app.bot_user_id] = User(
        app.bot_user_id, handle, app.name, color="1d6b64", is_bot=True, app_id=app.id, bot_id=app.bot_id
    )
    for channel in state.channels.values():
        if not channel.is_im:
            channel.members.append(app.bot_user_id)


def register_app(state: State, spec: Json) -> App:
    """Install one more app from `{name, commands?, shortcuts?, request_url?, scopes?}` with tokens of its own."""
    name = str(spec["name"])
    handle = name.lower().replace(" ", "-")
    app = App(
        id=new_id("A"),
        name=name,
        bot_user_id=new_id("U"),
        bot_id=new_id("B"),
        bot_token=f"xoxb-local-{handle}-{secrets.token_hex(8)}",
        app_token=f"xapp-local-{handle}-{secrets.token_hex(8)}",
        signing_secret=secrets.token_hex(16),
        scopes=tuple(spec.get("scopes") or SCOPES),
        commands=[_command(c) for c in spec.get("commands") or []],
        shortcuts=list(spec.get("shortcuts") or []),
        request_url=spec.get("request_url"),
    )
    add_app(state, app, handle)
    return app


def _command(spec: Json | str) -> Json:
    if isinstance(spec, str):
        return {"command": spec, "description": "", "usage_hint": "", "should_escape": False}
    return {"description": "", "usage_hint": "", "should_escape": False, **spec}


def outside_bot(state: State, username: str) -> User:
    """The bot user behind posts of an integration that is no app here (Alertmanager, say); made on first use."""
    key = slug(username)
    user_id = f"U0X{key}"
    if user_id not in state.users:
        state.users[user_id] = User(
            user_id, username.lower(), username, is_bot=True, app_id=f"A0X{key}", bot_id=f"B0X{key}", color="8d8d8d"
        )
    return state.users[user_id]


__all__ = ["SCOPES", "TEAM_ID", "add_app", "outside_bot", "register_app", "seed_state"]
