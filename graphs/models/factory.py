"""Makes the model's mind for any OpenAI-compatible server; no model name means none."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk
from langchain_openai import ChatOpenAI
from openai import DefaultAsyncHttpxClient
from pydantic import SecretStr

from core.runbook import Runbook
from graphs.models.agent import ModelLimits, ModelMind
from graphs.models.judgement import MindError

_TRIES_AGAIN = 2
_ONE_ANSWER_SECONDS = 60.0
_ANSWER_LIMIT = 64 * 1024


class BoundedChat(ChatOpenAI):
    """Stops reading an answer that is far too long: joining its pieces would cost more than it is worth."""

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        size = 0
        async for chunk in super()._astream(*args, **kwargs):
            message = chunk.message
            pieces = message.tool_call_chunks if isinstance(message, AIMessageChunk) else []
            size += len(chunk.text) + sum(len(piece["args"] or "") for piece in pieces)
            if size > _ANSWER_LIMIT:
                raise MindError(f"the model's answer is longer than {_ANSWER_LIMIT} characters")
            yield chunk


@asynccontextmanager
async def open_mind(
    model: str,
    *,
    base_url: str | None,
    api_key: str | None,
    limits: ModelLimits,
    runbooks: tuple[Runbook, ...] = (),
) -> AsyncIterator[ModelMind | None]:
    """Yield the mind that asks this model, or None for an empty name; connections are closed with the block.

    Retries (at most two, after 429, 5xx and lost connections) are the OpenAI client's own: it heeds Retry-After, which
    LangChain's ModelRetryMiddleware does not, and both together would multiply their tries.
    """
    if not model:
        yield None
        return
    patience = min(limits.seconds, _ONE_ANSWER_SECONDS)
    async with open_chat(model, base_url=base_url, api_key=api_key, patience=patience) as chat:
        yield ModelMind(model, chat, limits, runbooks)


@asynccontextmanager
async def open_chat(
    model: str, *, base_url: str | None, api_key: str | None, patience: float
) -> AsyncIterator[BoundedChat]:
    """Yield a chat with this model that has `patience` seconds for an answer."""
    # A client of our own: the library's default is shared by every event loop of the process and never closed.
    async with DefaultAsyncHttpxClient(timeout=patience) as http:
        yield BoundedChat(
            model=model,
            base_url=base_url or None,
            api_key=SecretStr(api_key or "not-needed"),
            temperature=0,
            timeout=patience,
            max_retries=_TRIES_AGAIN,
            streaming=True,
            stream_usage=True,
            stream_chunk_timeout=patience,
            http_async_client=http,
            use_responses_api=False,
        )
