"""What a person sets in motion through an app's surfaces: commands, buttons, shortcuts, Home."""

from typing import TYPE_CHECKING, Any

from demo.slack import element_state, interactivity, messages, view_stack
from demo.slack.control.access import acting_user, app_by_id, channel_for, message_for, message_in, need
from demo.slack.control.acts import must_be_member
from demo.slack.delivery import Outcome
from demo.slack.errors import ControlError
from demo.slack.events import raise_for_app
from demo.slack.state import App, Channel, Json, Message, User, View

if TYPE_CHECKING:
    from demo.slack.workspace import Workspace


def timed_out(name: str) -> ControlError:
    """The refusal when the app did not answer in three seconds."""
    return ControlError("operation_timeout", f"The app did not answer {name} within three seconds.", 408)


async def run_slash(ws: "Workspace", body: Json) -> Json:
    """POST /control/slash: the answer in the ack becomes an ephemeral, or a message with in_channel."""
    user = acting_user(ws, body)
    channel = channel_for(ws, user, need(body, "channel"))
    must_be_member(channel, user)
    name = str(need(body, "command"))
    app, command = _command(ws, name)
    payload = interactivity.slash_payload(ws, app, user, channel, command, str(body.get("text", "")))
    outcome = await ws.deliveries.ask(app, "slash_commands", payload)
    if not outcome.ok:
        code = "operation_timeout" if outcome.reason.endswith("timeout") else "dispatch_failed"
        _say_failed(ws, app, channel, user, f'{name} failed with the error "{code}"')
        if code == "operation_timeout":
            raise timed_out(name)
        raise ControlError(code, f"The app refused {name}: {outcome.reason}.", 424)
    answer = _slash_answer(outcome)
    if answer:
        ws.response_urls.respond(app, channel, user.id, None, answer)
    return {"response": answer} if answer else {}


def _command(ws: "Workspace", name: str) -> tuple[App, Json]:
    for app in ws.state.apps.values():
        for command in app.commands:
            if command["command"] == name:
                return app, command
    raise ControlError("command_not_found", f"{name} is not a valid command.", 404)


def _slash_answer(outcome: Outcome) -> Json | None:
    body: Any = outcome.body
    if isinstance(body, str):
        body = {"text": body} if body.strip() else None
    if not isinstance(body, dict):
        return None
    said = any(body.get(k) for k in ("text", "blocks", "attachments"))
    return {k: v for k, v in body.items() if k != "replace_original"} if said else None


def _say_failed(ws: "Workspace", app: App, channel: Channel, user: User, text: str) -> None:
    body: Json = {"type": "message", "user": "USLACKBOT", "username": "Slackbot", "text": text}
    messages.add_ephemeral(ws, channel, body, user.id, app.id)


async def click(ws: "Workspace", body: Json) -> Json:
    """POST /control/click: an element of a message, ephemeral, modal or Home."""
    user = acting_user(ws, body)
    if body.get("view_id"):
        return await _click_in_view(ws, body, user)
    channel = channel_for(ws, user, need(body, "channel"))
    try:
        message = message_for(channel, str(need(body, "ts")), user)
    except ControlError as error:
        raise ControlError("element_not_found", error.args[0], 404) from None
    acted = _action(ws, message.body.get("blocks", []), body)
    _remember(message.state_values, acted, body)
    app = ws.state.apps.get(message.app_id)
    if app is None:
        return {}
    payload = interactivity.message_action_payload(ws, app, user, channel, message, [acted])
    outcome = await ws.deliveries.ask(app, "interactive", payload)
    if not outcome.ok:
        _mark_failed(ws, channel, message, user, acted)
        raise timed_out("the click")
    if message.interaction_error:
        message.interaction_error = None
        _refresh(ws, channel, message)
    return {}


def _mark_failed(ws: "Workspace", channel: Channel, message: Message, user: User, acted: Json) -> None:
    failure = {"action_id": acted["action_id"], "error": "operation_timeout"}
    message.interaction_error = failure
    _refresh(ws, channel, message)
    frame = {"type": "interaction_failed", "channel": channel.id, "ts": message.ts, **failure}
    ws.live.publish(frame, [user.id])


