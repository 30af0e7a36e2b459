"""How each interactive element reports its value, in `state.values` and in `actions`."""

from typing import Any

from demo.slack.blocks.ids import elements_of
from demo.slack.state import Json

# element type -> (field of the report, field of the element that holds its initial value)
_FIELDS = {
    "plain_text_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "rich_text_input": ("rich_text_value", "initial_value"),
    "file_input": ("files", ""),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "users_select": ("selected_user", "initial_user"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "multi_users_select": ("selected_users", "initial_users"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "checkboxes": ("selected_options", "initial_options"),
    "radio_buttons": ("selected_option", "initial_option"),
}
_LISTS = ("selected_options", "selected_users", "selected_conversations", "selected_channels", "files")


def find_element(blocks: list[Json], block_id: str | None, action_id: str) -> tuple[Json, Json] | None:
    """The block and element with these ids, None when the surface has no such element (any more)."""
    for block in blocks:
        for element in elements_of(block):
            if element.get("action_id") == action_id and block_id in (None, "", block["block_id"]):
                return block, element
    return None


def known_options(element: Json) -> list[Json]:
    """All options of an element, groups included."""
    groups = element.get("option_groups") or []
    return [*(element.get("options") or []), *(o for g in groups for o in g.get("options", []))]


def _option(element: Json, given: Any) -> Any:
    """The full option for a value or an option object; None when the element offers no such option."""
    value = given.get("value") if isinstance(given, dict) else given
    if element["type"] in ("external_select", "multi_external_select"):
        return given if isinstance(given, dict) else {"text": {"type": "plain_text", "text": value}, "value": value}
    return next((o for o in known_options(element) if o.get("value") == value), None)


def entry(element: Json, given: Any = None) -> Json | None:
    """The element's entry in state.values, from what was entered or else from its initial value.

    `given` is an entry-like object or a bare value. None when an option was chosen that is not offered.
    """
    field, initial = _FIELDS[element["type"]]
    if isinstance(given, dict) and (field in given or "value" in given or "selected_option" in given):
        value = given.get(field, given.get("value", given.get("selected_option")))
    elif given is not None:
        value = given
    else:
        value = element.get(initial)
    if field in _LISTS:
        value = list(value or [])
        if field == "selected_options":
            value = [_option(element, v) for v in value]
            if None in value:
                return None
    elif field == "selected_option" and value is not None:
        value = _option(element, value)
        if value is None:
            return None
    if field == "value" and value == "":
        value = None
    return {"type": element["type"], field: value}


def is_stateful(element: Json) -> bool:
    """Whether the element keeps a value between clicks (buttons and overflow menus do not)."""
    return element["type"] in _FIELDS


def is_empty(report: Json) -> bool:
    """Whether an entry holds no answer."""
    return not any(v not in (None, [], "") for k, v in report.items() if k != "type")


def state_values(blocks: list[Json], kept: Json) -> Json:
    """`state.values` of a surface: every stateful element, with what was entered so far."""
    values: Json = {}
    for block in blocks:
        for element in elements_of(block):
            if is_stateful(element):
                given = kept.get(block["block_id"], {}).get(element["action_id"])
                report = entry(element, given) or entry(element)
                values.setdefault(block["block_id"], {})[element["action_id"]] = report
    return values


def action(block: Json, element: Json, body: Json, action_ts: str) -> Json | None:
    """One entry of `actions`; None when what was chosen is not offered."""
    kind = element["type"]
    result: Json = {
        "type": kind,
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        "action_ts": action_ts,
    }
    if kind == "feedback_buttons":
        chosen = [element["positive_button"], element["negative_button"]]
        button = next((b for b in chosen if b["value"] == body.get("value")), None)
        return result | {"text": button["text"], "value": button["value"]} if button else None
    if kind in ("button", "icon_button", "workflow_button"):
        return result | {k: element[k] for k in ("text", "value", "style", "url") if k in element}
    if kind == "overflow":
        chosen_option = _option(element, body.get("selected_option") or body.get("value"))
        return result | {"selected_option": chosen_option} if chosen_option else None
    report = entry(element, {k: v for k, v in body.items() if k.startswith(("selected_", "value", "files"))} or None)
    return result | report if report else None
