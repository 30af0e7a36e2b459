"""trigger_ids: permission to open one view within three seconds of a click."""

import secrets
import time
from dataclasses import dataclass

from demo.slack.clock import Clock
from demo.slack.errors import SlackError

LIFETIME = 3.0


@dataclass
class Trigger:
    """Who clicked, in which app, and until when a view may follow."""

    app_id: str
    user_id: str
    expires: float
    used: bool = False


class Triggers:
    """Issues trigger_ids and exchanges each at most once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._issued: dict[str, Trigger] = {}

    def issue(self, app_id: str, user_id: str) -> str:
        """A fresh trigger_id for this user and app."""
        trigger_id = f"{int(time.time() * 1000)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self._issued[trigger_id] = Trigger(app_id, user_id, self._clock.now() + LIFETIME)
        return trigger_id

    def exchange(self, trigger_id: str, app_id: str) -> str:
        """The user behind a trigger_id; raises SlackError invalid_, exchanged_ or expired_trigger_id."""
        trigger = self._issued.get(trigger_id)
        if trigger is None or trigger.app_id != app_id:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self._clock.now() > trigger.expires:
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return trigger.user_id
