"""The table of Web API methods: each with its rate tier, scopes and the token it takes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from demo.slack.arguments import Call

Handler = Callable[[Call], Awaitable[dict[str, Any] | None]]


@dataclass(frozen=True)
class Method:
    """One method; any one of `scopes` suffices; `per_minute` is its tier."""

    name: str
    handler: Handler
    per_minute: int
    scopes: tuple[str, ...]
    token: str


METHODS: dict[str, Method] = {}


def method(name: str, per_minute: int, *scopes: str, token: str = "bot") -> Callable[[Handler], Handler]:
    """Register a handler; `token` is bot, app (xapp) or none."""

    def register(handler: Handler) -> Handler:
        METHODS[name] = Method(name, handler, per_minute, scopes, token)
        return handler

    return register
