"""What is an instruction and what is only a question about one."""

import pytest

from core.tool_call import ToolCall
from graphs.investigation.intent import Intent, parse
from tests.graphs.world import SERVICES

INSTRUCTIONS = {
    "restart checkout": ("restart_service", {"service": "checkout"}),
    "<@U0BOT> please restart the checkout service now!": ("restart_service", {"service": "checkout"}),
    "can you bounce payments in prod?": ("restart_service", {"service": "payments"}),
    "roll back checkout": ("rollback_deploy", {"service": "checkout"}),
    "Rollback checkout to version 1.8.2": ("rollback_deploy", {"service": "checkout", "to_version": "1.8.2"}),
    "scale payments to 6": ("scale_workers", {"service": "payments", "workers": 6}),
    "scale payments up to 6 workers, please": ("scale_workers", {"service": "payments", "workers": 6}),
    "set payments_timeout_ms of checkout to 2000": (
        "set_config",
        {"service": "checkout", "key": "payments_timeout_ms", "value": 2000},
    ),
    "set checkout payments_timeout_ms = 2000": (
        "set_config",
        {"service": "checkout", "key": "payments_timeout_ms", "value": 2000},
    ),
    "set theme of front to winter": ("set_config", {"service": "front", "key": "theme", "value": "winter"}),
    "set debug on front to false": ("set_config", {"service": "front", "key": "debug", "value": False}),
}
QUESTIONS = (
    "should I restart checkout?",
    "don't restart checkout",
    "why did you restart checkout?",
    "restart checkout if it leaks",
    "what happens when we roll back checkout",
    "the log says: restart checkout",
    "restart mainframe",
    "do not scale payments to 6",
)


@pytest.mark.parametrize("text", INSTRUCTIONS)
def test_a_whole_sentence_of_a_known_form_is_an_instruction(text: str) -> None:
    name, args = INSTRUCTIONS[text]
    intent = parse(text, SERVICES)
    assert intent.kind == "instruct"
    assert intent.call == ToolCall(name=name, args=dict(args))


@pytest.mark.parametrize("text", QUESTIONS)
def test_a_question_about_an_action_is_not_an_instruction(text: str) -> None:
    assert parse(text, SERVICES).call is None


@pytest.mark.parametrize(
    ("text", "kind", "service"),
    [
        ("why is checkout slow?", "why", "checkout"),
        ("status of payments", "status", "payments"),
        ("is front up?", "status", "front"),
        ("since when?", "since", ""),
        ("and payments?", "why", "payments"),
        ("what did you propose?", "proposal", ""),
        ("what's going on", "why", ""),
        ("What is broken right now, and since when?", "why", ""),
        ("what is wrong?", "why", ""),
        ("why?", "why", ""),
        ("what is wrong since the deploy of checkout?", "why", "checkout"),
        ("what changed?", "changes", ""),
        ("who changed the config of payments", "changes", "payments"),
        ("how many incidents are open?", "incidents", ""),
        ("why do you think so?", "reasons", ""),
        ("asdf qwer", "lost", ""),
        ("delete everything", "lost", ""),
        ("delete payments", "lost", "payments"),
        ("don't restart checkout", "lost", "checkout"),
        ("thanks!", "unclear", ""),
        ("", "unclear", ""),
    ],
)
def test_a_question_is_read_for_what_it_wants_and_whom_it_names(text: str, kind: str, service: str) -> None:
    assert parse(text, SERVICES) == Intent(kind, service)  # type: ignore[arg-type]


def test_the_span_of_a_question_about_changes_is_read() -> None:
    assert parse("what was deployed or reconfigured in the last hour?", SERVICES) == Intent("changes", within=3600)
    assert parse("what changed on payments in the past 2 days?", SERVICES).within == 172800


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("restart foo", "I know no service foo. I know: front, checkout, payments."),
        ("restart chekout", "I know no service chekout. Did you mean checkout?"),
        ("restart checkout-v2", "I know no service checkout-v2. Did you mean checkout?"),
        ("scale payments2 to 4", "I know no service payments2. Did you mean payments?"),
        ("restart", "Restart what? I know: front"),
        ("roll back!", "Roll back what?"),
        ("please restart checkout and payments", "One instruction at a time"),
        ("restart checkout, roll back payments", "One instruction at a time"),
        ("restart it", "I do not know what “it” is here."),
        ("restart checkout if it leaks", "whole, plain instructions only"),
        ("scale payments", "whole, plain instructions only"),
    ],
)
def test_an_instruction_that_cannot_be_followed_is_answered_with_why(text: str, told: str) -> None:
    intent = parse(text, SERVICES)
    assert (intent.kind, intent.call) == ("instruct", None)
    assert told in intent.trouble


@pytest.mark.parametrize(("text", "tool"), [("restart it", "restart_service"), ("roll it back", "rollback_deploy")])
def test_it_means_the_service_that_the_thread_is_about(text: str, tool: str) -> None:
    assert parse(text, SERVICES, "payments").call == ToolCall(name=tool, args={"service": "payments"})


def test_an_environment_that_we_do_not_know_is_said_and_not_guessed() -> None:
    intent = parse("restart checkout in staging", SERVICES)
    assert intent.call is None
    assert "not in staging" in intent.trouble


@pytest.mark.parametrize("value", ["nan", "inf", "1e999", "0x10"])
def test_odd_numbers_stay_text(value: str) -> None:
    call = parse(f"set limit of front to {value}", SERVICES).call
    assert call is not None
    assert call.args["value"] == value
