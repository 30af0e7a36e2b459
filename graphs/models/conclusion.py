"""The shape in which a model has to answer; everything in it is checked again by code before anyone sees it."""

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from core.evidence import Hypothesis
from core.stepped_plan import MOST_STEPS
from core.tool_call import ToolCall


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ConcludedCause(_Strict):
    """One possible cause with the ids of the evidence that it rests on."""

    cause: str = Field(max_length=64, description="A cause id from the list, `none` or `unknown`")
    service: str = Field(max_length=128)
    title: str = Field(max_length=200)
    confidence: float = Field(ge=0, le=1)
    evidence_ids: list[str] = Field(max_length=20)
    reasons: list[str] = Field(max_length=10)


class ConcludedStep(_Strict):
    """A call of an acting tool."""

    tool: str = Field(max_length=64)
    args: dict[str, JsonValue]


class ConcludedCall(ConcludedStep):
    """One call of an acting tool that people shall decide about, with the steps that must follow it, if any."""

    reason: str = Field(max_length=1000)
    then: list[ConcludedStep] = Field(default_factory=list[ConcludedStep], max_length=MOST_STEPS - 1)


class Conclusion(_Strict):
    """Give the result of the investigation: the verdict first, ranked causes, and one proposed call or none."""

    answer: str = Field(min_length=1, max_length=3000)
    hypotheses: list[ConcludedCause] = Field(default_factory=list[ConcludedCause], max_length=5)
    proposal: ConcludedCall | None = None

    def ranked(self, known_ids: frozenset[str]) -> tuple[Hypothesis, ...]:
        """Return the causes that rest on evidence that exists, the surest first."""
        kept: list[Hypothesis] = []
        for row in sorted(self.hypotheses, key=lambda cause: -cause.confidence):
            ids = tuple(i for i in dict.fromkeys(row.evidence_ids) if i in known_ids)
            if ids:
                fields = row.model_dump(exclude={"evidence_ids", "reasons"})
                kept.append(Hypothesis(**fields, evidence_ids=ids, reasons=tuple(row.reasons)))
        return tuple(kept)

    def call(self) -> ToolCall | None:
        """Return the proposed call, unchecked."""
        return ToolCall(name=self.proposal.tool, args=self.proposal.args) if self.proposal else None

    def then(self) -> tuple[ToolCall, ...]:
        """Return the steps after it, unchecked."""
        steps = self.proposal.then if self.proposal else []
        return tuple(ToolCall(name=step.tool, args=step.args) for step in steps)
