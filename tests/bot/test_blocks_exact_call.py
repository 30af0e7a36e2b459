"""What stands in the code block is the call, byte for byte, whatever is in it."""

import hashlib
import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.blocks.approval_card import ApprovalFacts, build_approval_card
from bot.blocks.exact_call import inline_call, odd_characters
from bot.blocks.text import Block
from core.confirmation import asks_to_type
from core.exact_call import LIMIT_BYTES, exact_call, fits
from core.tool_call import ToolCall
from tests.bot.stage import INCIDENTS, Stage, open_stage
from tests.fakes.examples import a_plan, a_request

NASTY = [
    "plain",
    "*bold* _it_ ~no~ `code` ```fence```",
    "<!channel> <!here> <@U0ALICE> <#C0OPS> <!subteam^S0SRE>",
    "<https://evil.example|https://good.example> https://evil.example",
    "&amp; &lt;b&gt; <b> & \"quoted\" 'single' \\back\\",
    "two\nlines\r\nand\ta tab\x00\x1b[31m",
    'checkout"\n  to_version: "9.9.9',
    "right\u202etfel left\u2066isolate\u2069",
    "zero\u200bwidth\u200djoiner\ufeff\u00ad",
    "сheckout (its first letter is Cyrillic)",
    "   leading and trailing   ",
    "no\u00a0break\u2003em space\u2028line separator",
    "emoji :fire: 🔥 👩‍🚒",
    "\ud800 lone surrogate",
    "{service} %s ${HOME} {{jinja}}",
    "x" * 2800,
]


def decoded(shown: str) -> tuple[str, dict[str, Any]]:
    """Read a code block back into a name and arguments."""
    name, *lines = shown.split("\n")
    pairs = (line.removeprefix("  ").partition(": ") for line in lines)
    return _plain(name), {_plain(key): json.loads(value) for key, _, value in pairs}


def _plain(name: str) -> str:
    return json.loads(name) if name.startswith('"') else name


def code_of(blocks: list[Block]) -> str:
    """Return the text of the first code block of a message."""
    parts = [part for block in blocks if block["type"] == "rich_text" for part in block["elements"]]
    return next(part for part in parts if part["type"] == "rich_text_preformatted")["elements"][0]["text"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
argument_names = st.text(max_size=12).filter(lambda name: ": " not in name)


@given(st.text(min_size=1, max_size=20), st.dictionaries(argument_names, json_values, max_size=4))
def test_the_shown_text_decodes_to_exactly_the_call(name: str, args: dict[str, Any]) -> None:
    assert decoded(exact_call(ToolCall(name=name, args=args))) == (name, args)


@given(st.dictionaries(argument_names, json_values, max_size=4))
def test_nothing_in_the_shown_text_is_invisible_and_every_argument_has_one_line(args: dict[str, Any]) -> None:
    shown = exact_call(ToolCall(name="tool", args=args))
    lines = shown.split("\n")
    assert len(lines) == 1 + len(args)
    hidden = {"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"}
    assert not [char for line in lines for char in line if unicodedata.category(char) in hidden]


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
async def test_nasty_arguments_arrive_byte_exact_in_slack(text: str) -> None:
    async with open_stage() as stage:
        shown = await posted(stage, text)
    assert decoded(shown) == ("set_config", {"service": "checkout", "value": text})


async def posted(stage: Stage, text: str) -> str:
    """Post a card for a call with that argument and return the code block as Slack holds it."""
    call = ToolCall(name="set_config", args={"service": "checkout", "value": text})
    root = await stage.client.chat_postMessage(channel=INCIDENTS, text="root")
    where = {"channel": INCIDENTS, "thread_ts": root["ts"], "incident_id": None}
    request = await stage.approvals.create(a_request(plan=a_plan(call=call), **where))
    await stage.cards().show_approval(request.id)
    card = (await stage.history(thread_ts=root["ts"]))[1]
    return code_of(card["blocks"])


@pytest.mark.parametrize(
    "broken",
    [
        lambda call: exact_call(call)[:60],
        lambda call: exact_call(call).replace("*", ""),
        lambda call: exact_call(call).replace("<", "&lt;"),
        lambda call: "\n".join([call.name, *(f"  {key}: {value}" for key, value in call.args.items())]),
    ],
    ids=["truncates", "formats", "escapes", "does not quote"],
)
def test_the_twin_that_does_not_show_the_exact_call_is_caught(broken: Any) -> None:
    def differs(text: str) -> bool:
        call = ToolCall(name="set_config", args={"value": text})
        try:
            return decoded(broken(call)) != (call.name, call.args)
        except ValueError:
            return True

    assert any(differs(text) for text in NASTY)


def test_a_long_call_is_whole_or_in_a_file_whose_digest_is_shown_and_then_its_target_is_typed() -> None:
    for size in range(LIMIT_BYTES - 60, LIMIT_BYTES + 20, 7):
        call = ToolCall(name="set_config", args={"value": "é" * (size // 2)})
        blocks = build_approval_card(a_request(plan=a_plan(call=call)), ApprovalFacts())
        if fits(call):
            assert code_of(blocks) == exact_call(call)
        else:
            assert hashlib.sha256(exact_call(call).encode()).hexdigest() in str(blocks)
        assert asks_to_type(a_request(plan=a_plan(call=call))) is not fits(call)
        assert ("type the target" in str(blocks)) is not fits(call)


def test_characters_that_deceive_are_named() -> None:
    call = ToolCall(name="t", args={"a": "сheckout\u202e"})
    assert odd_characters(call) == "U+202E RIGHT-TO-LEFT OVERRIDE, U+0441 CYRILLIC SMALL LETTER ES"
    assert odd_characters(ToolCall(name="t", args={"a": "plain\nlines"})) == ""


def test_what_deceives_most_is_named_first_however_many_accents_stand_before_it() -> None:
    plain = ToolCall(name="t", args={"a": "àéîõüñ"})
    assert odd_characters(plain).endswith(" and 1 more")
    found = odd_characters(plain, ToolCall(name="t", args={"a": "\u0441heckout 60\u3164"}))
    assert found.startswith("U+3164 HANGUL FILLER, U+0441 CYRILLIC SMALL LETTER ES, U+00E0 ")


@pytest.mark.parametrize("char", ["\u3164", "\u115f", "\uffa0", "\u034f", "\ufe0f", "\u2800", "\u180b", "\U000e0100"])
def test_what_is_drawn_as_nothing_is_shown_as_an_escape(char: str) -> None:
    shown = exact_call(ToolCall(name="t", args={"a": f"60{char}"}))
    assert char not in shown
    assert json.loads(shown.split("a: ")[1]) == f"60{char}"


def test_a_call_on_one_line_is_one_short_line() -> None:
    assert inline_call(ToolCall(name="t", args={"a": "b\nc", "n": 2})) == 't(a="b\\nc", n=2)'
    assert len(inline_call(ToolCall(name="t", args={"a": "x" * 999}))) == 300
