"""What the workspace holds: people, conversations, messages, apps, views and files, all in memory."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
TEAM_ID = "T00WATCH"
TEAM_NAME = "Watchkeeper Demo"
TEAM_DOMAIN = "watchkeeper-demo"
VERIFICATION_TOKEN = "local-verification-token"


@dataclass
class User:
    """A person or a bot user."""

    id: str
    name: str
    real_name: str
    title: str = ""
    color: str = "4a6fa5"
    is_bot: bool = False
    is_restricted: bool = False
    app_id: str = ""
    bot_id: str = ""

    @property
    def email(self) -> str:
        """Address that users.lookupByEmail finds."""
        return f"{self.name}@watchkeeper.example"


@dataclass
class Stream:
    """The life of one streamed message: streaming, then stopped, expired or stopped_by_user."""

    started: float
    state: str = "streaming"
    mode: str = "timeline"
    size: int = 0
    parts: list[Json] = field(default_factory=list[Json])


@dataclass
class Message:
    """One message: `body` is what the Web API shows, the rest is what only the server knows."""

    body: Json
    app_id: str = ""
    stream: Stream | None = None
    interaction_error: Json | None = None
    state_values: Json = field(default_factory=dict[str, Any])
    viewer: str = ""
    broadcast: bool = False

    @property
    def ts(self) -> str:
        """Its timestamp, unique within the channel."""
        return self.body["ts"]

    @property
    def thread_ts(self) -> str | None:
        """Root of its thread, None for a message outside any thread."""
        return self.body.get("thread_ts")

    @property
    def is_reply(self) -> bool:
        """Whether it hangs below another message."""
        return self.thread_ts not in (None, self.ts)


@dataclass
class Channel:
    """A channel or a direct message, with everything said in it."""

    id: str
    name: str = ""
    is_im: bool = False
    is_private: bool = False
    topic: str = ""
    purpose: str = ""
    members: list[str] = field(default_factory=list[str])
    created: int = 0
    creator: str = "U0ALICE"
    is_archived: bool = False
    messages: dict[str, Message] = field(default_factory=dict[str, Message])
    ephemerals: list[Message] = field(default_factory=list[Message])
    pins: list[Json] = field(default_factory=list[Json])
    bookmarks: list[Json] = field(default_factory=list[Json])

    def other_member(self, user_id: str) -> str:
        """The partner of `user_id` in a direct message."""
        return next((m for m in self.members if m != user_id), user_id)


@dataclass
class App:
    """An installed app and how its events reach it (a socket, or request_url)."""

    id: str
    name: str
    bot_user_id: str
    bot_id: str
    bot_token: str
    app_token: str
    signing_secret: str
    scopes: tuple[str, ...]
    commands: list[Json] = field(default_factory=list[Json])
    shortcuts: list[Json] = field(default_factory=list[Json])
    request_url: str | None = None
    home: bool = True


@dataclass
class View:
    """A modal or a Home tab: the JSON an app sees, and who is looking at it."""

    body: Json
    app_id: str
    user_id: str
    values: Json = field(default_factory=dict[str, Any])


@dataclass
class File:
    """An uploaded file; `content` is None until the bytes have arrived."""

    id: str
    name: str
    size: int
    user_id: str
    app_id: str = ""
    title: str = ""
    alt_txt: str = ""
    created: int = 0
    content: bytes | None = None
    shares: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    completed: bool = False


@dataclass
class Session:
    """State of an agent's session in one thread, and of its status line."""

    app_id: str
    status: str = ""
    title: str = ""
    loading: str = ""
    clear_timer: asyncio.Task[None] | None = None


@dataclass
class State:
    """Everything the workspace remembers."""

    users: dict[str, User] = field(default_factory=dict[str, User])
    channels: dict[str, Channel] = field(default_factory=dict[str, Channel])
    usergroups: dict[str, Json] = field(default_factory=dict[str, Json])
    apps: dict[str, App] = field(default_factory=dict[str, App])
    files: dict[str, File] = field(default_factory=dict[str, File])
    modals: dict[str, list[View]] = field(default_factory=dict[str, list[View]])
    homes: dict[tuple[str, str], View] = field(default_factory=dict[tuple[str, str], View])
    sessions: dict[tuple[str, str], Session] = field(default_factory=dict[tuple[str, str], Session])
    prompts: dict[tuple[str, str], list[Json]] = field(default_factory=dict[tuple[str, str], list[Json]])
    scheduled: dict[str, Json] = field(default_factory=dict[str, Json])
    executions: dict[str, Json] = field(default_factory=dict[str, Json])
    revoked: set[str] = field(default_factory=set[str])

    def app_of_token(self, token: str) -> App | None:
        """The app whose bot or app-level token this is."""
        return next((a for a in self.apps.values() if token in (a.bot_token, a.app_token)), None)

    def app_of_bot_user(self, user_id: str) -> App | None:
        """The app behind a bot user."""
        return next((a for a in self.apps.values() if a.bot_user_id == user_id), None)

    def user_named(self, name: str) -> User | None:
        """The user with this handle."""
        return next((u for u in self.users.values() if u.name == name), None)

    def channel_named(self, name: str) -> Channel | None:
        """The channel with this name, without the hash sign."""
        return next((c for c in self.channels.values() if c.name == name and not c.is_im), None)
