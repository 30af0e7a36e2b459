"""A model may judge, within a budget; whatever is wrong with it, the rules step in and the report says why."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from core.evidence import Report
from graphs.models.agent import ModelLimits
from graphs.models.factory import open_mind
from tests.fakes.openai_server import OpenAIServer, Reply, conclude, openai_server, proposing
from tests.graphs.world import World, a_brief

ROLLBACK = {"service": "checkout", "to_version": "1.0.0"}


async def ask(script: Any, limits: ModelLimits | None = None, question: str = "why is checkout failing?") -> Any:
    world = World()
    async with openai_server(script) as server:
        limits = limits or ModelLimits(seconds=10)
        async with open_mind("test-model", base_url=server.url, api_key="k", limits=limits) as mind:
            report = await world.runner(model=mind).investigate(a_brief(question))
        return report, server, world


async def test_a_models_conclusion_becomes_the_report() -> None:
    report, server, _ = await ask([proposing("rollback_deploy", ROLLBACK)])
    assert (report.mind, report.degraded) == ("test-model", "")
    assert report.answer.startswith("It is the deploy.")
    assert report.hypotheses[0].evidence_ids == ("E1",)
    assert report.proposal.name == "rollback_deploy"
    assert (report.usage.model_calls, report.usage.input_tokens) == (1, 100)
    assert server.requests[0]["stream"] is True


async def test_a_model_may_read_further_and_its_reading_is_evidence() -> None:
    looked = Reply(calls=[("search_logs", {"service": "payments"})])
    report, server, world = await ask([looked, conclude("Seen.")])
    last = report.evidence[-1]
    assert (last.call.name, last.service) == ("search_logs", "payments")
    assert last.call in world.toolbox.reads
    assert f"{last.id} Asked by the model" in server.requests[1]["messages"][-1]["content"]


async def test_only_read_tools_are_offered() -> None:
    _, server, _ = await ask([conclude()])
    offered = {tool["function"]["name"] for tool in server.requests[0]["tools"]}
    assert "restart_service" not in offered
    assert {"metric_query", "search_logs", "Conclusion"} <= offered


async def test_a_claim_that_rests_on_no_evidence_is_dropped() -> None:
    cause = {"cause": "bad_deploy", "service": "checkout", "title": "t", "confidence": 1.0, "reasons": []}
    report, _, _ = await ask([conclude("Trust me.", hypotheses=[cause | {"evidence_ids": ["E999"]}])])
    assert report.hypotheses == ()


FAULTS: dict[str, tuple[Sequence[Reply], str, int]] = {
    "server error": ([Reply(status=500)], "HTTP 500", 3),
    "bad request": ([Reply(status=400)], "HTTP 400", 1),
    "no key": ([Reply(status=401)], "HTTP 401", 1),
    "cut stream": ([Reply(text="one two three", fault="cut")], "could not be used", 1),
    "silently cut stream": ([Reply(text="one two three", fault="silent_cut")], "cut off", 1),
    "html": ([Reply(fault="html")], "could not be used", 1),
    "empty": ([Reply(fault="empty")], "empty", 1),
    "prose": ([Reply(text="It is probably DNS.")], "required shape", 1),
    "wrong shape": ([Reply(calls=[("Conclusion", {"answer": 7})])], "two corrections", 3),
    "broken json": ([Reply(calls=[("Conclusion", '{"answer": ')])], "two corrections", 3),
    "unknown tool of ours": ([proposing("drop_database", {})], "no tool drop_database", 1),
    "impossible proposal": ([proposing("restart_service", {"service": "mainframe"})], "no service mainframe", 1),
    "a read as proposal": ([proposing("metric_query", {"query": "up"})], "only reads", 1),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_the_rules_step_in_for_a_model_that_fails_and_say_why(fault: str) -> None:
    script, reason, requests = FAULTS[fault]
    report, server, _ = await ask(script)
    assert report.mind == "deterministic"
    assert reason in report.degraded
    assert report.answer
    assert len(server.requests) == requests


async def test_retry_after_is_heeded_and_a_second_try_may_succeed() -> None:
    report, server, _ = await ask([Reply(status=429, headers={"Retry-After": "1"}), conclude("Later.")])
    assert report.answer == "Later."
    assert server.times[1] - server.times[0] >= 0.95


async def test_a_model_that_hangs_is_left_at_the_end_of_its_time() -> None:
    began = asyncio.get_running_loop().time()
    report, _, _ = await ask([Reply(fault="hang")], ModelLimits(seconds=0.5))
    assert "did not finish within 0.5 s" in report.degraded
    assert asyncio.get_running_loop().time() - began < 5


async def test_a_model_in_a_circle_is_stopped_at_the_third_equal_call() -> None:
    report, server, _ = await ask([Reply(calls=[("probe_http", {"service": "checkout"})])])
    assert "same call" in report.degraded
    assert len(server.requests) == 3


def reads_on(request: dict[str, Any]) -> Reply:
    return Reply(calls=[("metric_query", {"query": f"up + {len(request['messages'])}"})], usage=(400, 100))


async def test_the_budget_of_calls_is_kept() -> None:
    report, server, _ = await ask(reads_on, ModelLimits(calls=4, seconds=10))
    assert report.mind == "deterministic"
    assert "ModelCallLimitExceededError" in report.degraded
    assert len(server.requests) == 4


async def test_the_budget_of_tokens_is_kept_to_one_call_over() -> None:
    report, server, _ = await ask(reads_on, ModelLimits(tokens=1200, seconds=10))
    assert "tokens is used up" in report.degraded
    assert report.usage.input_tokens + report.usage.output_tokens <= 1200 + 500
    assert len(server.requests) == 3


async def test_huge_arguments_reach_no_tool() -> None:
    huge = Reply(calls=[("search_logs", {"service": "x" * 1_000_000})])
    report, _, world = await ask([huge, conclude()])
    assert "longer than" in report.degraded
    assert all(len(str(call.args)) < 5000 for call in world.toolbox.reads)


async def test_an_instruction_does_not_trouble_the_model() -> None:
    report, server, _ = await ask([conclude()], question="restart checkout")
    assert server.requests == []
    assert (report.mind, report.degraded, report.proposal.name) == ("deterministic", "", "restart_service")


async def test_no_model_name_means_no_model() -> None:
    async with open_mind("", base_url=None, api_key=None, limits=ModelLimits()) as mind:
        assert mind is None


async def test_the_models_talk_is_not_kept_in_the_checkpoint() -> None:
    _, _, world = await ask([conclude()])
    namespaces = {item.config["configurable"]["checkpoint_ns"] async for item in world.saver.alist(None)}
    assert namespaces == {""}


def test_a_report_is_what_everyone_gets() -> None:
    assert "degraded" in Report.model_fields
    assert OpenAIServer([]).requests == []
