"""Submitting and closing modals."""

from typing import TYPE_CHECKING, Any

from demo.slack import element_state, interactivity, view_stack
from demo.slack.control.access import acting_user, app_by_id, need
from demo.slack.control.surfaces import timed_out, view_seen_by
from demo.slack.errors import ControlError, SlackError
from demo.slack.state import App, Json, User, View

if TYPE_CHECKING:
    from demo.slack.workspace import Workspace

_REQUIRED = "Please complete this required field."


async def submit_view(ws: "Workspace", body: Json) -> Json:
    """POST /control/view_submit: checks as Slack's client does, asks the app, does what it answers."""
    user = acting_user(ws, body)
    view = view_seen_by(ws, user, str(need(body, "view_id")))
    for block_id, entries in (body.get("values") or {}).items():
        view.values.setdefault(block_id, {}).update(entries)
    problems = _problems(view)
    if problems:
        return {"response_action": "errors", "errors": problems, "checked_by": "client"}
    app = app_by_id(ws, view.app_id)
    payload = interactivity.view_submission_payload(ws, app, user, view)
    outcome = await ws.deliveries.ask(app, "interactive", payload)
    if not outcome.ok:
        raise timed_out("the form")
    return _apply(ws, app, user, view, outcome.body)


def _problems(view: View) -> Json:
    """Required inputs left empty, and texts shorter or longer than allowed, by block."""
    problems: Json = {}
    values = interactivity.view_with_state(view)["state"]["values"]
    for block in view.body["blocks"]:
        if block["type"] != "input":
            continue
        element = block["element"]
        report = values[block["block_id"]][element["action_id"]]
        if element_state.is_empty(report):
            if not block.get("optional"):
                problems[block["block_id"]] = _REQUIRED
            continue
        text = report.get("value")
        if isinstance(text, str) and len(text) < element.get("min_length", 0):
            problems[block["block_id"]] = f"Please enter at least {element['min_length']} characters."
        if isinstance(text, str) and len(text) > element.get("max_length", 3000):
            problems[block["block_id"]] = f"Please enter at most {element.get('max_length', 3000)} characters."
    return problems


def _apply(ws: "Workspace", app: App, user: User, view: View, answer: Any) -> Json:
    chosen = answer.get("response_action") if isinstance(answer, dict) else None
    try:
        match chosen:
            case "errors":
                return {"response_action": "errors", "errors": _known_errors(view, answer.get("errors"))}
            case "update":
                view_stack.update_view(ws, app, view, answer.get("view"))
            case "push":
                view_stack.push_modal(ws, app, user.id, answer.get("view"))
            case "clear":
                view_stack.close_modals(ws, user.id)
            case None:
                _close_top(ws, user, view)
            case _:
                raise SlackError("invalid_response_action")
    except SlackError as error:
        messages = error.extra.get("response_metadata", {}).get("messages", [])
        detail = f"Slack could not use the app's answer: {error.code} {'; '.join(messages)}".strip()
        raise ControlError("invalid_response", detail, 422) from None
    return {"response_action": chosen} if chosen else {}


def _known_errors(view: View, errors: Any) -> Json:
    inputs = {b["block_id"] for b in view.body["blocks"] if b["type"] == "input"}
    if not isinstance(errors, dict) or not errors or set(errors) - inputs:
        raise SlackError("invalid_arguments", response_metadata={"messages": ["errors must name input blocks"]})
    return errors


def _close_top(ws: "Workspace", user: User, view: View) -> None:
    stack = ws.state.modals.get(user.id, [])
    if view in stack:
        view_stack.close_modals(ws, user.id, keep=stack.index(view))


async def close_view(ws: "Workspace", body: Json) -> Json:
    """POST /control/view_close: the cross in the corner; `clear` (or clear_on_close) closes the whole stack."""
    user = acting_user(ws, body)
    view = view_seen_by(ws, user, str(need(body, "view_id")))
    stack = ws.state.modals.get(user.id, [])
    if view not in stack:
        raise ControlError("not_closable", "Only modals can be closed.")
    cleared = bool(body.get("clear")) or view.body["clear_on_close"]
    closed = view_stack.close_modals(ws, user.id, keep=0 if cleared else stack.index(view))
    app = app_by_id(ws, view.app_id)
    for gone in closed:
        if gone.body["notify_on_close"]:
            payload = interactivity.view_closed_payload(app, user, gone, is_cleared=cleared)
            await ws.deliveries.ask(app, "interactive", payload)
    return {"closed": [v.body["id"] for v in closed]}
