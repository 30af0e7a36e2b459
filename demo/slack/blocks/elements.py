"""Rules of Block Kit's elements and composition objects."""

from demo.slack.blocks.schema import (
    Check,
    anything,
    both,
    flag,
    items,
    kind,
    mapping,
    number,
    one_of,
    plain,
    problem,
    record,
    string,
)
from demo.slack.blocks.schema import text as text_object

ACTION_ID = string(255)
USERS = items(string(30), 10)
CONFIRM = record(
    {"title": plain(100), "text": text_object(300), "confirm": plain(30), "deny": plain(30)},
    {"style": one_of("primary", "danger")},
)
OPTION = record({"text": text_object(75), "value": string(150)}, {"description": text_object(75), "url": string(3000)})
GROUP = record({"label": plain(75), "options": items(OPTION, 100)})
_COMMON: dict[str, Check] = {"action_id": ACTION_ID, "confirm": CONFIRM, "focus_on_load": flag}
_HINT: dict[str, Check] = {"placeholder": plain(150)}


def _element(required: dict[str, Check], optional: dict[str, Check] | None = None) -> Check:
    return record(required, {**_COMMON, **(optional or {})})


def _options_or_groups(value: object, pointer: str) -> list[str]:
    given = isinstance(value, dict) and ("options" in value) != ("option_groups" in value)
    return [] if given else [problem("must provide either options or option_groups", pointer)]


def _select(extra: dict[str, Check], multi: bool) -> Check:
    return _element({}, {**_HINT, **({"max_selected_items": number} if multi else {}), **extra})


_DISPATCH = record({"trigger_actions_on": items(one_of("on_enter_pressed", "on_character_entered"), 2)})
_INPUT: dict[str, Check] = {**_HINT, "initial_value": kind(str), "dispatch_action_config": _DISPATCH}
_STATIC: dict[str, Check] = {"options": items(OPTION, 100), "option_groups": items(GROUP, 100)}
_CONVERSATION: dict[str, Check] = {
    "default_to_current_conversation": flag,
    "response_url_enabled": flag,
    "filter": mapping,
}
_FEEDBACK = record({"text": plain(75), "value": string(2000)}, {"accessibility_label": string(75)})

SELECTS: dict[str, Check] = {
    "static_select": both(_select({**_STATIC, "initial_option": OPTION}, False), _options_or_groups),
    "external_select": _select({"min_query_length": number, "initial_option": OPTION}, False),
    "users_select": _select({"initial_user": string(30)}, False),
    "conversations_select": _select({"initial_conversation": string(30), **_CONVERSATION}, False),
    "channels_select": _select({"initial_channel": string(30), "response_url_enabled": flag}, False),
}
MULTI_SELECTS: dict[str, Check] = {
    "multi_static_select": both(_select({**_STATIC, "initial_options": items(OPTION, 100)}, True), _options_or_groups),
    "multi_external_select": _select({"min_query_length": number, "initial_options": items(OPTION, 100)}, True),
    "multi_users_select": _select({"initial_users": items(string(30), 100)}, True),
    "multi_conversations_select": _select({"initial_conversations": items(string(30), 100), **_CONVERSATION}, True),
    "multi_channels_select": _select({"initial_channels": items(string(30), 100)}, True),
}
PICKERS: dict[str, Check] = {
    "datepicker": _element({}, {**_HINT, "initial_date": string(10)}),
    "timepicker": _element({}, {**_HINT, "initial_time": string(5), "timezone": string(60)}),
    "datetimepicker": _element({}, {"initial_date_time": number}),
    "checkboxes": _element({"options": items(OPTION, 10)}, {"initial_options": items(OPTION, 10)}),
    "radio_buttons": _element({"options": items(OPTION, 10)}, {"initial_option": OPTION}),
}
BUTTON = _element(
    {"text": plain(75)},
    {
        "value": string(2000, 0),
        "url": string(3000),
        "style": one_of("primary", "danger"),
        "accessibility_label": string(75),
        "agent_prompt": string(4000),
        "visible_to_user_ids": USERS,
    },
)
OVERFLOW = _element({"options": items(OPTION, 5)})
WORKFLOW_BUTTON = _element(
    {"text": plain(75), "workflow": mapping},
    {"style": one_of("primary", "danger"), "accessibility_label": string(75)},
)
IMAGE = record({"alt_text": string(2000)}, {"image_url": string(3000), "slack_file": mapping})
INPUTS: dict[str, Check] = {
    "plain_text_input": _element({}, {**_INPUT, "multiline": flag, "min_length": number, "max_length": number}),
    "email_text_input": _element({}, _INPUT),
    "url_text_input": _element({}, _INPUT),
    "number_input": _element({"is_decimal_allowed": flag}, {**_INPUT, "min_value": anything, "max_value": anything}),
    "rich_text_input": _element({}, {**_INPUT, "initial_value": mapping}),
    "file_input": _element({}, {"filetypes": items(string(20), 50), "max_files": number}),
}
CONTEXT_ACTIONS: dict[str, Check] = {
    "feedback_buttons": _element({"positive_button": _FEEDBACK, "negative_button": _FEEDBACK}),
    "icon_button": _element(
        {"icon": one_of("trash"), "text": plain(75)},
        {"value": string(2000), "accessibility_label": string(75), "visible_to_user_ids": USERS},
    ),
}
ACTIONS: dict[str, Check] = {
    "button": BUTTON,
    "overflow": OVERFLOW,
    "workflow_button": WORKFLOW_BUTTON,
    **SELECTS,
    **PICKERS,
}
ACCESSORIES: dict[str, Check] = {**ACTIONS, **MULTI_SELECTS, "image": IMAGE}
INPUT_ELEMENTS: dict[str, Check] = {**INPUTS, **SELECTS, **MULTI_SELECTS, **PICKERS}
URL_SOURCE = record({"url": string(3000), "text": string(256)}, {"icon_url": string(3000)})
