"""What was seen and what it may mean: tool results with their source, causes ranked by the evidence they rest on."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from core.series import Series
from core.tool_call import ToolCall


class Evidence(BaseModel):
    """One tool result with its source; `summary` is one line made by code, `data` is bounded JSON."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(description="Short and unique within an investigation: E1, E2, ...")
    call: ToolCall
    status: Literal["ok", "no_data", "failed", "refused"]
    title: str
    summary: str
    service: str = ""
    data: JsonValue = None
    series: tuple[Series, ...] = ()
    taken_at: datetime
    seconds: float = 0.0


class Hypothesis(BaseModel):
    """A possible cause; `confidence` is 0..1, `reasons` say which rule or thought led here."""

    model_config = ConfigDict(frozen=True)

    cause: str = Field(description="A cause id such as bad_deploy, or `unknown`")
    service: str
    title: str
    confidence: float = Field(ge=0, le=1)
    evidence_ids: tuple[str, ...]
    reasons: tuple[str, ...]


class Usage(BaseModel):
    """What an investigation spent."""

    model_config = ConfigDict(frozen=True)

    model_calls: int = 0
    tool_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0


class Report(BaseModel):
    """The result of one investigation: an answer, ranked causes, and one proposed tool call or none."""

    model_config = ConfigDict(frozen=True)

    id: str
    thread_id: str
    incident_id: str | None = None
    question: str = ""
    requester: str
    mind: str = Field(description="`deterministic` or the model's name")
    degraded: str = Field(default="", description="Why the deterministic mind had to step in, or empty")
    answer: str
    evidence: tuple[Evidence, ...] = ()
    hypotheses: tuple[Hypothesis, ...] = ()
    proposal: ToolCall | None = None
    then: tuple[ToolCall, ...] = Field(default=(), description="The steps after the proposed one")
    proposal_reason: str = ""
    elsewhere: str = Field(default="", description="The request or incident whose card asks for this, or empty")
    after_rejection_of: str = Field(default="", description="The request whose rejection led to this, or empty")
    usage: Usage = Usage()
    finished_at: datetime


def latest_look(reports: Sequence[Report]) -> Report | None:
    """Return the newest report that alerts led to, not a question; None while there is none."""
    return next((report for report in reversed(reports) if not report.question), None)
