"""Apps, faults, the clock and forced redelivery."""

from typing import TYPE_CHECKING

from demo.slack.control.access import app_by_id, need
from demo.slack.control.reads import connected
from demo.slack.errors import ControlError
from demo.slack.faults import Faults
from demo.slack.objects import app_card
from demo.slack.seed import register_app
from demo.slack.state import Json

if TYPE_CHECKING:
    from demo.slack.workspace import Workspace


async def add_app(ws: "Workspace", body: Json) -> Json:
    """POST /control/apps."""
    need(body, "name")
    app = register_app(ws.state, body)
    ws.live.publish({"type": "app", "app": app_card(ws.state, app, connected(ws, app.id))})
    keys = ("bot_user_id", "bot_id", "bot_token", "app_token", "signing_secret")
    answer: Json = {"app_id": app.id, **{k: getattr(app, k) for k in keys}}
    if app.request_url and body.get("verify"):
        answer["verified"] = await ws.http.verify(app)
    return answer


async def change_app(ws: "Workspace", body: Json) -> Json:
    """POST /control/apps/{id}: set or clear request_url; a URL is challenged as Slack does it."""
    app = app_by_id(ws, str(body["app_id"]))
    if "request_url" not in body:
        raise ControlError("missing_argument", "The field 'request_url' is required (null for Socket Mode).")
    app.request_url = body["request_url"]
    ws.live.publish({"type": "app", "app": app_card(ws.state, app, connected(ws, app.id))})
    if not app.request_url:
        return {"transport": "socket"}
    return {"transport": "http", "verified": await ws.http.verify(app), "ssl_check": await ws.http.ssl_check(app)}


async def set_faults(ws: "Workspace", body: Json) -> Json:
    """POST /control/faults."""
    faults = ws.faults
    if body.get("clear"):
        vars(faults).update(vars(Faults()))
        ws.state.revoked.clear()
    if "drop_ack" in body:
        faults.drop_ack = int(body["drop_ack"])
    if "duplicate" in body:
        faults.duplicate = int(body["duplicate"])
    if "reorder" in body:
        faults.reorder = bool(body["reorder"])
    if "ack_seconds" in body:
        faults.ack_seconds = float(body["ack_seconds"])
    if "rate_limits" in body:
        faults.rate_limits = float(body["rate_limits"])
    if "method" in body:
        faults.set_method(body["method"])
    if body.get("refresh"):
        await ws.sockets.refresh()
    if body.get("abrupt_close"):
        await ws.sockets.abrupt_close()
    if "revoke_token" in body:
        await _revoke(ws, str(body["revoke_token"]))
    shown = {k: getattr(faults, k) for k in ("drop_ack", "duplicate", "reorder", "ack_seconds", "rate_limits")}
    return {"faults": {**shown, "methods": [vars(m) for m in faults.methods], "revoked": len(ws.state.revoked)}}


async def _revoke(ws: "Workspace", token: str) -> None:
    app = ws.state.app_of_token(token)
    if app is None:
        raise ControlError("token_not_found", "No app has this token.", 404)
    ws.state.revoked.add(token)
    if token == app.app_token:
        await ws.sockets.disable(app.id)


async def set_clock(ws: "Workspace", body: Json) -> Json:
    """POST /control/clock."""
    try:
        ws.clock.set_scale(float(need(body, "scale")))
    except ValueError as error:
        raise ControlError("invalid_scale", str(error)) from error
    return {"scale": ws.clock.scale}


async def redeliver(ws: "Workspace", body: Json) -> Json:
    """POST /control/redeliver."""
    event_id = str(need(body, "event_id"))
    if not await ws.deliveries.redeliver(event_id, int(body.get("times", 1))):
        raise ControlError("event_not_found", f"No event {event_id!r} was delivered.", 404)
    return {}
