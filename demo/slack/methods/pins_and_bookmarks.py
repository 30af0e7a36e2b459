"""pins.* and bookmarks.*."""

from demo.slack.arguments import Call
from demo.slack.errors import SlackError
from demo.slack.ids import new_id
from demo.slack.methods.registry import method
from demo.slack.objects import now_seconds
from demo.slack.rates import TIER_2, TIER_3
from demo.slack.state import TEAM_ID, Json


@method("pins.add", TIER_2, "pins:write")
async def pins_add(call: Call) -> None:
    """Pins a message."""
    channel = call.channel(member=True)
    if not call.text("timestamp"):
        raise SlackError("no_item_specified")
    message = call.message(channel, "timestamp")
    if any(p["ts"] == message.ts for p in channel.pins):
        raise SlackError("already_pinned")
    channel.pins.append({"ts": message.ts, "created": now_seconds(), "created_by": call.app.bot_user_id})


@method("pins.remove", TIER_2, "pins:write")
async def pins_remove(call: Call) -> None:
    """Takes a pin off."""
    channel = call.channel(member=True)
    kept = [p for p in channel.pins if p["ts"] != call.text("timestamp")]
    if len(kept) == len(channel.pins):
        raise SlackError("no_pin")
    channel.pins = kept


@method("pins.list", TIER_2, "pins:read")
async def pins_list(call: Call) -> Json:
    """Pinned messages."""
    channel = call.channel(member=True)
    return {
        "items": [
            {
                "type": "message",
                "channel": channel.id,
                "created": p["created"],
                "created_by": p["created_by"],
                "message": channel.messages[p["ts"]].body,
            }
            for p in channel.pins
            if p["ts"] in channel.messages
        ]
    }


@method("bookmarks.add", TIER_2, "bookmarks:write")
async def bookmarks_add(call: Call) -> Json:
    """Adds a link to the bar of a channel."""
    call.args.setdefault("channel", call.require("channel_id"))
    channel = call.channel(member=True)
    if call.require("type") != "link":
        raise SlackError("invalid_bookmark_type")
    if not call.text("link").startswith(("http://", "https://")):
        raise SlackError("invalid_link")
    now = now_seconds()
    bookmark = {
        "id": new_id("Bk"),
        "channel_id": channel.id,
        "title": str(call.require("title")),
        "link": call.text("link"),
        "emoji": call.text("emoji"),
        "type": "link",
        "date_created": now,
        "date_updated": now,
        "rank": "U",
        "last_updated_by_user_id": call.app.bot_user_id,
        "last_updated_by_team_id": TEAM_ID,
    }
    channel.bookmarks.append(bookmark)
    return {"bookmark": bookmark}


@method("bookmarks.remove", TIER_2, "bookmarks:write")
async def bookmarks_remove(call: Call) -> None:
    """Takes a bookmark off."""
    call.args.setdefault("channel", call.require("channel_id"))
    channel = call.channel(member=True)
    kept = [b for b in channel.bookmarks if b["id"] != call.text("bookmark_id")]
    if len(kept) == len(channel.bookmarks):
        raise SlackError("not_found")
    channel.bookmarks = kept


@method("bookmarks.list", TIER_3, "bookmarks:read")
async def bookmarks_list(call: Call) -> Json:
    """The bar of a channel."""
    call.args.setdefault("channel", call.require("channel_id"))
    return {"bookmarks": call.channel(member=True).bookmarks}
