"""views.*: modals by trigger_id, Home by user."""

from demo.slack import view_stack
from demo.slack.arguments import Call
from demo.slack.errors import SlackError
from demo.slack.methods.registry import method
from demo.slack.rates import TIER_4
from demo.slack.state import Json


def _user_of_trigger(call: Call) -> str:
    trigger = call.text("trigger_id") or call.text("interactivity_pointer")
    return call.ws.triggers.exchange(trigger or str(call.require("trigger_id")), call.app.id)


@method("views.open", TIER_4)
async def views_open(call: Call) -> Json:
    """Opens a modal for the user behind a trigger_id."""
    given = call.require("view")
    return {"view": view_stack.open_modal(call.ws, call.app, _user_of_trigger(call), given).body}


@method("views.push", TIER_4)
async def views_push(call: Call) -> Json:
    """Lays a modal over the open one."""
    given = call.require("view")
    return {"view": view_stack.push_modal(call.ws, call.app, _user_of_trigger(call), given).body}


@method("views.update", TIER_4)
async def views_update(call: Call) -> Json:
    """Changes an open view by view_id or external_id."""
    given = call.require("view")
    if not call.text("view_id") and not call.text("external_id"):
        call.require("view_id")
    view = view_stack.find_view(call.ws, call.app.id, call.text("view_id"), call.text("external_id"))
    return {"view": view_stack.update_view(call.ws, call.app, view, given, call.text("hash")).body}


@method("views.publish", TIER_4)
async def views_publish(call: Call) -> Json:
    """Sets a user's Home tab."""
    given, user_id = call.require("view"), str(call.require("user_id"))
    if user_id not in call.ws.state.users:
        raise SlackError("user_not_found")
    if not call.app.home:
        raise SlackError("not_enabled")
    return {"view": view_stack.publish_home(call.ws, call.app, user_id, given, call.text("hash")).body}
