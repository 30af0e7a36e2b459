"""What a tool is: data about its arguments, its risk and its way back, beside the functions that do the work."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from core.errors import ToolError
from core.risk import Risk
from core.tool_call import ToolCall, ToolResult

NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,62}$"


class OutcomeUnknownError(ToolError):
    """The target may or may not have acted: only reading back can tell."""


class Arguments(BaseModel):
    """Base of every args model: unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ServiceArguments(Arguments):
    """Arguments about one service; the guard refuses a service that the catalogue does not know."""

    service: str = Field(pattern=NAME_PATTERN, description="A service of the catalogue")


class ActArguments(ServiceArguments):
    """Arguments of a change: nothing is coerced, so that `true` is not one worker."""

    model_config = ConfigDict(strict=True)


A = TypeVar("A", bound=Arguments)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a dry run found: the target's state before and after, and the version that both rest on."""

    before: dict[str, JsonValue]
    after: dict[str, JsonValue]
    diff: str
    resource_version: int


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a change carries to its target: the id to read it back by, its author, the state it was approved on."""

    action_id: str
    by: str
    precondition: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action(Generic[A]):
    """The countersigned half of a tool above `read`; `impact` is one sentence on what people will notice.

    `run` raises ToolError only when it knows that nothing was changed, StaleApprovalError when the target has moved on,
    and OutcomeUnknownError otherwise. `read_back` returns None when the target does not know the action id.
    """

    impact: str
    dry_run: Callable[[A], Awaitable[Preview]]
    precondition: Callable[[A, Preview], dict[str, JsonValue]]
    rollback: Callable[[A, Preview], ToolCall | None]
    run: Callable[[A, Stamp], Awaitable[ToolResult]]
    read_back: Callable[[A, str], Awaitable[ToolResult | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec(Generic[A]):
    """One tool: `read` for risk read, `action` for anything above, never both. `timeout` is in seconds.

    `wrapper` is true for what runs something that its arguments name (a command, a script, a query); until its author
    says that it is none, a tool counts as one, and nobody may approve it ahead."""

    name: str
    description: str
    args: type[A]
    risk: Risk
    timeout: float
    version: str = "1"
    wrapper: bool = True
    read: Callable[[A], Awaitable[ToolResult]] | None = None
    action: Action[A] | None = None
