"""The form in which a person changes a request's arguments, made from the tool's own schema."""

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from bot.blocks import rich
from bot.blocks.exact_call import inline_call
from bot.blocks.text import Block, one_line
from bot.forms import MAX_TEXT, Field, label_of
from bot.identifiers import EDIT_VALUE, EDIT_VIEW, FIELD_BLOCK, NOTE_BLOCK
from core.approval import ApprovalRequest
from core.exact_call import visible_json

MAX_FIELDS = 90
"""Slack takes 100 blocks in a modal; the rest is for what stands around them."""

_PER_GROUP = 100


def build_edit_modal(request: ApprovalRequest, fields: Sequence[Field]) -> Block:
    """Return a view whose private_metadata is the request's id; at most `MAX_FIELDS` fields fit into one."""
    call = rich.words(inline_call(request.plan.call, 200), "code")
    where = rich.words(f" on {one_line(request.plan.service, 80)} in {one_line(request.plan.env, 40).upper()}. ")
    then = rich.words("What you send is a new request in your name, with votes of its own; this one ends.")
    return {
        "type": "modal",
        "callback_id": EDIT_VIEW,
        "private_metadata": request.id,
        "title": {"type": "plain_text", "text": "Edit the request"},
        "submit": {"type": "plain_text", "text": "Ask for this"},
        "close": {"type": "plain_text", "text": "Cancel"},
        "blocks": [
            rich.block(rich.line(rich.words("You change "), call, where, then)),
            *(_block(field) for field in fields[:MAX_FIELDS]),
            _note(),
        ],
    }


def values_of(fields: Sequence[Field], state: Mapping[str, Mapping[str, Block]]) -> dict[str, str | None]:
    """Return what was typed or chosen for each field out of a submission's `state.values`."""
    typed: dict[str, str | None] = {}
    for field in fields:
        entry = state.get(f"{FIELD_BLOCK}{field.name}", {}).get(EDIT_VALUE) or {}
        chosen = entry.get("selected_option")
        typed[field.name] = chosen.get("value") if isinstance(chosen, dict) else entry.get("value")
    return typed


def _block(field: Field) -> Block:
    if field.kind == "kept":
        kept = rich.words(" is too long to be edited here: it stays as it is.")
        return rich.block(rich.line(rich.words(field.name, "bold"), kept))
    return {
        "type": "input",
        "block_id": f"{FIELD_BLOCK}{field.name}",
        "label": {"type": "plain_text", "text": one_line(field.name, 200), "emoji": False},
        "optional": not field.required,
        "element": _element(field) | {"action_id": EDIT_VALUE},
    } | _hint(field)


def _hint(field: Field) -> Block:
    said = [field.description.rstrip(".")] if field.description else []
    if field.kind in ("integer", "number") and (field.least is not None or field.most is not None):
        bounds = f"{_bound(field.least, 'any')} to {_bound(field.most, 'any')}"
        said += [] if bounds in field.description else [bounds]
    if field.kind == "json":
        said.append('JSON: text in double quotes, like "abc"; numbers, true and false as they are')
    if not field.required and field.kind != "text":
        said.append("leave it out for the default")
    return {"hint": {"type": "plain_text", "text": one_line(". ".join(said), 500), "emoji": False}} if said else {}


def _element(field: Field) -> Block:
    if field.kind == "choice":
        return _select(field)
    if field.kind in ("integer", "number"):
        bounds = {"min_value": field.least, "max_value": field.most}
        element: Block = {"type": "number_input", "is_decimal_allowed": field.kind == "number"}
        element |= {name: _bound(value, "") for name, value in bounds.items() if value is not None}
        return element | ({"initial_value": str(field.value)} if field.given else {})
    if field.kind == "json":
        element = {"type": "plain_text_input", "multiline": True, "max_length": MAX_TEXT}
        return element | ({"initial_value": visible_json(field.value)} if field.given else {})
    element = {"type": "plain_text_input", "max_length": field.max_length}
    element |= {"min_length": field.min_length} if field.min_length and field.required else {}
    return element | ({"initial_value": str(field.value)} if field.given and field.value else {})


def _select(field: Field) -> Block:
    options = [_option(choice) for choice in field.choices]
    element: Block = {"type": "static_select"}
    if len(options) <= _PER_GROUP:
        element["options"] = options
    else:
        pages = [options[at : at + _PER_GROUP] for at in range(0, len(options), _PER_GROUP)]
        element["option_groups"] = [
            {"label": {"type": "plain_text", "text": f"{_said(page[0])} to {_said(page[-1])}"[:75]}, "options": page}
            for page in pages
        ]
    present = [each for each in options if field.given and each["value"] == visible_json(field.value)]
    return element | ({"initial_option": present[0]} if present else {})


def _said(option: Block) -> str:
    return one_line(str(option["text"]["text"]), 34)


def _option(choice: JsonValue) -> Block:
    text = {"type": "plain_text", "text": label_of(choice), "emoji": False}
    return {"text": text, "value": visible_json(choice)}


def _bound(value: float | None, otherwise: str) -> str:
    return otherwise if value is None else f"{value:g}" if abs(value) < 1e6 else str(value)


def _note() -> Block:
    return {
        "type": "input",
        "block_id": NOTE_BLOCK,
        "optional": True,
        "label": {"type": "plain_text", "text": "Why?"},
        "hint": {"type": "plain_text", "text": "Everybody who decides will read this."},
        "element": {"type": "plain_text_input", "action_id": EDIT_VALUE, "multiline": True, "max_length": 500},
    }
