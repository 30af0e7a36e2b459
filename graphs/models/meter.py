"""Middleware that ends a model's run when it costs too much, goes in circles, or was cut off."""

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse, ToolCallRequest
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.types import Command

from core.evidence import Usage
from graphs.models.judgement import MindError

_SAME_CALL_LIMIT = 3


class Meter(AgentMiddleware[Any, Any, Any]):
    """Counts one run's calls and tokens; raises MindError at a limit."""

    def __init__(self, max_tokens: int) -> None:
        super().__init__()
        self._max_tokens = max_tokens
        self._seen: Counter[str] = Counter()
        self.model_calls = 0
        self.input_tokens = 0
        self.output_tokens = 0

    def usage(self) -> Usage:
        """Return what was spent so far."""
        return Usage(model_calls=self.model_calls, input_tokens=self.input_tokens, output_tokens=self.output_tokens)

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        """Count one call of the model; the limit is checked before, so at most one call goes over it."""
        if self.input_tokens + self.output_tokens >= self._max_tokens:
            raise MindError(f"the model's budget of {self._max_tokens} tokens is used up")
        self.model_calls += 1
        response = await handler(request)
        for message in response.result:
            if isinstance(message, AIMessage):
                self._count(message)
        return response

    async def awrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]],
    ) -> ToolMessage | Command[Any]:
        """Let a tool call through unless the very same one was made too often."""
        call = request.tool_call
        key = json.dumps([call["name"], call["args"]], sort_keys=True, default=str)
        self._seen[key] += 1
        if self._seen[key] >= _SAME_CALL_LIMIT:
            raise MindError(f"the model made the same call of {call['name'][:64]} {_SAME_CALL_LIMIT} times")
        return await handler(request)

    def _count(self, message: AIMessage) -> None:
        spent = message.usage_metadata
        if spent is not None:
            self.input_tokens += spent["input_tokens"]
            self.output_tokens += spent["output_tokens"]
        else:
            self.output_tokens += len(str(message.content)) // 4
        if not message.response_metadata.get("finish_reason"):
            raise MindError("the model's answer was cut off")
        if not message.content and not message.tool_calls and not message.invalid_tool_calls:
            raise MindError("the model's answer was empty")
