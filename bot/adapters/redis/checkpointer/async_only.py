"""The synchronous half of LangGraph's interface, which a saver for asyncio does not have."""

from typing import Any, NoReturn

from langgraph.checkpoint.base import BaseCheckpointSaver


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise NotImplementedError("RedisSaver is for asyncio: call ainvoke, astream, aget_state and their like")


class AsyncOnlySaver(BaseCheckpointSaver[str]):
    """A saver whose synchronous methods say in one sentence what to call instead."""

    get_tuple = list = put = put_writes = _refuse  # pyright: ignore[reportAssignmentType]
    delete_thread = delete_for_runs = copy_thread = prune = get_delta_channel_history = _refuse  # pyright: ignore[reportAssignmentType]
