"""Outside words on any card: they cannot mention, link, broadcast, format or outgrow the message."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from bot.blocks import budget
from bot.blocks.approval_card import ApprovalFacts, approval_text, build_approval_card
from bot.blocks.details_modal import build_details_modal
from bot.blocks.home import build_home
from bot.blocks.incident_card import build_incident_card, incident_text
from bot.blocks.note import build_note, note_text
from bot.blocks.progress_message import build_progress, progress_text
from bot.blocks.prose import build_prose
from bot.blocks.reject_modal import build_reject_modal
from bot.blocks.report_message import build_report, report_text
from bot.blocks.text import escape, inert, section, span
from core.approval import ApprovalStatus, Vote
from core.evidence import Evidence, Hypothesis, Report
from core.incident import Incident
from core.tool_call import ToolCall
from tests.fakes.clock import START
from tests.fakes.examples import a_plan, a_report, a_request, a_requirement, an_alert

EVIL = "<!channel> <@U0EVIL> <https://evil.example|here> *b* `c` </a> \u202e\u200b" + "y" * 12_000
# What we write ourselves into mrkdwn: dates, mentions of known ids and links to our own pages.
OURS = re.compile(r"<(!date\^\d+\^[^|<>]*\|[^<>]*|@U0(ALICE|BOB)|!subteam\^S0SRE|https://bot\.example[^|<>]*\|[^<>]*)>")


def evil_request(status: ApprovalStatus = ApprovalStatus.PENDING) -> Any:
    """A request whose every outside word is evil."""
    call = ToolCall(name="set_config", args={"value": EVIL[:900]})
    plan = a_plan(call=call, diff=EVIL, blast_radius=EVIL, service=EVIL[:100], env=EVIL[:60], rollback=call)
    vote = Vote(approval_id="a", person="U0BOB", choice="reject", reason=EVIL, at=START)
    given = {"reason": EVIL, "requester": "U0ALICE", "outcome_text": EVIL, "votes": (vote,), "decided_at": START}
    return a_request(plan=plan, status=status, requirement=a_requirement(rule=EVIL[:80], groups=(EVIL,)), **given)


def evil_incident() -> Incident:
    """An incident whose every outside word is evil."""
    alerts = tuple(an_alert(fingerprint=str(n), name=EVIL[:256], summary=EVIL[:2000]) for n in range(40))
    words = {"title": EVIL[:500], "service": EVIL[:128], "env": EVIL[:64], "severity": EVIL[:64]}
    return Incident(id="INC-1", group_key="g", opened_at=START, alerts=alerts, **words)


def evil_report() -> Report:
    """A report whose every outside word is evil."""
    call = ToolCall(name="search_logs", args={"x": EVIL})
    items = tuple(
        Evidence(id=f"E{n}", call=call, status="ok", title=EVIL, summary=EVIL, taken_at=START) for n in range(1, 30)
    )
    ids = tuple(item.id for item in items)
    causes = [Hypothesis(cause="x", service="s", title=EVIL, confidence=0.9, evidence_ids=ids, reasons=(EVIL,))] * 9
    given = {"answer": EVIL, "degraded": EVIL, "mind": EVIL, "evidence": items, "hypotheses": tuple(causes)}
    return a_report(proposal=call, proposal_reason=EVIL, question=EVIL, **given)


URLS = {"": "https://bot.example/t", **{f"E{n}": f"https://bot.example/t#E{n}" for n in range(1, 30)}}
FACTS = ApprovalFacts(
    approvers=(EVIL,) * 20, evidence=(("E1", EVIL, URLS["E1"]),) * 9, target_seen=False, timeline_url=URLS[""]
)
MESSAGES: dict[str, Callable[[], tuple[str, list[Any]]]] = {
    **{
        f"approval {status.value}": lambda status=status: (
            approval_text(evil_request(status)),
            build_approval_card(evil_request(status), FACTS),
        )
        for status in ApprovalStatus
    },
    "incident": lambda: (
        incident_text(evil_incident(), evil_report(), []),
        build_incident_card(evil_incident(), evil_report(), [evil_request()] * 5, URLS[""]),
    ),
    "report": lambda: (report_text(evil_report()), build_report(evil_report(), URLS)),
    "progress": lambda: (progress_text([EVIL] * 20), build_progress([EVIL] * 20, [EVIL] * 20)),
    "note": lambda: (note_text(EVIL), build_note(EVIL)),
}
VIEWS = {
    "details": lambda: build_details_modal(evil_request()),
    "reject": lambda: build_reject_modal(evil_request()),
    "home": lambda: build_home([(evil_request(), "")] * 20, [(evil_request(), "")] * 20, [(evil_incident(), "")] * 9),
}


def marked_up(value: Any) -> Iterator[str]:
    """Yield every text that Slack reads as mrkdwn."""
    if isinstance(value, dict):
        if value.get("type") == "mrkdwn":
            yield value["text"]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from marked_up(item)


def typed(value: Any, *types: str) -> list[Any]:
    """Return every rich text element of these types."""
    found = [value] if isinstance(value, dict) and value.get("type") in types else []
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return found + [each for item in inner for each in typed(item, *types)]


def escapees(text: str) -> list[str]:
    """Return markup of mrkdwn that we did not write."""
    return re.findall(r"<[^>]*>?", OURS.sub("", text))


@pytest.mark.parametrize("name", [*MESSAGES, *VIEWS])
def test_outside_words_cannot_mention_link_or_broadcast(name: str) -> None:
    text, blocks = MESSAGES[name]() if name in MESSAGES else ("", [VIEWS[name]()])
    for mrkdwn in [text, *marked_up(blocks)]:
        assert escapees(mrkdwn) == []
    assert typed(blocks, "broadcast", "usergroup", "channel", "image") == []
    assert {element["user_id"] for element in typed(blocks, "user")} <= {"U0BOB"}
    assert all(element["url"].startswith("https://bot.example") for element in typed(blocks, "link"))


def test_the_twin_that_does_not_escape_is_caught() -> None:
    assert escapees(section(f"*Why* {EVIL}")["text"]["text"])
    assert not escapees(section(f"*Why* {inert(EVIL)}")["text"]["text"])


@pytest.mark.parametrize("name", MESSAGES)
def test_every_message_keeps_the_budget_and_says_the_same_in_one_line(name: str) -> None:
    text, blocks = MESSAGES[name]()
    assert budget.fits(blocks), budget.weight(blocks)
    assert text
    assert "\n" not in text
    assert len(text) < 1000
    for mrkdwn in marked_up(blocks):
        assert len(mrkdwn) <= 3000


@pytest.mark.parametrize("name", VIEWS)
def test_views_stay_within_a_hundred_blocks(name: str) -> None:
    assert len(VIEWS[name]()["blocks"]) <= 100


def test_the_answers_bold_code_and_bullets_survive_and_nothing_else() -> None:
    block = build_prose("## Verdict\n**checkout** is `down`\n- one\n- two\n[x](https://evil.example) ![i](https://e)")
    section_, list_ = "rich_text_section", "rich_text_list"
    assert [part["type"] for part in block["elements"]] == [section_, list_, section_]
    assert [e["text"] for e in typed(block, "text") if e.get("style") == {"code": True}] == ["down"]
    assert typed(block, "link", "image") == []


def test_escaping_leaves_what_is_harmless() -> None:
    assert escape("a & b < c > d") == "a &amp; b &lt; c &gt; d"
    assert inert("restart_service of my_app") == "restart_service of my_app"
    assert "*" not in inert("*bold*")
    assert "`" not in inert("`code`")
    assert inert("a\nb\u200b") == "a b"


def test_splitting_loses_nothing() -> None:
    for text in ("", "abc", "line\n" * 900, "é" * 5000, "x" * 9001):
        pieces = budget.split(text, 3000)
        assert "".join(pieces) == text
        assert all(len(piece.encode()) <= 3000 for piece in pieces)


@pytest.mark.parametrize(
    ("seconds", "words"), [(45, "45 s"), (60, "1 min"), (90, "90 s"), (300, "5 min"), (7200, "2 h"), (86400, "1 day")]
)
def test_spans_read_as_people_say_them(seconds: int, words: str) -> None:
    assert span(timedelta(seconds=seconds)) == words
