"""Operator-written procedure: which symptom it is for and which steps it allows."""

from pydantic import BaseModel, ConfigDict, Field

from core.tool_call import ToolCall


class Step(BaseModel):
    """One step; arguments may hold `{service}`, `{previous_version}`, `{key}`, `{old_value}`, `{more_workers}`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tool: str
    args: dict[str, str | int] = {}
    why: str = ""


class Runbook(BaseModel):
    """Front matter of one runbook file; `cause` is the hypothesis that it treats, `body` its prose."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    cause: str
    services: tuple[str, ...] = ("*",)
    steps: tuple[Step, ...] = Field(min_length=1)
    body: str = ""

    def first_call(self, facts: dict[str, str | int]) -> ToolCall | None:
        """Fill the first step's arguments from `facts`; None when a placeholder has no fact."""
        step = self.steps[0]
        args: dict[str, str | int] = {}
        for name, value in step.args.items():
            if isinstance(value, str) and value.startswith("{") and value.endswith("}"):
                if value[1:-1] not in facts:
                    return None
                value = facts[value[1:-1]]
            args[name] = value
        return ToolCall(name=step.tool, args=dict(args))
