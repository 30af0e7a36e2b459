"""The timeline page over the ports: complete, read-only, and inert whatever the rows hold."""

from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from bot.web.svg_plot import build_svg
from bot.web.timeline import signed_link, timeline_routes
from core.approval import ApprovalStatus, Vote
from core.audit import AuditEvent
from core.effect import EffectStatus
from core.evidence import Evidence, Hypothesis
from core.ids import incident_thread_id
from core.incident import Incident
from core.person import Person
from core.series import Series
from core.tool_call import ToolCall
from tests.fakes.approvals import InMemoryApprovals
from tests.fakes.audit import InMemoryAudit
from tests.fakes.clock import START, FakeClock
from tests.fakes.directory import InMemoryDirectory
from tests.fakes.effects import InMemoryEffects
from tests.fakes.examples import a_plan, a_report, a_request, an_alert, an_audit_event, an_effect
from tests.fakes.incidents import InMemoryIncidents
from tests.fakes.reports import InMemoryReports

SECRET = "a secret of this test"
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'`{{7*7}}"


class House:
    """Rows in memory and the page over them."""

    def __init__(self) -> None:
        self.incidents, self.reports, self.approvals = InMemoryIncidents(), InMemoryReports(), InMemoryApprovals()
        self.effects, self.audit, self.clock = InMemoryEffects(None, self.approvals), InMemoryAudit(), FakeClock()
        self.routes = timeline_routes(
            incidents=self.incidents,
            reports=self.reports,
            approvals=self.approvals,
            effects=self.effects,
            audit=self.audit,
            clock=self.clock,
            secret=SECRET,
            directory=InMemoryDirectory([Person(id="U0ALICE", name="Alice Moreno")]),
        )

    async def get(self, link: str, method: str = "GET") -> httpx.Response:
        """Ask for a page."""
        transport = httpx.ASGITransport(Starlette(routes=self.routes))
        async with httpx.AsyncClient(transport=transport, base_url="http://bot.example") as browser:
            return await browser.request(method, link)

    async def page(self, subject: str) -> httpx.Response:
        """Ask with a fresh link."""
        return await self.get(signed_link("", SECRET, subject, self.clock.now()))

    async def story(self, word: str = "plain", status: ApprovalStatus = ApprovalStatus.EXECUTED) -> Incident:
        """Write an incident from its alert to its end; `word` is every outside word in it."""
        alert = an_alert(summary=f"sum {word}", labels={"a": word}, expr=word)
        incident, _ = await self.incidents.join(alert, START)
        line = Series(title=word, unit="ratio", points=((1.0, 0.1), (2.0, 0.6)), threshold=0.3, marks=((1.5, word),))
        call = ToolCall(name="metric_range", args={"query": word})
        seen: dict[str, Any] = {"status": "ok", "title": word, "summary": word, "series": (line,), "data": {"d": word}}
        cause = Hypothesis(
            cause="x", service="s", title=word, confidence=0.7, evidence_ids=("E1",), reasons=(f"reason {word}",)
        )
        evidence = (Evidence(id="E1", call=call, taken_at=START + timedelta(seconds=2), **seen),)
        at = START + timedelta(seconds=4)
        thread = incident_thread_id(incident.id)
        report = a_report(
            id="rep_1", thread_id=thread, incident_id=incident.id, answer=word, evidence=evidence, hypotheses=(cause,),
            question=word, degraded=word, finished_at=at,
        )  # fmt: skip
        await self.reports.save(report)
        plan = a_plan(call=ToolCall(name="set_config", args={"v": word}), diff=f"-{word}", blast_radius=word)
        request = a_request(id="apr_1", plan=plan, reason=word, incident_id=incident.id, report_id="rep_1")
        request = await self.approvals.create(request)
        asked = {"kind": "ApprovalRequested", "actor": "U0ALICE", "subject": "apr_1", "details": {"why": word}}
        await self.audit.append(AuditEvent(incident_id=incident.id, at=at, **asked))
        await self.approvals.vote(Vote(approval_id="apr_1", person="U0ALICE", choice="approve", reason=word, at=at))
        verdict = {"status": ApprovalStatus.APPROVED, "execute_by": at + timedelta(minutes=5), "now": at}
        assert await self.approvals.claim("apr_1", digest=request.digest, **verdict)
        effect = an_effect(request, intent_at=at)
        await self.effects.intend(effect, an_audit_event(kind="EffectIntended"))
        done = {"status": EffectStatus.DONE, "text": word, "data": {"x": word}, "now": at}
        done["event"] = an_audit_event(kind="EffectDone")
        await self.effects.conclude(effect.action_id, **done)
        assert await self.approvals.finish("apr_1", status=status, text=word, now=at)
        return incident


