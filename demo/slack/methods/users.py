"""users.*: people and what they are in."""

from demo.slack.arguments import Call
from demo.slack.errors import SlackError
from demo.slack.methods.conversations import listed
from demo.slack.methods.registry import method
from demo.slack.objects import channel_json, profile_json, user_json
from demo.slack.paging import page
from demo.slack.rates import TIER_2, TIER_3, TIER_4
from demo.slack.state import Json, User


def _user(call: Call, user_id: str) -> User:
    user = call.ws.state.users.get(user_id)
    if user is None:
        raise SlackError("user_not_found")
    return user


def _shown(call: Call, user: User) -> Json:
    return user_json(user) | ({"locale": "en-US"} if call.flag("include_locale") else {})


@method("users.info", TIER_4, "users:read")
async def users_info(call: Call) -> Json:
    """One person or bot."""
    return {"user": _shown(call, _user(call, call.text("user")))}


@method("users.list", TIER_2, "users:read")
async def users_list(call: Call) -> Json:
    """Everybody."""
    users, metadata = page(call, list(call.ws.state.users.values()))
    members = [_shown(call, u) for u in users]
    return {"members": members, "cache_ts": int(call.ws.clock.now()), "response_metadata": metadata}


@method("users.lookupByEmail", TIER_3, "users:read.email")
async def users_lookup_by_email(call: Call) -> Json:
    """The person with an address."""
    wanted = str(call.require("email")).lower()
    found = next((u for u in call.ws.state.users.values() if not u.is_bot and u.email == wanted), None)
    if found is None:
        raise SlackError("users_not_found")
    return {"user": user_json(found)}


@method("users.conversations", TIER_3, "channels:read", "groups:read", "im:read", "mpim:read")
async def users_conversations(call: Call) -> Json:
    """Conversations of a user, as far as the app may know them."""
    user_id = call.text("user") or call.app.bot_user_id
    _user(call, user_id)
    channels, metadata = page(call, listed(call, only_member_of=user_id))
    shown = [channel_json(c, call.app.bot_user_id) for c in channels]
    for channel in shown:
        channel.pop("is_member", None)
    return {"channels": shown, "response_metadata": metadata}


@method("users.profile.get", TIER_4, "users.profile:read")
async def users_profile_get(call: Call) -> Json:
    """A profile; the bot's own without `user`."""
    profile = profile_json(_user(call, call.text("user") or call.app.bot_user_id))
    profile.pop("team")
    return {"profile": profile}
