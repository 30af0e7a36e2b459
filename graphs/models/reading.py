"""The read tools as a model may use them: offered by name and schema, run through the tool box, kept as evidence."""

from typing import Any

from langchain_core.tools import BaseTool, StructuredTool

from core.evidence import Evidence
from core.ports import Clock, ToolBox, ToolSummary
from core.risk import Risk
from core.tool_call import ToolCall
from graphs.investigation.gather import make_evidence
from graphs.investigation.looks import Look
from graphs.models.fence import Fence

_ARGS_LIMIT = 4000


class Reading:
    """What one run of a model has read; numbering goes on where the first look ended."""

    def __init__(self, toolbox: ToolBox, clock: Clock, fence: Fence, first: int) -> None:
        self._toolbox = toolbox
        self._clock = clock
        self._fence = fence
        self._next = first
        self.evidence: list[Evidence] = []

    def tools(self) -> list[BaseTool]:
        """Return the tools of risk read, and no other: what is not offered cannot be called."""
        return [self._tool(summary) for summary in self._toolbox.summaries() if summary.risk == Risk.READ.value]

    def _tool(self, summary: ToolSummary) -> BaseTool:
        async def run(**args: Any) -> str:
            return await self._read(ToolCall(name=summary.name, args=args))

        return StructuredTool(
            name=summary.name,
            description=summary.description,
            args_schema=dict(summary.args_schema),
            coroutine=run,
        )

    async def _read(self, call: ToolCall) -> str:
        if len(str(call.args)) > _ARGS_LIMIT:
            return "Refused: these arguments are far too long."
        number, self._next = self._next, self._next + 1
        before = self._clock.now()
        result = await self._toolbox.read(call)
        service = call.args.get("service")
        look = Look(f"Asked by the model: {call.name}", call, service if isinstance(service, str) else "")
        seconds = max(0.0, (self._clock.now() - before).total_seconds())
        item = make_evidence(f"E{number}", look, result, self._clock, seconds)
        self.evidence.append(item)
        return self._fence.evidence(item)
