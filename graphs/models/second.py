"""The second opinion: a judge of its own sees the evidence and the plan, and never a word of who proposed it."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from core.brief import Brief, Place
from core.evidence import Report
from core.opinion import LONGEST_REASON, MOST_REASONS, Answer, Opinion, cannot_tell
from core.ports import Reports
from core.runbook import Runbook
from core.stepped_plan import steps_of
from core.tool_call import Plan
from graphs.investigation.intent import Intent
from graphs.models import offline
from graphs.models.fence import Fence
from graphs.models.judgement import Case
from graphs.wording import call_text
from prompts.registry import released_versions, render

RULES = "rules"


class Judge(Protocol):
    """Somebody who can be asked."""

    async def judge(self, plan: Plan, report: Report) -> Opinion:
        """Return an opinion; it may raise whatever it likes."""
        ...


class Verdict(BaseModel):
    """Give your verdict on the plan, once."""

    model_config = ConfigDict(extra="forbid")

    answer: Literal["agree", "disagree", "cannot_tell"]
    reasons: list[str] = Field(min_length=1, max_length=20)


@dataclass(frozen=True, slots=True)
class SecondOpinion:
    """Implements core.services.second_opinion.Review: no failure of the judge's is more than `cannot tell`."""

    judge: Judge
    by: str
    reports: Reports
    seconds: float = 20.0

    async def review(self, plan: Plan, report_id: str | None) -> Opinion:
        """Return the judge's opinion of the plan by that report's evidence."""
        report = await self.reports.load(report_id) if report_id else None
        if report is None or not report.evidence:
            return cannot_tell("There is no evidence to judge it by.", self.by)
        try:
            async with asyncio.timeout(self.seconds):
                return await self.judge.judge(plan, report)
        except TimeoutError:
            return cannot_tell(f"It did not answer within {self.seconds:g} s.", self.by)
        except Exception as error:  # noqa: BLE001 - anything may come from a model's server; the request goes on
            return cannot_tell(f"It gave no usable answer ({type(error).__name__}).", self.by)


@dataclass(frozen=True, slots=True)
class ModelJudge:
    """Asks a chat model, which has no tools and one form to answer in."""

    name: str
    chat: Any

    async def judge(self, plan: Plan, report: Report) -> Opinion:
        """Return what the model says; ValidationError for anything but its form."""
        fence = Fence()
        system = render("second_opinion", released_versions()["second_opinion"], mark=fence.mark)
        shown = fence.wrap("plan", json.dumps(plan.model_dump(mode="json"), ensure_ascii=False))
        asked = [("system", system), ("human", f"The plan:\n{shown}\n\nThe evidence:\n{fence.all(report.evidence)}")]
        answer = await self.chat.bind_tools([Verdict], tool_choice="Verdict").ainvoke(asked)
        verdict = Verdict.model_validate(answer.tool_calls[0]["args"])
        words: Mapping[str, Answer] = {"agree": "agree", "disagree": "disagree", "cannot_tell": "cannot tell"}
        reasons = tuple(reason[:LONGEST_REASON] for reason in verdict.reasons[:MOST_REASONS])
        return Opinion(answer=words[verdict.answer], reasons=reasons, by=self.name)


@dataclass(frozen=True, slots=True)
class RulesJudge:
    """Asks the deterministic investigator what it would have done; of its own proposals it has no second opinion."""

    depends_on: Mapping[str, tuple[str, ...]]
    runbooks: Sequence[Runbook]

    async def judge(self, plan: Plan, report: Report) -> Opinion:
        """Compare the plan's calls, all of them, with what the rules propose on the same evidence."""
        if report.mind == offline.NAME:
            return cannot_tell("The rules looked at this first; no second model is set up.", RULES)
        brief = Brief(
            report_id=report.id,
            thread_id=report.thread_id,
            place=Place(channel="", thread_ts=""),
            requester=report.requester,
            at=report.finished_at,
        )
        case = Case(brief, "", self.depends_on, report.finished_at, evidence=report.evidence)
        found = offline.judge(case, Intent("why"), self.runbooks)
        rests = ", ".join(dict.fromkeys(each for cause in found.hypotheses[:1] for each in cause.evidence_ids))
        if found.hypotheses and found.hypotheses[0].cause == "none":
            return Opinion(answer="disagree", reasons=(f"By the rules nothing is wrong ({rests}).",), by=RULES)
        if found.proposal is None:
            return cannot_tell("The rules propose nothing on this evidence.", RULES)
        calls = (found.proposal, *found.then)
        said = f"By the rules it is {', then '.join(map(call_text, calls))} ({rests})."[:LONGEST_REASON]
        asked = tuple(step.call for step in steps_of(plan))
        # No more than the rules would do, and in that order; of a plan that is approved step by step, what is left.
        same = any(calls[first : first + len(asked)] == asked for first in range(len(calls)))
        return Opinion(answer="agree" if same else "disagree", reasons=(said,), by=RULES)
