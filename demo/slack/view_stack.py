"""Modals and Home tabs: at most three modals on top of each other, each with a hash that goes stale."""

import copy
import time
from typing import TYPE_CHECKING, Any

from demo.slack.blocks import assign_ids, check_view
from demo.slack.compose import refused
from demo.slack.errors import SlackError
from demo.slack.ids import new_id, short_id
from demo.slack.state import TEAM_ID, App, Json, View

if TYPE_CHECKING:
    from demo.slack.workspace import Workspace

DEPTH = 3
MAX_BYTES = 250_000


def _hash() -> str:
    return f"{int(time.time())}.{short_id(8)}"


def build_view(ws: "Workspace", app: App, user_id: str, given: Any, kind: str) -> View:
    """A checked view with ids and defaults; raises invalid_arguments, view_too_large or duplicate_external_id."""
    problems = check_view(given, kinds=(kind,))
    if problems:
        error = refused("invalid_arguments", problems)
        raise SlackError("invalid_arguments", response_metadata=error.extra["response_metadata"])
    if len(str(given).encode()) > MAX_BYTES:
        raise SlackError("view_too_large")
    view_id = new_id("V")
    body: Json = {
        "id": view_id,
        "team_id": TEAM_ID,
        "type": kind,
        "title": given.get("title") or {"type": "plain_text", "text": "View Title", "emoji": True},
        "submit": given.get("submit"),
        "close": given.get("close"),
        "blocks": assign_ids(given["blocks"]),
        "private_metadata": given.get("private_metadata") or "",
        "callback_id": given.get("callback_id") or "",
        "external_id": given.get("external_id") or "",
        "state": {"values": {}},
        "hash": _hash(),
        "clear_on_close": bool(given.get("clear_on_close")),
        "notify_on_close": bool(given.get("notify_on_close")),
        "root_view_id": view_id,
        "previous_view_id": None,
        "app_id": app.id,
        "app_installed_team_id": TEAM_ID,
        "bot_id": app.bot_id,
    }
    if given.get("submit_disabled"):
        body["submit_disabled"] = True
    return View(copy.deepcopy(body), app.id, user_id)


def all_views(ws: "Workspace") -> list[View]:
    """Every view that is open or published."""
    return [*(v for stack in ws.state.modals.values() for v in stack), *ws.state.homes.values()]


def _check_external_id(ws: "Workspace", view: View, instead_of: View | None = None) -> None:
    external_id = view.body["external_id"]
    taken = (v for v in all_views(ws) if v is not instead_of and v.app_id == view.app_id)
    if external_id and any(v.body["external_id"] == external_id for v in taken):
        raise SlackError("duplicate_external_id")


def open_modal(ws: "Workspace", app: App, user_id: str, given: Any) -> View:
    """Show a first modal; one that is open already gives way."""
    view = build_view(ws, app, user_id, given, "modal")
    _check_external_id(ws, view)
    for old in reversed(ws.state.modals.pop(user_id, [])):
        ws.live.publish({"type": "view_close", "view_id": old.body["id"]}, [user_id])
    ws.state.modals[user_id] = [view]
    ws.live.publish({"type": "view_open", "view": view.body}, [user_id])
    return view


def push_modal(ws: "Workspace", app: App, user_id: str, given: Any) -> View:
    """Lay a modal on top; raises push_limit_reached at the fourth."""
    view = build_view(ws, app, user_id, given, "modal")
    _check_external_id(ws, view)
    stack = ws.state.modals.get(user_id, [])
    if not stack:
        raise SlackError("not_found")
    if len(stack) >= DEPTH:
        raise SlackError("push_limit_reached")
    view.body |= {"root_view_id": stack[0].body["id"], "previous_view_id": stack[-1].body["id"]}
    stack.append(view)
    ws.live.publish({"type": "view_open", "view": view.body}, [user_id])
    return view


def update_view(ws: "Workspace", app: App, view: View, given: Any, expected_hash: str = "") -> View:
    """Change a view in place; a stale hash is hash_conflict. Values typed into blocks that stay are kept."""
    if expected_hash and expected_hash != view.body["hash"]:
        raise SlackError("hash_conflict")
    fresh = build_view(ws, app, view.user_id, given, view.body["type"])
    _check_external_id(ws, fresh, instead_of=view)
    kept = {k: view.body[k] for k in ("id", "root_view_id", "previous_view_id", "state")}
    view.body = {**fresh.body, **kept}
    view.values = {k: v for k, v in view.values.items() if any(b["block_id"] == k for b in view.body["blocks"])}
    frame = {"type": "view_update", "view": view.body}
    if view.body["type"] == "home":
        frame = {"type": "home", "app_id": app.id, "view": view.body}
    ws.live.publish(frame, [view.user_id])
    return view


def publish_home(ws: "Workspace", app: App, user_id: str, given: Any, expected_hash: str = "") -> View:
    """Set the Home tab of one user."""
    current = ws.state.homes.get((app.id, user_id))
    if current:
        return update_view(ws, app, current, given, expected_hash)
    view = build_view(ws, app, user_id, given, "home")
    _check_external_id(ws, view)
    ws.state.homes[app.id, user_id] = view
    ws.live.publish({"type": "home", "app_id": app.id, "view": view.body}, [user_id])
    return view


def find_view(ws: "Workspace", app_id: str, view_id: str, external_id: str = "") -> View:
    """An app's view by id or external_id; raises not_found."""
    for view in all_views(ws):
        named = view.body["id"] == view_id if view_id else view.body["external_id"] == external_id
        if named and view.app_id == app_id:
            return view
    raise SlackError("not_found")


def close_modals(ws: "Workspace", user_id: str, keep: int = 0) -> list[View]:
    """Take modals off the user's stack until `keep` remain; gives the closed ones, top first."""
    stack = ws.state.modals.get(user_id, [])
    closed = list(reversed(stack[keep:]))
    del stack[keep:]
    for view in closed:
        ws.live.publish({"type": "view_close", "view_id": view.body["id"]}, [user_id])
    return closed
