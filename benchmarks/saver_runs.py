"""One real run's calls to its checkpointer, recorded once and told again to any other."""

import copy
import random
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Annotated, Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from typing_extensions import TypedDict

AI_TEXT, TOOL_TEXT = 400, 2_000

Round = dict[str, list[float]]
"""Milliseconds of every call of a round, by kind."""


class Conversation(TypedDict):
    """The state of an agent: its messages."""

    messages: Annotated[list[AnyMessage], add_messages]


def text(length: int, source: random.Random) -> str:
    """Return so many random letters and spaces."""
    return "".join(source.choices(string.ascii_letters + " ", k=length))


def agent(saver: Any, steps: int, seed: int) -> Any:
    """Return an agent and its tools, one message a step; the same seed says the same."""

    def spoken(state: Conversation) -> random.Random:
        return random.Random(f"{seed}/{len(state['messages'])}")

    def think(state: Conversation) -> Any:
        number = len(state["messages"])
        call = {"name": "look", "args": {"where": f"place {number}"}, "id": f"call_{number}"}
        said = text(AI_TEXT, spoken(state))
        return {"messages": [AIMessage(said, tool_calls=[call], id=f"ai-{seed}-{number}")]}

    def look(state: Conversation) -> Any:
        number = len(state["messages"])
        found = text(TOOL_TEXT, spoken(state))
        return {"messages": [ToolMessage(found, tool_call_id=f"call_{number - 1}", id=f"tool-{seed}-{number}")]}

    def more(state: Conversation) -> bool:
        return len(state["messages"]) <= steps

    built = StateGraph(Conversation).add_node("agent", think).add_node("tools", look).add_edge(START, "agent")
    built.add_conditional_edges("agent", lambda state: "tools" if more(state) else END, ["tools", END])
    built.add_conditional_edges("tools", lambda state: "agent" if more(state) else END, ["agent", END])
    return built.compile(checkpointer=saver).with_config(recursion_limit=steps + 5)


def question(seed: int) -> Any:
    """Return what the agent is asked."""
    return {"messages": [HumanMessage("why is the shop slow?", id=f"human-{seed}")]}


@dataclass(frozen=True)
class Call:
    """One call to a saver: `put` or `put_writes`, the checkpoint it names, and the rest of its arguments."""

    kind: str
    checkpoint_id: str | None
    rest: tuple[Any, ...]


class Recorder(InMemorySaver):
    """Notes what a run asks of its checkpointer."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []

    async def aput(self, config: Any, *rest: Any) -> Any:
        """Note and put."""
        self.calls.append(Call("put", config["configurable"].get("checkpoint_id"), copy.deepcopy(rest)))
        return await super().aput(config, *rest)

    async def aput_writes(self, config: Any, *rest: Any) -> None:
        """Note and put."""
        self.calls.append(Call("put_writes", config["configurable"].get("checkpoint_id"), copy.deepcopy(rest)))
        await super().aput_writes(config, *rest)


async def record(steps: int, seed: int) -> list[Call]:
    """Return the calls of one run of so many steps."""
    recorder = Recorder()
    await agent(recorder, steps, seed).ainvoke(question(seed), where("recorded"), durability="sync")
    return recorder.calls


def where(thread_id: str, **more: Any) -> Any:
    """Return a run's configuration."""
    return {"configurable": {"thread_id": thread_id, "checkpoint_ns": ""} | more}


@dataclass
class Times:
    """Milliseconds by operation, and a list of them for every round."""

    rounds: dict[str, list[list[float]]] = field(default_factory=dict)

    def add(self, round_of: Round) -> None:
        """Add one round."""
        for kind, values in round_of.items():
            self.rounds.setdefault(kind, []).append(values)


async def tell(saver: Any, calls: Sequence[Call], thread_id: str, reads: int = 0, **more: Any) -> Round:
    """Make the calls on a thread one by one, then read its latest checkpoint `reads` times; return times in ms."""
    times: Round = {"put": [], "put_writes": [], "get": []}
    for call in calls:
        place = where(thread_id, **more)
        if call.checkpoint_id:
            place["configurable"]["checkpoint_id"] = call.checkpoint_id
        method = saver.aput if call.kind == "put" else saver.aput_writes
        begun = perf_counter()
        await method(place, *call.rest)
        times[call.kind].append((perf_counter() - begun) * 1000)
    for _ in range(reads):
        begun = perf_counter()
        found = await saver.aget_tuple(where(thread_id, **more))
        times["get"].append((perf_counter() - begun) * 1000)
        assert found is not None
    return times
