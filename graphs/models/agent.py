"""The mind that asks a model: it may read within a budget and must conclude in a fixed shape, nothing else."""

import asyncio
import json
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import ModelCallLimitMiddleware, ToolCallLimitMiddleware
from langchain.agents.structured_output import ToolStrategy
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import HumanMessage
from langchain_core.runnables.config import var_child_runnable_config
from pydantic import ValidationError

from core.evidence import Usage
from core.ports import Clock, ToolBox
from core.risk import Risk
from core.runbook import Runbook
from graphs.models.conclusion import Conclusion
from graphs.models.fence import Fence
from graphs.models.judgement import Case, Judgement, MindError
from graphs.models.meter import Meter
from graphs.models.reading import Reading
from prompts.registry import render

_MAX_REPAIRS = 2


@dataclass(frozen=True, slots=True)
class ModelLimits:
    """What one investigation may cost; `seconds` ends it wherever it is."""

    calls: int = 12
    tokens: int = 60_000
    seconds: float = 90.0


class ModelMind:
    """Implements graphs.context.Mind over any chat model."""

    def __init__(self, name: str, chat: BaseChatModel, limits: ModelLimits, runbooks: tuple[Runbook, ...] = ()) -> None:
        self.name = name
        self._chat = chat
        self._limits = limits
        self._runbooks = runbooks

    async def judge(self, case: Case, toolbox: ToolBox, clock: Clock) -> Judgement:
        """Return the model's judgement; MindError (with what was spent) whatever goes wrong with the model."""
        fence, meter = Fence(), Meter(self._limits.tokens)
        reading = Reading(toolbox, clock, fence, first=len(case.evidence) + 1)
        try:
            async with asyncio.timeout(self._limits.seconds):
                conclusion = await self._converse(case, toolbox, fence, meter, reading)
        except TimeoutError as error:
            reason = f"the model did not finish within {self._limits.seconds:g} s"
            raise MindError(reason, meter.usage()) from error
        except MindError as error:
            raise MindError(str(error), meter.usage()) from error
        # Anything may come from a model's server, in any library's exception; the investigation goes on without it.
        except Exception as error:
            raise MindError(_failure(error), meter.usage()) from error
        return self._judgement(case, conclusion, reading, meter.usage())

    async def _converse(self, case: Case, toolbox: ToolBox, fence: Fence, meter: Meter, reading: Reading) -> Conclusion:
        agent: Any = create_agent(
            self._chat,
            tools=reading.tools(),
            system_prompt=self._system_prompt(case, toolbox, fence),
            middleware=[
                meter,
                ModelCallLimitMiddleware(run_limit=self._limits.calls, exit_behavior="error"),
                ToolCallLimitMiddleware(run_limit=2 * self._limits.calls, exit_behavior="continue"),
            ],
            response_format=ToolStrategy(Conclusion, handle_errors=_repairs()),
        )
        first = HumanMessage(_case_prompt(case, fence))
        limit = {"recursion_limit": 6 * self._limits.calls + 10}
        # On its own: within a node it would inherit that run's saver and write the whole conversation into the thread.
        alone = copy_context()
        alone.run(var_child_runnable_config.set, None)
        result = await asyncio.create_task(agent.ainvoke({"messages": [first]}, limit), context=alone)
        return _conclusion(result)

    def _system_prompt(self, case: Case, toolbox: ToolBox, fence: Fence) -> str:
        acts = [tool for tool in toolbox.summaries() if tool.risk != Risk.READ.value]
        services = (f"- {name}, depends on: {', '.join(deps) or 'nothing'}" for name, deps in case.depends_on.items())
        return render(
            "investigator",
            case.prompts.get("investigator", 1),
            mark=fence.mark,
            services="\n".join(services),
            actions="\n".join(f"- {t.name} ({t.risk}): {t.description} {json.dumps(t.args_schema)}" for t in acts),
            runbooks="\n".join(f"- {book.cause}: {book.name}, {book.steps[0].tool}" for book in self._runbooks),
        )

    def _judgement(self, case: Case, conclusion: Conclusion, reading: Reading, usage: Usage) -> Judgement:
        known = frozenset(item.id for item in (*case.evidence, *reading.evidence))
        return Judgement(
            mind=self.name,
            answer=conclusion.answer,
            hypotheses=conclusion.ranked(known),
            proposal=conclusion.call(),
            then=conclusion.then(),
            proposal_reason=conclusion.proposal.reason if conclusion.proposal else "",
            evidence=tuple(reading.evidence),
            usage=usage,
        )


def _case_prompt(case: Case, fence: Fence) -> str:
    alerts = [alert.model_dump(mode="json", include=_ALERT_FIELDS) for alert in case.alerts]
    history = [f"Q: {memory.question}\nA: {memory.answer}" for memory in case.history]
    version = case.prompts.get("case", 1)
    decided = [
        f"- {json.dumps(each.plan.call.model_dump(), ensure_ascii=False)} was {each.kind} by a person: {each.words}"
        for each in case.objections
    ]
    later = {"decided": fence.wrap("decided", "\n".join(decided) or "nothing")} if version > 1 else {}
    return render(
        "case",
        version,
        **later,
        subject=case.subject or "no particular service",
        question=fence.wrap("question", case.brief.question or "An alert fired: find the cause and a remedy."),
        alerts=fence.wrap("alerts", json.dumps(alerts, ensure_ascii=False)),
        history=fence.wrap("earlier in this thread", "\n".join(history) or "nothing"),
        evidence=fence.all(case.evidence),
    )


_ALERT_FIELDS = {"name", "service", "env", "severity", "summary", "description", "expr", "status", "starts_at"}


def _repairs() -> Callable[[Exception], str]:
    """Return a handler that explains a mistake to the model twice and gives up at the third."""
    made = 0

    def explain(error: Exception) -> str:
        nonlocal made
        made += 1
        if made > _MAX_REPAIRS:
            raise MindError("the model's answer did not have the required shape, even after two corrections")
        return f"Not in the required shape: {str(error)[:600]}. Call Conclusion again, once, with valid values."

    return explain


def _conclusion(result: dict[str, Any]) -> Conclusion:
    found = result.get("structured_response")
    if isinstance(found, Conclusion):
        return found
    # Servers that ignore tool_choice answer in plain text; some of them write the JSON there.
    text = str(result["messages"][-1].text)
    try:
        return Conclusion.model_validate_json(text[text.find("{") : text.rfind("}") + 1])
    except ValidationError as error:
        raise MindError("the model gave no answer in the required shape") from error


def _failure(error: Exception) -> str:
    status = getattr(error, "status_code", None)
    detail = f"HTTP {status}" if status else type(error).__name__
    return f"the model could not be used ({detail})"
