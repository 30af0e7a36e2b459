"""reactions.*: emoji on messages."""

import re

from demo.slack import messages
from demo.slack.arguments import Call
from demo.slack.errors import SlackError
from demo.slack.methods.chat import permalink
from demo.slack.methods.registry import method
from demo.slack.rates import TIER_2, TIER_3
from demo.slack.state import Json

_NAME = re.compile(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?$")
_MAX_EMOJI = 23


def _change(call: Call, remove: bool) -> None:
    name = call.text("name").strip(":")
    if not call.text("timestamp"):
        raise SlackError("no_item_specified")
    if not _NAME.match(name):
        raise SlackError("invalid_name")
    channel = call.channel()
    message = call.message(channel, "timestamp")
    known = {r["name"] for r in message.body.get("reactions", [])}
    if not remove and name not in known and len(known) >= _MAX_EMOJI:
        raise SlackError("too_many_emoji")
    if not messages.react(call.ws, channel, message, call.app.bot_user_id, name, remove):
        raise SlackError("no_reaction" if remove else "already_reacted")


@method("reactions.add", TIER_3, "reactions:write")
async def reactions_add(call: Call) -> None:
    """The bot reacts."""
    _change(call, remove=False)


@method("reactions.remove", TIER_2, "reactions:write")
async def reactions_remove(call: Call) -> None:
    """The bot takes its reaction back."""
    _change(call, remove=True)


@method("reactions.get", TIER_3, "reactions:read")
async def reactions_get(call: Call) -> Json:
    """A message with its reactions."""
    if not call.text("timestamp"):
        raise SlackError("no_item_specified")
    channel = call.channel()
    message = call.message(channel, "timestamp")
    body = {**message.body, "permalink": permalink(call, channel, message)}
    return {"type": "message", "channel": channel.id, "message": body}