class Tags(HTMLParser):
    """Collects what a browser would act on."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.ids: list[str] = []
        self.handlers: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag, its id and its event handlers."""
        self.seen.append(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


def read(html: str) -> Tags:
    """Parse a page."""
    tags = Tags()
    tags.feed(html)
    return tags


async def test_the_page_tells_the_whole_story() -> None:
    house = House()
    incident = await house.story()
    answer = await house.page(incident.id)
    assert answer.status_code == 200
    for part in (
        "HighErrorRate", "E1", "metric_range", "<svg", "Likely", "reason plain", "Approval requested", "set_config",
        "Alice Moreno approved", "Ran restart_service", "Executed", "ApprovalRequested", "act_1", "(U0ALICE)",
    ):  # fmt: skip
        assert part in answer.text or part == "Ran restart_service", part
    assert {"rep_1-E1", "rep_1", "apr_1", "act_1", "alert-f00d"} <= set(read(answer.text).ids)


async def test_nothing_that_rows_hold_becomes_markup() -> None:
    house = House()
    answer = await house.page((await house.story(EVIL)).id)
    tags = read(answer.text)
    assert not {"script", "img", "iframe", "form", "link"} & set(tags.seen)
    assert tags.handlers == []
    assert "49" not in tags.ids
    assert "&lt;script&gt;" in answer.text


def test_the_twin_that_does_not_escape_is_caught() -> None:
    tags = read(f"<p>{EVIL}</p>")
    assert {"script", "img"} <= set(tags.seen)
    assert tags.handlers == ["onerror"]


async def test_the_page_is_not_kept_framed_or_scripted() -> None:
    house = House()
    answer = await house.page((await house.story()).id)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    nonce = policy.split("'nonce-")[1].split("'")[0]
    assert f'<style nonce="{nonce}">' in answer.text
    assert " style=" not in answer.text


async def test_forged_and_outdated_links_open_nothing() -> None:
    house = House()
    incident = await house.story()
    link = signed_link("", SECRET, incident.id, START)
    for bad in (f"/timeline/{incident.id}", link[:-1], link.replace(incident.id, "INC-9"), link + "&expires=9"):
        answer = await house.get(bad)
        assert answer.status_code == 403
        assert incident.title not in answer.text
    house.clock.advance(days=2)
    assert (await house.get(link)).status_code == 403


async def test_a_genuine_link_to_nothing_is_404_and_writing_is_refused() -> None:
    house = House()
    assert (await house.page("INC-404")).status_code == 404
    incident = await house.story()
    assert (await house.get(signed_link("", SECRET, incident.id, START), "POST")).status_code == 405


async def test_a_conversations_report_has_its_own_page_with_its_requests() -> None:
    house = House()
    await house.reports.save(a_report(id="rep_9", incident_id=None, question="Why is it slow?"))
    asked = await house.approvals.create(a_request(incident_id=None, report_id="rep_9"))
    undo = await house.approvals.create(a_request(incident_id=None, report_id="rep_9", rollback_of=asked.id))
    other = await house.approvals.create(a_request(incident_id=None, report_id="rep_8"))
    answer = await house.page("rep_9")
    assert "Why is it slow?" in answer.text
    assert {asked.id, undo.id, other.id} & set(read(answer.text).ids) == {asked.id, undo.id}


@pytest.mark.parametrize("status", [ApprovalStatus.FAILED, ApprovalStatus.UNKNOWN])
async def test_every_ending_has_its_own_words(status: ApprovalStatus) -> None:
    house = House()
    answer = await house.page((await house.story(status=status)).id)
    assert {"failed": "Failed:", "unknown": "Outcome unknown:"}[status.value] in answer.text


def test_a_plot_draws_flat_empty_and_negative_lines() -> None:
    flat = Series(title="f", points=((1.0, 0.0), (1.0, 0.0)))
    negative = Series(title="n", unit="bytes", points=((1.0, -5e9), (9.0, 3e9)))
    assert build_svg([], "nothing") == ""
    assert build_svg([Series(title="e", points=())], "e") == ""
    for line in (flat, negative):
        svg = str(build_svg([line], "l"))
        assert "<polyline" in svg
        assert "nan" not in svg
        assert "inf" not in svg
