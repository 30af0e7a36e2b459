"""Rules of the blocks themselves, and which surface takes which."""

from typing import Any

from demo.slack.blocks import elements as el
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
    text,
    typed,
)

_STATUS = one_of("pending", "in_progress", "complete", "error")


def _block(required: dict[str, Check], optional: dict[str, Check] | None = None) -> Check:
    return record(required, {"block_id": string(255), **(optional or {})})


def _text_or_fields(value: Any, pointer: str) -> list[str]:
    return [] if value.get("text") or value.get("fields") else [problem("must provide text or fields", pointer)]


def _image_source(value: Any, pointer: str) -> list[str]:
    one = ("image_url" in value) != ("slack_file" in value)
    return [] if one else [problem("must provide either image_url or slack_file", pointer)]


def _something_on_card(value: Any, pointer: str) -> list[str]:
    named = any(value.get(k) for k in ("hero_image", "title", "actions", "body"))
    return [] if named else [problem("must provide hero_image, title, actions or body", pointer)]


_RICH_TEXT = _block(
    {
        "elements": items(
            typed(
                dict.fromkeys(
                    ("rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"), mapping
                )
            ),
            1000,
        )
    }
)
_TASK: dict[str, Check] = {"task_id": string(255), "title": string(256)}
_TASK_CARD = _block(
    _TASK,
    {"status": _STATUS, "details": _RICH_TEXT, "output": _RICH_TEXT, "sources": items(el.URL_SOURCE, 100, 0)},
)
_CARD = both(
    _block(
        {},
        {
            "hero_image": el.IMAGE,
            "icon": el.IMAGE,
            "title": text(150),
            "subtitle": text(150),
            "body": text(200),
            "subtext": text(200),
            "actions": items(typed({"button": el.BUTTON}), 5),
            "slack_icon": mapping,
        },
    ),
    _something_on_card,
)
_CELL = typed(
    {
        "raw_text": record({"text": string(10_000, 0)}),
        "raw_number": record({"value": number}, {"text": string(200)}),
        "rich_text": _RICH_TEXT,
    }
)
_COLUMN = record({}, {"align": one_of("left", "center", "right"), "is_wrapped": flag})

SIMPLE: dict[str, Check] = {
    "section": both(
        _block(
            {},
            {
                "text": text(3000),
                "fields": items(text(2000), 10),
                "accessory": typed(el.ACCESSORIES),
                "expand": flag,
            },
        ),
        _text_or_fields,
    ),
    "header": _block({"text": plain(150)}, {"level": number}),
    "divider": _block({}),
    "image": both(
        _block({"alt_text": string(2000)}, {"image_url": string(3000), "slack_file": mapping, "title": plain(2000)}),
        _image_source,
    ),
    "context": _block(
        {"elements": items(typed({"image": el.IMAGE, "plain_text": plain(3000), "mrkdwn": text(3000)}), 10)}
    ),
    "actions": _block({"elements": items(typed(el.ACTIONS), 25)}),
    "context_actions": _block({"elements": items(typed(el.CONTEXT_ACTIONS), 5)}),
    "markdown": _block({"text": string(12_000)}),
    "rich_text": _RICH_TEXT,
    "input": _block(
        {"label": plain(2000), "element": typed(el.INPUT_ELEMENTS)},
        {"hint": plain(2000), "optional": flag, "dispatch_action": flag},
    ),
    "table": _block(
        {"rows": items(items(_CELL, 20), 100)},
        {"column_settings": items(kind(dict, type(None)), 20), "caption": string(500)},
    ),
    "data_table": _block(
        {"rows": items(items(_CELL, 20), 1000)},
        {
            "caption": string(500),
            "page_size": number,
            "row_header_column_index": number,
            "columns": anything,
            "column_settings": items(kind(dict, type(None)), 20),
            "title": anything,
        },
    ),
    "data_visualization": _block({}, dict.fromkeys(("title", "chart", "alt_text"), anything)),
    "task_card": _TASK_CARD,
    "plan": _block({"title": string(256)}, {"tasks": items(_TASK_CARD, 50, 0)}),
    "card": _CARD,
    "carousel": _block({"elements": items(typed({"card": _CARD}), 10)}),
    "alert": _block({"text": text(2000)}, {"level": one_of("default", "info", "warning", "error", "success")}),
    "video": _block(
        {"alt_text": string(2000), "title": plain(199), "thumbnail_url": string(3000), "video_url": string(3000)},
        {
            "author_name": string(49),
            "description": plain(199),
            "provider_icon_url": string(3000),
            "provider_name": string(200),
            "title_url": string(3000),
        },
    ),
    "file": _block({"external_id": string(255), "source": string(20)}),
    "auth_provider": _block(
        {"value": string(150), "name": plain(75), "is_connected": flag},
        {
            "description": plain(150),
            "connected_identity": plain(75),
            "connected_context": plain(75),
            "icon_url": string(3000),
            "auth_url": string(3000),
            "disconnect_url": string(3000),
            "accessory": typed({"overflow": el.OVERFLOW}),
        },
    ),
}
_CONTAINER = _block(
    {"child_blocks": items(typed(SIMPLE), 10)},
    {
        "title": plain(150),
        "rich_text_title": _RICH_TEXT,
        "subtitle": text(150),
        "width": one_of("narrow", "standard", "wide", "full"),
        "is_collapsible": flag,
        "is_initially_collapsed": flag,
        "has_header_divider": flag,
        "icon": mapping,
    },
)
BLOCKS: dict[str, Check] = {**SIMPLE, "container": _CONTAINER}
_MESSAGES_ONLY = ("markdown", "table", "context_actions", "task_card", "plan", "file", "auth_provider")
SURFACES: dict[str, dict[str, Check]] = {
    "message": {k: v for k, v in BLOCKS.items() if k != "alert"},
    "modal": {k: v for k, v in BLOCKS.items() if k not in _MESSAGES_ONLY},
    "home": {k: v for k, v in BLOCKS.items() if k not in (*_MESSAGES_ONLY, "alert")},
}
MAX_BLOCKS = {"message": 50, "modal": 100, "home": 100}
