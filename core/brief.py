"""What an investigation is asked: about which incident or question, for whom, and where the answer goes."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, JsonValue

from core.tool_call import ToolCall


class Place(BaseModel):
    """A Slack thread."""

    model_config = ConfigDict(frozen=True)

    channel: str
    thread_ts: str


class Brief(BaseModel):
    """The input of one investigation; `report_id` is stable, so that a second run finds its own report.
    `after_rejection_of` is the request whose rejection led to another look."""

    model_config = ConfigDict(frozen=True)

    report_id: str
    thread_id: str
    place: Place
    requester: str
    question: str = ""
    incident_id: str | None = None
    after_rejection_of: str = ""
    at: datetime


class Proposal(BaseModel):
    """The input of one remediation: a call to be countersigned, and the signal that tells whether it helped. `then` are
    the steps after it; `covered_by` is the request that people approved for this one too.
    `pressed_undo` is true when the requester has pressed Undo; nothing else sets it."""

    model_config = ConfigDict(frozen=True)

    remediation_id: str
    call: ToolCall
    place: Place
    requester: str
    reason: str
    incident_id: str | None = None
    report_id: str | None = None
    rollback_of: str | None = None
    pressed_undo: bool = False
    reopens: str | None = None
    then: tuple[ToolCall, ...] = ()
    covered_by: str | None = None


class Edit(BaseModel):
    """What somebody wants in place of a request: other arguments for the same tool; `form` is where they typed them."""

    model_config = ConfigDict(frozen=True)

    approval_id: str
    form: str
    editor: str
    args: dict[str, JsonValue]
    note: str = ""