def _refresh(ws: "Workspace", channel: Channel, message: Message) -> None:
    if message.viewer:
        messages.replace_ephemeral(ws, channel, message, {})
    else:
        messages.show_change(ws, channel, message)


async def _click_in_view(ws: "Workspace", body: Json, user: User) -> Json:
    view = view_seen_by(ws, user, str(body["view_id"]))
    acted = _action(ws, view.body["blocks"], body)
    _remember(view.values, acted, body)
    app = app_by_id(ws, view.app_id)
    payload = interactivity.view_action_payload(ws, app, user, view, [acted])
    outcome = await ws.deliveries.ask(app, "interactive", payload)
    if not outcome.ok:
        frame = {"type": "interaction_failed", "channel": None, "ts": None, "view_id": view.body["id"]}
        ws.live.publish({**frame, "action_id": acted["action_id"], "error": "operation_timeout"}, [user.id])
        raise timed_out("the click")
    return {}


def view_seen_by(ws: "Workspace", user: User, view_id: str) -> View:
    """An open modal or Home of this user."""
    for view in view_stack.all_views(ws):
        if view.body["id"] == view_id and view.user_id == user.id:
            return view
    raise ControlError("element_not_found", f"{user.real_name} sees no view {view_id!r}.", 404)


def _action(ws: "Workspace", blocks: list[Json], body: Json) -> Json:
    found = element_state.find_element(blocks, body.get("block_id"), str(need(body, "action_id")))
    acted = element_state.action(*found, body, ws.mint.next()) if found else None
    if found is None or acted is None:
        raise ControlError("element_not_found", f"There is no live element {body['action_id']!r} to use.", 404)
    confirm = found[1].get("confirm")
    if confirm and body.get("confirmed") is not True:
        raise ControlError("confirm_required", "The element asks for confirmation first.", 409, confirm=confirm)
    return acted


def _remember(kept: Json, acted: Json, body: Json) -> None:
    """Keep what the page says was entered, and the value of the element just used."""
    for block_id, entries in ((body.get("state") or {}).get("values") or {}).items():
        kept.setdefault(block_id, {}).update({k: v for k, v in entries.items() if v is not None})
    if element_state.is_stateful(acted):
        kept.setdefault(acted["block_id"], {})[acted["action_id"]] = acted


async def run_shortcut(ws: "Workspace", body: Json) -> Json:
    """POST /control/shortcut: from a message's menu (with channel and ts) or the global one."""
    user = acting_user(ws, body)
    callback_id = str(need(body, "callback_id"))
    apps = [app_by_id(ws, body["app_id"])] if body.get("app_id") else list(ws.state.apps.values())
    app = next((a for a in apps if any(s["callback_id"] == callback_id for s in a.shortcuts)), None)
    if app is None:
        raise ControlError("shortcut_not_found", f"No app offers {callback_id!r}.", 404)
    if body.get("ts"):
        channel = channel_for(ws, user, need(body, "channel"))
        message = message_in(channel, str(body["ts"]))
        payload = interactivity.message_shortcut_payload(ws, app, user, callback_id, channel, message)
    else:
        payload = interactivity.global_shortcut_payload(ws, app, user, callback_id)
    outcome = await ws.deliveries.ask(app, "interactive", payload)
    if not outcome.ok:
        raise timed_out("the shortcut")
    return {}


async def open_home(ws: "Workspace", body: Json) -> Json:
    """POST /control/home_open: raises app_home_opened; gives the Home published so far."""
    user = acting_user(ws, body)
    app = app_by_id(ws, str(need(body, "app_id")))
    tab = str(body.get("tab", "home"))
    channel = ws.direct_message(user.id, app.bot_user_id)
    view = ws.state.homes.get((app.id, user.id))
    event: Json = {"type": "app_home_opened", "user": user.id, "channel": channel.id, "tab": tab}
    event["event_ts"] = ws.mint.next()
    if tab == "home" and view:
        event["view"] = interactivity.view_with_state(view)
    raise_for_app(ws, app, event, channel.id)
    return {"view": view.body if view else None, "channel": channel.id}
