"""Gives every block its block_id and every interactive element its action_id."""

import copy
from typing import Any

from demo.slack.ids import short_id
from demo.slack.state import Json

_PICKS = ("static_select", "external_select", "users_select", "conversations_select", "channels_select")
_TEXTS = ("plain_text_input", "email_text_input", "url_text_input", "number_input", "rich_text_input", "file_input")
_BUTTONS = ("button", "icon_button", "feedback_buttons", "workflow_button", "overflow")
_OTHERS = ("datepicker", "timepicker", "datetimepicker", "checkboxes", "radio_buttons")
INTERACTIVE = frozenset((*_PICKS, *(f"multi_{p}" for p in _PICKS), *_TEXTS, *_BUTTONS, *_OTHERS))


def assign_ids(blocks: list[Json]) -> list[Json]:
    """A deep copy in which nothing lacks an id."""
    result = copy.deepcopy(blocks)
    for block in result:
        block.setdefault("block_id", short_id())
        for child in block.get("child_blocks", []):
            child.setdefault("block_id", short_id())
        for element in elements_of(block):
            element.setdefault("action_id", short_id())
    return result


def elements_of(node: Any) -> list[Json]:
    """All interactive elements anywhere inside a block."""
    found: list[Json] = []
    if isinstance(node, dict):
        if node.get("type") in INTERACTIVE:
            found.append(node)
        for key, value in node.items():
            if key not in ("options", "option_groups", "confirm"):
                found += elements_of(value)
    elif isinstance(node, list):
        for item in node:
            found += elements_of(item)
    return found
