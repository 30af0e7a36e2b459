"""From a brief to a report: what is looked at, what is remembered, what is proposed and what is not."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from core.approval import ApprovalStatus
from core.brief import Brief
from core.effect import EffectStatus
from core.evidence import Report
from core.ids import incident_thread_id, stable_id
from core.tool_call import ToolCall, ToolResult
from graphs.context import InvestigatorConfig
from graphs.investigation import graph as investigation
from graphs.runner import thread_config
from tests.fakes.examples import an_alert, an_effect
from tests.graphs import recordings
from tests.graphs.world import BOB, GONE, GUEST, PLACE, SERVICES, World, a_brief, a_proposal, approval_of


class Replay:
    """Answers the read tools with recorded evidence, title by title."""

    def __init__(self, fault: str) -> None:
        self.by_call = {
            (item["call"]["name"], item["service"] or item["call"]["args"].get("query", "")): item
            for item in recordings.load(fault)["evidence"]
        }

    def answer(self, name: str) -> Any:
        def look(args: Any) -> ToolResult:
            service = args.get("service", "")
            rows = [item for (tool, _), item in self.by_call.items() if tool == name]
            if service:
                found = next((item for item in rows if item["service"] == service), None)
            else:
                found = next(
                    (item for item in rows if shape(item["call"]["args"]["query"]) == shape(args["query"])), None
                )
            if found is None:
                return ToolResult(status="no_data", text="not recorded")
            return ToolResult(status=found["status"], text=found["summary"], data=found["data"])

        return look


def shape(query: str) -> str:
    """Return a query without the parts that differ between two looks at the same thing."""
    names = [word for word in query.replace("{", " ").replace("(", " ").split() if "_" in word and '"' not in word]
    return " ".join(name.split("_bucket")[0].split("[")[0] for name in names) + str("by (service, version)" in query)


def replaying(fault: str) -> World:
    """Return a world whose tools give recorded evidence, at the recorded time."""
    from datetime import datetime

    world, replay = World(), Replay(fault)
    taken = max(datetime.fromisoformat(item["taken_at"]) for item in recordings.load(fault)["evidence"])
    world.clock._now = taken
    for name in ("metric_query", "metric_range", "search_logs", "probe_http", "service_status", "deploy_history"):
        world.toolbox.answers[name] = replay.answer(name)
    return world


async def ask(world: World, *questions: str) -> list[Report]:
    """Ask one after another in one thread, each time with a newly compiled graph."""
    asked = enumerate(questions, len(world.reports.rows) + 1)
    return [await world.runner().investigate(a_brief(text, n, world.clock)) for n, text in asked]


async def an_incident(world: World, **fields: Any) -> Any:
    incident, _ = await world.incidents.join(an_alert(**fields), world.clock.now())
    return incident


def first_look(world: World, incident: Any, number: int = 1) -> Any:
    thread = incident_thread_id(incident.id)
    return a_brief("", number, world.clock, thread_id=thread, incident_id=incident.id, requester="alert")


async def test_an_incident_leads_to_evidence_a_cause_and_one_proposal() -> None:
    world = replaying("bad_deploy")
    report = await world.runner().investigate(first_look(world, await an_incident(world)))
    assert (report.mind, report.degraded) == ("deterministic", "")
    assert report.hypotheses[0].cause == "bad_deploy"
    assert report.proposal is not None
    assert report.proposal.name == "rollback_deploy"
    assert [item.id for item in report.evidence] == [f"E{n}" for n in range(1, len(report.evidence) + 1)]
    assert {"progress"} == {kind for kind, _ in world.cards.shown}
    assert world.toolbox.effects == []


async def test_the_same_brief_gives_the_same_report_without_a_second_look() -> None:
    world = replaying("bad_deploy")
    brief = first_look(world, await an_incident(world))
    first = await world.runner().investigate(brief)
    reads = len(world.toolbox.reads)
    assert await world.runner().investigate(brief) == first
    assert len(world.toolbox.reads) == reads


async def test_every_claim_names_evidence_that_exists() -> None:
    for fault in recordings.FAULTS:
        world = replaying(fault)
        (report,) = await ask(world, "why is front unwell?")
        ids = {item.id for item in report.evidence}
        assert all(set(hypothesis.evidence_ids) <= ids for hypothesis in report.hypotheses)


async def test_a_thread_remembers_its_subject_and_its_answers() -> None:
    world = replaying("bad_deploy")
    why, since, status, proposed = await ask(
        world, "why is checkout failing?", "since when?", "and payments?", "what did you propose?"
    )
    assert why.proposal is not None
    assert "checkout" in since.answer
    assert since.answer.startswith("Since ")
    assert since.proposal is None
    assert "payments" in status.answer
    assert "rollback_deploy" in proposed.answer
    assert proposed.evidence == ()


async def test_a_question_in_an_incidents_thread_shares_its_memory() -> None:
    world = replaying("memory_leak")
    incident = await an_incident(world)
    await world.runner().investigate(first_look(world, incident))
    brief = a_brief("since when?", 2, world.clock, thread_id=incident_thread_id(incident.id), incident_id=incident.id)
    report = await world.runner().investigate(brief)
    assert "leaks memory" in report.answer


async def test_an_instruction_becomes_a_proposal_after_a_quick_look() -> None:
    world = World()
    (report,) = await ask(world, "please restart checkout")
    assert report.proposal == ToolCall(name="restart_service", args={"service": "checkout"})
    assert len(report.evidence) <= 6
    assert "countersignature" in report.answer


@pytest.mark.parametrize("question", ["restart checkout", "why is checkout failing?"])
@pytest.mark.parametrize("requester", [GUEST, GONE, "U0NOBODY"])
async def test_a_guest_is_answered_but_causes_no_proposal(question: str, requester: str) -> None:
    world = replaying("bad_deploy")
    report = await world.runner().investigate(a_brief(question, requester=requester))
    assert report.proposal is None
    assert report.answer.endswith("Guests may not ask for changes.")
    for number, allowed in enumerate((BOB, "alert"), 2):
        report = await replaying("bad_deploy").runner().investigate(a_brief(question, number, requester=allowed))
        assert report.proposal is not None


async def test_a_rollback_without_a_version_means_the_one_before() -> None:
    world = replaying("bad_deploy")
    (report,) = await ask(world, "roll back checkout")
    expected = recordings.load("bad_deploy")["expected"]["args"]
    assert report.proposal == ToolCall(name="rollback_deploy", args=expected)


async def test_a_call_that_cannot_be_planned_is_not_proposed() -> None:
    world = replaying("memory_leak")
    world.toolbox.broken = "The supervisor says no."
    (report,) = await ask(world, "why is checkout unwell?")
    assert report.proposal is None
    assert "The supervisor says no." in report.answer


async def test_the_same_action_is_not_asked_for_twice_while_it_waits() -> None:
    world = replaying("bad_deploy")
    first, second = await ask(world, "why is checkout failing?", "why is front failing?")
    assert first.proposal is not None
    assert second.proposal is None
    assert "proposed already" in second.answer
    assert "I propose `rollback_deploy" in first.answer
    assert "I propose" not in second.answer


async def test_an_instruction_that_cannot_be_says_only_why() -> None:
    world = World()
    world.toolbox.broken = "There is no version 9.9.9."
    (report,) = await ask(world, "roll back checkout to 9.9.9")
    assert report.answer.endswith("cannot be proposed: There is no version 9.9.9.")
    assert "countersignature" not in report.answer
    assert "You asked" not in report.answer


async def test_what_waits_in_another_thread_is_not_asked_for_again() -> None:
    world = replaying("bad_deploy")
    (first,) = await ask(world, "why is checkout failing?")
    assert first.proposal is not None
    await world.runner().remediate(a_proposal("rem_waits", call=first.proposal))
    brief = a_brief("roll back checkout", 7, world.clock, thread_id="conversation:C2:9")
    second = await world.runner().investigate(brief)
    assert second.proposal is None
    assert "is proposed already and waits for a decision" in second.answer
    assert (first.elsewhere, second.elsewhere) == ("", approval_of("rem_waits"))


@pytest.mark.parametrize(("seconds", "watched"), [(1, True), (60, False)])
async def test_what_fires_while_an_approved_action_takes_effect_is_watched(seconds: int, watched: bool) -> None:
    world = replaying("bad_deploy")
    (first,) = await ask(world, "why is checkout failing?")
    await world.runner().remediate(a_proposal("rem_1", call=first.proposal))
    await world.vote(approval_of())
    row, now = await world.approvals.load(approval_of()), world.clock.now()
    world.effects.rows["act_1"] = an_effect(row, intent_at=now, outcome_at=now, status=EffectStatus.DONE)
    await world.approvals.finish(row.id, status=ApprovalStatus.EXECUTED, text="done", now=now)
    world.clock._now += timedelta(seconds=seconds)
    incident = await an_incident(world, service="front")
    report = await world.runner().investigate(first_look(world, incident, 2))
    assert ("watching whether it helps" in report.answer) is watched
    assert (report.proposal is None) is watched


async def test_the_symptoms_incident_leaves_the_proposal_to_the_causes_incident() -> None:
    world = replaying("bad_deploy")
    cause = await an_incident(world)
    symptom = await an_incident(world, fingerprint="f1", service="front")
    report = await world.runner().investigate(first_look(world, symptom))
    assert report.hypotheses[0].service == "checkout"
    assert report.proposal is None
    assert "carries the proposal" in report.answer
    assert report.elsewhere == cause.id
    assert (await world.runner().investigate(first_look(world, cause, 2))).proposal is not None


async def test_a_symptom_without_an_incident_of_its_cause_proposes_itself() -> None:
    world = replaying("bad_deploy")
    symptom = await an_incident(world, service="front")
    assert (await world.runner().investigate(first_look(world, symptom))).proposal is not None


async def test_a_rejected_action_may_be_proposed_again_when_somebody_asks() -> None:
    world = replaying("bad_deploy")
    (first,) = await ask(world, "why is checkout failing?")
    assert first.proposal is not None
    remediation_id = stable_id("rem", first.id)
    await world.runner().remediate(a_proposal(remediation_id, call=first.proposal, place=PLACE))
    await world.vote(stable_id("apr", remediation_id, "1"), "reject")
    (second,) = await ask(world, "why is checkout failing?")
    assert second.proposal == first.proposal


async def test_the_budget_of_calls_is_kept_and_said() -> None:
    world = World(config=InvestigatorConfig(SERVICES, max_calls=5))
    (report,) = await ask(world, "why is checkout slow?")
    assert len(world.toolbox.reads) == 5
    assert {item.status for item in report.evidence[5:]} == {"refused"}


async def test_a_tool_that_hangs_costs_only_its_own_look() -> None:
    world = World(config=InvestigatorConfig(SERVICES, max_seconds=0.3))
    real = world.toolbox.read

    async def hanging(call: ToolCall) -> ToolResult:
        if call.name == "search_logs":
            await asyncio.sleep(60)
        return await real(call)

    world.toolbox.read = hanging
    (report,) = await ask(world, "why is checkout slow?")
    assert {item.call.name for item in report.evidence if item.status == "failed"} == {"search_logs"}


async def test_progress_that_cannot_be_shown_costs_nothing() -> None:
    world = World()

    async def refuse(*args: Any) -> None:
        raise RuntimeError("Slack is down")

    world.cards.show_progress = refuse  # type: ignore[method-assign]
    (report,) = await ask(world, "status")
    assert report.answer


async def crashed(world: World) -> Brief:
    """Have an investigation die as it writes its report; returns what it was asked for."""
    brief = first_look(world, await an_incident(world))
    save = world.reports.save

    async def die(report: Report) -> None:
        raise RuntimeError("out of disk")

    world.reports.save = die  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="out of disk"):
        await world.runner().investigate(brief)
    world.reports.save = save  # type: ignore[method-assign]
    return brief


async def test_a_crashed_investigation_goes_on_where_it_stopped() -> None:
    world = replaying("bad_deploy")
    brief = await crashed(world)
    reads = len(world.toolbox.reads)
    assert (await world.runner().investigate(brief)).hypotheses[0].cause == "bad_deploy"
    assert len(world.toolbox.reads) == reads


async def test_one_that_another_version_was_at_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    world = replaying("bad_deploy")
    brief = await crashed(world)
    reads = len(world.toolbox.reads)
    monkeypatch.setattr("graphs.investigation.state.GRAPH_VERSION", "investigation/2")
    assert (await world.runner().investigate(brief)).hypotheses[0].cause == "bad_deploy"
    assert len(world.toolbox.reads) == 2 * reads


async def test_the_thread_keeps_ids_and_words_and_not_the_evidence() -> None:
    world = replaying("bad_deploy")
    await ask(world, "why is checkout failing?")
    graph = investigation.compile_graph(world.saver)
    values = (await graph.aget_state(thread_config("conversation:C1:1", 1))).values
    assert values["evidence"] == []
    assert values["graph_version"] == "investigation/1"
    assert values["prompts"] == {"case": 2, "investigator": 1, "second_opinion": 1}
    assert len(str(values)) < 4000


@pytest.mark.parametrize("text", ["hi", "help", "<@U0BOT>"])
async def test_small_talk_is_answered_without_a_look(text: str) -> None:
    world = World()
    (report,) = await ask(world, text)
    assert world.toolbox.reads == []
    assert "Ask me about a service" in report.answer
