"""Any tool's arguments become a form that Slack takes, and come back with their types."""

import json
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, JsonValue

from bot.blocks.edit_modal import build_edit_modal, values_of
from bot.forms import fields_of, read
from core.tool_call import ToolCall
from demo.slack.blocks import check_view
from demo.slack.element_state import state_values
from tests.fakes.examples import a_plan, a_request
from tools.spec import ActArguments


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Everything(ActArguments):
    """One argument of every shape."""

    text: str = Field(min_length=2, max_length=40, description="Some words")
    note: str = ""
    count: int = Field(ge=1, le=16, description="How many.")
    share: float = Field(ge=0, le=1)
    sure: bool
    colour: Colour
    size: Literal["s", "m", "l"] = "m"
    limit: int | None = None
    either: bool | int | Annotated[str, Field(max_length=9)]
    names: list[str] = Field(default_factory=list)
    table: dict[str, int] = Field(default_factory=dict)


ARGS: dict[str, JsonValue] = {
    "service": "checkout", "text": "two words", "note": "", "count": 4, "share": 0.5, "sure": True, "colour": "red",
    "size": "l", "limit": None, "either": 30, "names": ["a", "b"], "table": {"x": 1},
}  # fmt: skip
SCHEMA = Everything.model_json_schema() | {}
SCHEMA["properties"]["service"]["enum"] = ["front", "checkout", "payments"]


def form(schema: dict[str, Any], args: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return the fields and the modal, which Slack must take."""
    fields = fields_of(schema, args)
    modal = build_edit_modal(a_request(plan=a_plan(call=ToolCall(name="tool", args=args))), fields)
    assert check_view(modal, kinds=("modal",)) == []
    assert len(modal["blocks"]) <= 100
    return fields, modal


def sent(modal: dict[str, Any], **typed: Any) -> dict[str, Any]:
    """Return `state.values` of the form as it stands, but for what was typed."""
    kept = {f"argument.{name}": {"edit.value": value} for name, value in typed.items()}
    return state_values(modal["blocks"], kept)


def element(modal: dict[str, Any], name: str) -> dict[str, Any]:
    return next(block["element"] for block in modal["blocks"] if block.get("block_id") == f"argument.{name}")


def test_every_shape_has_its_input_and_its_present_value() -> None:
    _, modal = form(SCHEMA, ARGS)
    kinds = {name: element(modal, name)["type"] for name in ARGS}
    selects, numbers = ("service", "sure", "colour", "size"), ("count", "share", "limit")
    assert {name for name, kind in kinds.items() if kind == "static_select"} == set(selects)
    assert {name for name, kind in kinds.items() if kind == "number_input"} == set(numbers)
    assert [option["value"] for option in element(modal, "service")["options"]] == [
        '"front"', '"checkout"', '"payments"',
    ]  # fmt: skip
    assert element(modal, "service")["initial_option"]["value"] == '"checkout"'
    count = element(modal, "count")
    assert (count["min_value"], count["max_value"], count["initial_value"]) == ("1", "16", "4")
    assert (element(modal, "either")["initial_value"], element(modal, "names")["initial_value"]) == ("30", '["a", "b"]')
    assert element(modal, "text")["max_length"] == 40
    assert "initial_value" not in element(modal, "limit")


def test_what_is_sent_unchanged_comes_back_with_its_types() -> None:
    fields, modal = form(SCHEMA, ARGS)
    args, faults = read(fields, values_of(fields, sent(modal)))
    assert faults == {}
    assert Everything.model_validate_json(_json(args)) == Everything.model_validate_json(_json(ARGS))
    left_out = {"limit"}
    assert {name: type(value) for name, value in args.items()} == {
        name: type(value) for name, value in ARGS.items() if name not in left_out
    }


@pytest.mark.parametrize(
    ("name", "typed", "said"),
    [
        ("count", "four", "whole number"),
        ("count", "4.5", "whole number"),
        ("share", "nan", "a number"),
        ("either", "abc", "double quotes"),
        ("table", "{", "double quotes"),
        ("names", "NaN", "double quotes"),
    ],
)
def test_what_cannot_be_read_is_told_at_its_field(name: str, typed: str, said: str) -> None:
    fields, modal = form(SCHEMA, ARGS)
    _, faults = read(fields, values_of(fields, sent(modal, **{name: typed})))
    assert said in faults[name]
    assert list(faults) == [name]


def test_a_choice_that_was_not_offered_is_refused_and_true_is_not_one() -> None:
    fields = fields_of(SCHEMA, ARGS)
    typed = {field.name: None for field in fields} | {"service": '"secret"', "sure": "1", "colour": '"red"'}
    _, faults = read(fields, typed)
    assert {"service", "sure"} <= set(faults)
    assert "colour" not in faults


def test_an_empty_optional_field_is_left_out_and_an_empty_needed_one_is_told() -> None:
    fields = fields_of(SCHEMA, ARGS)
    args, faults = read(fields, {field.name: None for field in fields})
    assert set(faults) == {"service", "count", "share", "sure", "colour", "either"}
    assert args == {"text": "", "note": ""}


NASTY = ["two\nlines", " spaced ", "zero\u200bwidth", "right\u202eleft", "\ud800", "a\u00a0b\x07", "x" * 2999]


@pytest.mark.parametrize("text", NASTY)
def test_text_that_an_input_would_change_is_typed_as_json_and_comes_back_as_it_was(text: str) -> None:
    args: dict[str, JsonValue] = {**ARGS, "note": text}
    fields, modal = form(SCHEMA, args)
    back, faults = read(fields, values_of(fields, sent(modal)))
    assert (faults, back["note"]) == ({}, text)


@given(st.text(max_size=60))
def test_any_text_comes_back_as_it_was(text: str) -> None:
    fields, modal = form(SCHEMA, {**ARGS, "note": text})
    assert read(fields, values_of(fields, sent(modal)))[0]["note"] == text


def test_what_no_input_can_hold_stays_as_it_is() -> None:
    long = "x" * 10_000
    fields, modal = form(SCHEMA, {**ARGS, "note": long})
    assert "too long to be edited" in str(modal)
    assert read(fields, values_of(fields, sent(modal)))[0]["note"] == long


def test_many_services_come_in_groups_and_very_many_as_text() -> None:
    def select(names: list[str]) -> dict[str, Any]:
        schema = {"properties": {"service": {"type": "string", "enum": names}}, "required": ["service"]}
        _, modal = form(schema, {"service": names[0]})
        return element(modal, "service")

    assert len(select([f"s{n}" for n in range(100)])["options"]) == 100
    assert [len(group["options"]) for group in select([f"s{n}" for n in range(250)])["option_groups"]] == [100, 100, 50]
    assert select(["x" * 80, "y"])["type"] == "plain_text_input"


def test_a_tool_with_a_hundred_arguments_still_makes_a_modal() -> None:
    properties = {f"a{n}": {"type": "string"} for n in range(120)}
    _, modal = form({"properties": properties}, {})
    assert len(modal["blocks"]) == 92


def _json(args: dict[str, JsonValue]) -> str:
    return json.dumps(args)
