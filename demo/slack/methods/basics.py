"""Who am I, where am I: auth, team, bots, emoji, connections, block validation, OAuth."""

from typing import Any

from demo.slack.arguments import Call
from demo.slack.blocks import check_blocks, check_view
from demo.slack.errors import SlackError, missing_field
from demo.slack.methods.registry import method
from demo.slack.objects import bot_json, team_json
from demo.slack.rates import SPECIAL, TIER_2, TIER_3, TIER_4
from demo.slack.state import TEAM_ID, TEAM_NAME, Json


@method("api.test", TIER_4, token="none")
async def api_test(call: Call) -> Json:
    """Echoes its arguments; `error` makes it fail."""
    args = {k: v for k, v in call.args.items() if k != "token"}
    if "error" in args:
        raise SlackError(str(args["error"]), args=args)
    return {"args": args} if args else {}


@method("auth.test", SPECIAL)
async def auth_test(call: Call) -> Json:
    """Identity of the token."""
    app = call.app
    return {
        "url": team_json()["url"],
        "team": TEAM_NAME,
        "user": call.ws.state.users[app.bot_user_id].name,
        "team_id": TEAM_ID,
        "user_id": app.bot_user_id,
        "bot_id": app.bot_id,
        "is_enterprise_install": False,
    }


@method("auth.revoke", TIER_3)
async def auth_revoke(call: Call) -> Json:
    """Revokes the calling token (`test` only pretends)."""
    if not call.flag("test"):
        call.ws.state.revoked.add(call.app.bot_token)
    return {"revoked": not call.flag("test")}


@method("apps.connections.open", TIER_3, token="app")
async def apps_connections_open(call: Call) -> Json:
    """The address of a new Socket Mode connection."""
    return {"url": call.ws.sockets.open(call.app, call.base_url)}


@method("team.info", TIER_3, "team:read")
async def team_info(call: Call) -> Json:
    """The workspace."""
    if call.text("team") not in ("", TEAM_ID):
        raise SlackError("team_not_found")
    return {"team": team_json()}


@method("bots.info", TIER_3, "users:read")
async def bots_info(call: Call) -> Json:
    """The bot behind a bot_id."""
    wanted = call.text("bot")
    user = next((u for u in call.ws.state.users.values() if wanted and u.bot_id == wanted), None)
    if user is None:
        raise SlackError("bot_not_found")
    return {"bot": bot_json(user)}


@method("emoji.list", TIER_2, "emoji:read")
async def emoji_list(call: Call) -> Json:
    """Custom emoji: none."""
    return {"emoji": {}, "cache_ts": "0000000000.000000"}


@method("blocks.validate", TIER_4)
async def blocks_validate(call: Call) -> Json:
    """Checks exactly one of blocks, message or view without sending anything."""
    given = [k for k in ("blocks", "message", "view") if k in call.args]
    if len(given) != 1:
        raise missing_field("exactly one of blocks, message, view")
    kind, value = given[0], call.args[given[0]]
    if kind == "view":
        problems = check_view(value)
    elif kind == "message":
        blocks = value.get("blocks", []) if isinstance(value, dict) else None
        problems = _blocks_problems(blocks, "/message/blocks")
    else:
        problems = _blocks_problems(value, "/blocks")
    if problems:
        raise SlackError(f"invalid_{kind}", errors=[_validation_error(p) for p in problems])
    return {}


def _blocks_problems(blocks: Any, pointer: str) -> list[str]:
    if not isinstance(blocks, list):
        return [f"must provide an array [json-pointer:{pointer}]"]
    return check_blocks(blocks, "message", pointer)


def _validation_error(problem: str) -> Json:
    sentence, _, pointer = problem.rpartition(" [json-pointer:")
    code = "missing_field" if sentence.startswith("missing") else "invalid_value"
    return {"pointer": pointer.rstrip("]"), "code": code, "message": sentence}


@method("oauth.v2.access", SPECIAL, token="none")
async def oauth_v2_access(call: Call) -> Json:
    """Trades any code of the form `local-<app id>` for that app's bot token."""
    app = call.ws.state.apps.get(call.text("code").removeprefix("local-"))
    if app is None:
        raise SlackError("invalid_code")
    return {
        "app_id": app.id,
        "authed_user": {"id": "U0ALICE"},
        "scope": ",".join(app.scopes),
        "token_type": "bot",
        "access_token": app.bot_token,
        "bot_user_id": app.bot_user_id,
        "team": {"id": TEAM_ID, "name": TEAM_NAME},
        "enterprise": None,
        "is_enterprise_install": False,
    }
