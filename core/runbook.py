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
    steps: tuple[Step, ...] = Field(min_length=1, max_length=6)
    body: str = ""

    def calls(self, facts: dict[str, str | int]) -> tuple[ToolCall, ...] | None:
        """Return the steps in order, their arguments filled from `facts`; None when a placeholder has no fact."""
        filled = [_filled(step, facts) for step in self.steps]
        return tuple(call for call in filled if call is not None) if None not in filled else None


def _filled(step: Step, facts: dict[str, str | int]) -> ToolCall | None:
    args: dict[str, str | int] = {}
    for name, value in step.args.items():
        if isinstance(value, str) and value.startswith("{") and value.endswith("}"):
            if value[1:-1] not in facts:
                return None
            value = facts[value[1:-1]]
        args[name] = value
    return ToolCall(name=step.tool, args=dict(args))
