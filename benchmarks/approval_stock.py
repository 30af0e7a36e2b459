"""The graphs that ours stands beside, as LangGraph's and LangChain's own guides build them, on stock savers."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

import httpx
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient
from typing_extensions import TypedDict

from benchmarks.approval_click import APPROVE, CHANNEL, a_click
from benchmarks.approval_target import Stamps, Target
from benchmarks.approvals_stock import Scripted
from benchmarks.saver_subjects import official, server_with_modules


def is_rival(name: str) -> bool:
    """True for what ours is held against: LangChain's own way to ask people, kept so that a killed process loses
    nothing that it has written."""
    return "HumanInTheLoopMiddleware" in name and "durability sync" in name


class StockState(TypedDict):
    """As small as it can be."""

    action_id: str
    verdict: str


@dataclass
class Stock:
    """A graph with an interrupt before its effect, resumed with Command(resume=...)."""

    name: str
    saver: Any
    target: Target
    http: httpx.AsyncClient
    durability: Literal["async", "sync"] = "async"
    stamps: Stamps = field(default_factory=Stamps)
    given: float = 0.0
    started: float = 0.0
    ended: float = 0.0
    effects: int = 0

    def __post_init__(self) -> None:
        graph = StateGraph(StockState)
        graph.add_node("gate", lambda state: {"verdict": interrupt({"action_id": state["action_id"]})})
        graph.add_node("act", self._act)
        graph.add_edge(START, "gate")
        graph.add_conditional_edges("gate", lambda state: "act" if state["verdict"] == "approved" else END)
        graph.add_edge("act", END)
        self._graph = graph.compile(checkpointer=self.saver)

    async def _act(self, state: StockState) -> dict[str, str]:
        await self.target.act(self.http, state["action_id"])
        return {}

    async def prepare(self, number: int) -> None:
        self._id = f"act_{''.join(filter(str.isalpha, self.name))}_{number}"
        self._config: Any = {"configurable": {"thread_id": self._id}}
        start: Any = {"action_id": self._id, "verdict": ""}
        await self._graph.ainvoke(start, self._config, durability=self.durability)

    async def click(self) -> None:
        self.target.watch(self._id, self.stamps)
        self.given = self.started = perf_counter()
        await self._graph.ainvoke(Command(resume="approved"), self._config, durability=self.durability)
        self.ended = perf_counter()

    async def settle(self) -> None:
        self.effects = self.target.count(self._id)


class StockAgent(Stock):
    """LangChain's agent with its own middleware for approvals; its model answers at once, from a script."""

    def __post_init__(self) -> None:
        @tool
        async def scale_workers(action_id: str) -> str:
            """Send the request to the target."""
            await self.target.act(self.http, action_id)
            return "scaled"

        self._tool = scale_workers

    async def prepare(self, number: int) -> None:
        self._id = f"act_{''.join(filter(str.isalpha, self.name))}_{number}"
        self._config = {"configurable": {"thread_id": self._id}}
        gate: Any = HumanInTheLoopMiddleware(interrupt_on={"scale_workers": True})
        model = Scripted(calls=[{"action_id": self._id}])
        self._graph = create_agent(model, [self._tool], middleware=[gate], checkpointer=self.saver)
        question: Any = {"messages": [("user", "scale checkout")]}
        await self._graph.ainvoke(question, self._config, durability=self.durability)

    async def click(self) -> None:
        self.target.watch(self._id, self.stamps)
        self.given = self.started = perf_counter()
        answer: Any = Command(resume={"decisions": [{"type": "approve"}]})
        await self._graph.ainvoke(answer, self._config, durability=self.durability)
        self.ended = perf_counter()


@dataclass
class StockBot(StockAgent):
    """The agent behind Bolt: the listener of the button resumes it."""

    slack_url: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        client = AsyncWebClient(token="xoxb-local-watchkeeper-bot", base_url=f"{self.slack_url}/api/")
        self._app = AsyncApp(client=client, signing_secret="unused")
        self._app.action(APPROVE)(self._approve)
        self._done = asyncio.Event()

    async def _approve(self, ack: AsyncAck) -> None:
        await ack()
        answer: Any = Command(resume={"decisions": [{"type": "approve"}]})
        await self._graph.ainvoke(answer, self._config, durability=self.durability)
        self._done.set()

    async def click(self) -> None:
        self.target.watch(self._id, self.stamps)
        self._done.clear()
        body = a_click(CHANNEL, "", "1.1", self._id)
        self.given = self.started = perf_counter()
        await self._app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=body))
        await self._done.wait()
        self.ended = perf_counter()


async def open_stock(
    folder: Path, target: Target, http: httpx.AsyncClient, slack_url: str, stack: AsyncExitStack
) -> list[Stock]:
    """Return them all, opened on `stack`; without the packages of group `bench` nothing stands on AsyncRedisSaver."""
    sqlite = await stack.enter_async_context(AsyncSqliteSaver.from_conn_string(str(folder / "stock.db")))
    found = [
        Stock("stock resume, InMemorySaver", InMemorySaver(), target, http),
        Stock("stock resume, AsyncSqliteSaver", sqlite, target, http),
        Stock("stock resume, AsyncSqliteSaver, durability sync", sqlite, target, http, "sync"),
        StockAgent("stock HumanInTheLoopMiddleware, InMemorySaver", InMemorySaver(), target, http),
        StockAgent("stock HumanInTheLoopMiddleware, AsyncSqliteSaver, durability sync", sqlite, target, http, "sync"),
        StockBot(
            "stock bot: Bolt, HumanInTheLoopMiddleware, AsyncSqliteSaver, durability sync",
            sqlite,
            target,
            http,
            "sync",
            slack_url=slack_url,
        ),
    ]
    # As our own Redis is kept: a killed server loses nothing that it has answered.
    modules = await stack.enter_async_context(server_with_modules(folder, "--appendonly", "yes", "--appendfsync", "no"))
    if modules is not None:
        saver = await stack.enter_async_context(official(modules[0]))
        found.append(Stock("stock resume, AsyncRedisSaver, durability sync", saver, target, http, "sync"))
        agent = "stock HumanInTheLoopMiddleware, AsyncRedisSaver, durability sync"
        found.append(StockAgent(agent, saver, target, http, "sync"))
        found.append(
            StockBot(
                "stock bot: Bolt, HumanInTheLoopMiddleware, AsyncRedisSaver, durability sync",
                saver,
                target,
                http,
                "sync",
                slack_url=slack_url,
            )
        )
    return found
