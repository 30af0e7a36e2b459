"""The other side of benchmarks.approvals: LangChain's HumanInTheLoopMiddleware, as its guide sets it up."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.types import Command

from benchmarks.approvals_rows import ASKER, Click

OpenSaver = Callable[[], AbstractAsyncContextManager[Any]]


class Scripted(BaseChatModel):
    """Calls the tool with each of `calls` in turn, one after the other's result."""

    calls: list[dict[str, Any]]

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **given: Any) -> Any:
        """The script knows its tool."""
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **given: Any) -> ChatResult:
        done = sum(isinstance(each, ToolMessage) for each in messages)
        call = [{"name": "scale_workers", "args": args, "id": f"call{done}"} for args in self.calls[done : done + 1]]
        return ChatResult(generations=[ChatGeneration(message=AIMessage("" if call else "done", tool_calls=call))])


class Stock:
    """Implements benchmarks.approvals_rows.Loop; a pause is the thread's config. Who clicks, when, and how many have to
    is nothing that a resume could carry: the harness tells, and nobody asks."""

    def __init__(self, name: str, open_saver: OpenSaver) -> None:
        self.name = name
        self._open_saver = open_saver
        self._stack = AsyncExitStack()
        self._ledger: list[tuple[str, int]] = []
        self._threads = itertools.count(1)
        self._script = (5,)
        self._armed = ""
        self._acted = asyncio.Event()

    async def open(self) -> None:
        """Build the agent over its saver."""
        self._saver = await self._stack.enter_async_context(self._open_saver())

    async def close(self) -> None:
        """Give the saver back."""
        await self._stack.aclose()

    def _agent(self, service: str = "checkout") -> Any:
        @tool
        async def scale_workers(service: str, workers: int) -> str:
            """Set how many workers a service has."""
            self._ledger.append((service, workers))
            if self._armed == "kill":
                self._acted.set()
                await asyncio.Event().wait()  # the process is ended here
            await asyncio.sleep(0)
            return "scaled"

        calls = [{"service": service, "workers": workers} for workers in self._script]
        gate: Any = HumanInTheLoopMiddleware(interrupt_on={"scale_workers": True})
        return create_agent(Scripted(calls=calls), [scale_workers], middleware=[gate], checkpointer=self._saver)

    async def ask(self, by: str = ASKER, service: str = "checkout", then: bool = False) -> Any:
        """Say it, in a thread of its own."""
        self._script = (5, 7) if then else (5,)
        pause = {"configurable": {"thread_id": f"thread{next(self._threads)}"}}
        await self._agent(service).ainvoke({"messages": [("user", f"{by}: scale {service}")]}, pause, durability="sync")
        return pause

    async def click(self, *clicks: Click, copies: int = 1) -> list[str]:
        """Resume as the guide does; whoever sees the end of the run that they resumed was told that they decided."""
        if self._armed == "kill":
            return await self._killed(clicks[0])
        if self._armed == "tamper":
            await self._tamper(clicks[0].pause)
        work = [self._resume(each, _decision(each)) for each in clicks for _ in range(copies)]
        told = await asyncio.gather(*work, return_exceptions=True)
        return ["refused" if isinstance(each, BaseException) else click.word
                for click, each in zip(clicks, told[::copies], strict=True)]  # fmt: skip

    async def _resume(self, click: Click, decision: dict[str, Any]) -> Any:
        answer = Command(resume={"decisions": [decision]})
        return await self._agent().ainvoke(answer, click.pause, durability="sync")

    async def _killed(self, click: Click) -> list[str]:
        first = asyncio.create_task(self._resume(click, _decision(click)))
        await self._acted.wait()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        self._armed = ""
        await self.restart()
        return await self.click(click)  # as a queue would deliver it again, not having heard that it was done

    async def edit(self, pause: Any, person: str, workers: int) -> None:
        """Decide `edit`."""
        changed = {"name": "scale_workers", "args": {"service": "checkout", "workers": workers}}
        await self._resume(Click(pause, person), {"type": "edit", "edited_action": changed})

    async def next_pause(self) -> Any:
        """The model's next call waits in the thread already."""
        return {"configurable": {"thread_id": "thread1"}}

    async def restart(self) -> None:
        """Close the saver, and open another."""
        await self._stack.aclose()
        await self.open()

    async def arm(self, what: str) -> None:
        """It has no freeze; the rest happens in `click`."""
        self._armed = what

    async def drift(self) -> None:
        """Nothing of the target is remembered that could have changed."""

    async def tomorrow(self) -> None:
        """A pause has no clock."""

    def effects(self) -> list[int]:
        """Return the target's ledger."""
        return [workers for _, workers in self._ledger]

    async def end(self, pause: Any) -> str:
        """Return what the first call's ToolMessage says, in our words."""
        messages = (await self._agent().aget_state(pause)).values.get("messages", [])
        said = [each for each in messages if isinstance(each, ToolMessage)]
        if not said:
            return "pending" if any(each.type == "human" for each in messages) else "nothing known"
        return "rejected" if said[0].status == "error" else "executed"

    async def _tamper(self, pause: Any) -> None:
        """Change the call where it is stored, with all the rights there are."""
        found = await self._saver.aget_tuple(pause)
        messages = found.checkpoint["channel_values"]["messages"]
        messages[-1].tool_calls[0]["args"] = {"service": "front", "workers": 5}
        if isinstance(self._saver, InMemorySaver):
            thread, version = pause["configurable"]["thread_id"], found.checkpoint["channel_versions"]["messages"]
            self._saver.blobs[thread, "", "messages", version] = self._saver.serde.dumps_typed(messages)
            return
        kind, blob = self._saver.serde.dumps_typed(found.checkpoint)
        where = (kind, blob, pause["configurable"]["thread_id"], found.checkpoint["id"])
        statement = "UPDATE checkpoints SET type = ?, checkpoint = ? WHERE thread_id = ? AND checkpoint_id = ?"
        await self._saver.conn.execute(statement, where)
        await self._saver.conn.commit()


def _decision(click: Click) -> dict[str, Any]:
    return {"type": "approve"} if click.word == "approve" else {"type": "reject", "message": "wrong remedy"}


@asynccontextmanager
async def in_memory() -> AsyncIterator[InMemorySaver]:
    """Yield a saver that ends with its process."""
    yield InMemorySaver()


@asynccontextmanager
async def open_stock(name: str, folder: Path | None = None) -> AsyncIterator[Stock]:
    """Yield a fresh one, over SQLite where a folder is given."""
    if folder is not None:
        (folder / "stock.db").unlink(missing_ok=True)
    stock = Stock(
        name, in_memory if folder is None else lambda: AsyncSqliteSaver.from_conn_string(f"{folder}/stock.db")
    )
    await stock.open()
    try:
        yield stock
    finally:
        await stock.close()
