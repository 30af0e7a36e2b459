"""What goes over the API, in and out: the same models check bodies, shape answers and make the OpenAPI document."""

import json
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, model_validator

from core.approval import ApprovalRequest, Choice
from core.confirmation import asks_to_type
from core.tool_call import Plan

Person = Annotated[str, Field(pattern=r"^[UW][A-Z0-9]{2,30}$", description="A Slack user id.")]


Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AskBody(_Body):
    """A tool call that somebody has to countersign."""

    tool: str = Field(min_length=1, max_length=80, description="As `python -m bot tools` lists it.")
    args: dict[str, JsonValue] = Field(description="The tool's arguments.")
    reason: Words = Field(min_length=1, description="Shown on the card to whoever decides.")


class VoteBody(_Body):
    """One person's word on one request; the client must be allowed to speak for that person."""

    person: Person
    choice: Choice
    digest: str = Field(
        pattern=r"^[0-9a-f]{64}$", description="The digest of the request that the person has seen; another is refused."
    )
    reason: Words = Field(default="", description="A rejection needs one.")
    typed: str = Field(
        default="",
        max_length=500,
        description="The targets' names, joined by `, `, where `typed_confirmation` is true.",
    )

    @model_validator(mode="after")
    def _a_rejection_has_a_reason(self) -> Self:
        if self.choice == "reject" and not self.reason:
            raise ValueError("a rejection needs a reason")
        return self


class TakenAnswer(BaseModel):
    """It is kept, and what becomes of it can be read."""

    id: str = Field(description="The request's id, for reading and voting.")
    status: Literal["taken"] = "taken"
    url: str = Field(description="Where the request can be read.")


class VoteAnswer(BaseModel):
    """One vote."""

    person: str
    choice: Choice
    reason: str
    at: datetime
    groups: tuple[str, ...]
    grant_id: str | None = Field(description="The standing grant that this vote came from, if it did.")


class NeedsAnswer(BaseModel):
    """What is missing for the request to be approved."""

    people: int = Field(description="So many more different people.")
    of_groups: dict[str, int] = Field(description="So many of them from each of these groups; any where it is empty.")


class RequestAnswer(BaseModel):
    """One request as it stands."""

    id: str
    status: str = Field(description="pending, approved, rejected, expired, superseded, executed, failed, unknown, ...")
    plan: Plan = Field(description="What exactly would run.")
    digest: str = Field(description="sha256 over all that decides what runs; a vote names it.")
    requester: str = Field(description="A Slack user id, `alert`, or `api:` and a client's id.")
    reason: str
    rule: str
    groups: tuple[str, ...] = Field(description="Members of these may decide.")
    needs: NeedsAnswer
    typed_confirmation: bool
    votes: tuple[VoteAnswer, ...]
    created_at: datetime
    decide_by: datetime
    execute_by: datetime | None
    decided_at: datetime | None
    finished_at: datetime | None
    outcome: str

    @classmethod
    def of(cls, request: ApprovalRequest) -> Self:
        """Show a row."""
        needed = request.requirement
        given = [(vote.person, vote.groups) for vote in request.votes if vote.choice == "approve"]
        people, of_groups = needed.missing(given)
        return cls(
            id=request.id,
            status=request.status.value,
            plan=request.plan,
            digest=request.digest,
            requester=request.requester,
            reason=request.reason,
            rule=needed.rule,
            groups=needed.groups,
            needs=NeedsAnswer(people=people, of_groups=of_groups),
            typed_confirmation=asks_to_type(request),
            votes=tuple(VoteAnswer.model_validate(vote, from_attributes=True) for vote in request.votes),
            created_at=request.created_at,
            decide_by=request.decide_by,
            execute_by=request.execute_by,
            decided_at=request.decided_at,
            finished_at=request.finished_at,
            outcome=request.outcome_text,
        )


class UnwrittenAnswer(BaseModel):
    """What was asked for, while there is no request of it: it is being planned, or was refused and never will be."""

    id: str
    status: Literal["taken", "refused"]
    outcome: str = Field(description="Why it was refused.")


class OpenRequestsAnswer(BaseModel):
    """What waits for votes, oldest first."""

    requests: tuple[RequestAnswer, ...]


class ProblemAnswer(BaseModel):
    """Why not (RFC 9457); `detail` says what to do next."""

    type: str = Field(description="urn:watchkeeper: and a word that stays the same.")
    title: str
    status: int
    detail: str


class ApiAnswer(BaseModel):
    """What the worker hands back to the web side."""

    model_config = ConfigDict(frozen=True)

    status: int
    body: dict[str, Any]

    def written(self) -> str:
        """Return it in ASCII: arguments may hold lone surrogates, which UTF-8 cannot carry and JSON's escapes can."""
        return json.dumps(self.model_dump())

    @classmethod
    def read(cls, text: str) -> Self:
        """Return what was written."""
        return cls.model_validate(json.loads(text))


class AskJob(AskBody):
    """What the worker is told of a request; its ids are made where it is taken, so that they can be answered."""

    client: str
    remediation_id: str
    approval_id: str


class VoteJob(VoteBody):
    """What the worker is told of a vote."""

    client: str
    approval_id: str
