"""The graphs that the probes run: small, real, and with nothing in them but what a saver can get wrong."""

import asyncio
import operator
import os
import signal
from collections.abc import Sequence
from typing import Annotated, Any

from langgraph.channels.delta import DeltaChannel
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send, interrupt
from typing_extensions import TypedDict


def config(thread_id: str = "t", **more: Any) -> Any:
    """Return a run's configuration; the thread's root unless a namespace is given."""
    return {"configurable": {"thread_id": thread_id, "checkpoint_ns": ""} | more}


class Wish(TypedDict, total=False):
    """What is wanted, what was said to it, and what was done."""

    wanted: str
    verdict: str
    done: Annotated[list[str], operator.add]


def asking(saver: Any, acts: Sequence[str] = ("",), *, killed_at: str = "", acted: list[str] | None = None) -> Any:
    """Return a graph that asks before each act, then does it; an empty name stands for what the input wants.

    The process dies before it asks for the act called `killed_at`; `acted` collects what was really done."""
    built = StateGraph(Wish)
    last = START
    for number, named in enumerate(acts):

        def ask(state: Wish, named: str = named) -> Wish:
            if named and named == killed_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return {"verdict": interrupt({"act": named or state["wanted"]})}

        def act(state: Wish, named: str = named) -> Wish:
            does = [named or state["wanted"]] if state["verdict"] == "approve" else []
            if acted is not None:
                acted.extend(does)
            return {"done": does}

        built.add_node(f"ask{number}", ask).add_node(f"act{number}", act)
        built.add_edge(last, f"ask{number}").add_edge(f"ask{number}", f"act{number}")
        last = f"act{number}"
    return built.add_edge(last, END).compile(checkpointer=saver)


class Votes(TypedDict, total=False):
    """What several gates were told."""

    told: Annotated[list[str], operator.add]


def three_gates(saver: Any) -> Any:
    """Return a graph that asks three questions at once."""

    def fan(_: Votes) -> list[Send]:
        return [Send("gate", {"name": name}) for name in ("a", "b", "c")]

    def gate(state: dict[str, str]) -> Votes:
        return {"told": [f"{state['name']}={interrupt(state['name'])}"]}

    built = StateGraph(Votes).add_node("gate", gate).add_edge("gate", END)
    return built.add_conditional_edges(START, fan, ["gate"]).compile(checkpointer=saver)


def nested(saver: Any, ran: list[str]) -> Any:
    """Return a graph whose second node is a graph with a gate in its middle; `ran` collects what ran."""

    def before(_: Votes) -> Votes:
        ran.append("before")
        return {"told": ["before"]}

    def gate(_: Votes) -> Votes:
        return {"told": [interrupt("inner")]}

    def outer(_: Votes) -> Votes:
        ran.append("outer")
        return {"told": ["outer"]}

    inner = StateGraph(Votes).add_node("before", before).add_node("gate", gate)
    inner.add_edge(START, "before").add_edge("before", "gate").add_edge("gate", END)
    built = StateGraph(Votes).add_node("outer", outer).add_node("inner", inner.compile())
    built.add_edge(START, "outer").add_edge("outer", "inner").add_edge("inner", END)
    return built.compile(checkpointer=saver)


def siblings(saver: Any, ran: list[str]) -> Any:
    """Return a graph of two nodes side by side, of which the second fails the first time that it runs."""

    async def sound(_: Votes) -> Votes:
        ran.append("sound")
        return {"told": ["sound"]}

    async def failing(_: Votes) -> Votes:
        ran.append("failing")
        if ran.count("failing") == 1:
            await asyncio.sleep(0.05)  # the other one is done by then
            raise LookupError("the first time")
        return {"told": ["failing"]}

    built = StateGraph(Votes).add_node("sound", sound).add_node("failing", failing)
    built.add_edge(START, "sound").add_edge(START, "failing").add_edge("sound", END).add_edge("failing", END)
    return built.compile(checkpointer=saver)


def wide(saver: Any, width: int) -> Any:
    """Return a graph of so many nodes side by side."""

    def fan(_: Votes) -> list[Send]:
        return [Send("tell", {"name": str(number)}) for number in range(width)]

    async def tell(state: dict[str, str]) -> Votes:
        await asyncio.sleep(0.01)  # so that all are done at the same moment
        return {"told": [state["name"]]}

    built = StateGraph(Votes).add_node("tell", tell).add_edge("tell", END)
    return built.add_conditional_edges(START, fan, ["tell"]).compile(checkpointer=saver)


def _extended(told: list[str] | None, batches: Sequence[list[str]]) -> list[str]:
    return [*(told or []), *(each for batch in batches for each in batch)]


class Log(TypedDict, total=False):
    """A list that is kept as what was written to it, not as what it came to."""

    told: Annotated[list[str], DeltaChannel(_extended)]
    rounds: Annotated[int, operator.add]


def chorus(saver: Any, writers: Sequence[str], rounds: int) -> Any:
    """Return a graph in which all `writers` write to one list at once, so many times."""
    built = StateGraph(Log).add_node("again", lambda _: {"rounds": 1})
    for number, name in enumerate(writers):

        async def write(state: Log, name: str = name, late: float = 0.003 * (len(writers) - number)) -> Log:
            await asyncio.sleep(late)  # so that they are done in another order than they are applied in
            return {"told": [f"{name}{state.get('rounds', 0)}"]}

        built.add_node(name, write).add_edge(name, "again").add_edge(START, name)
    built.add_conditional_edges(
        "again", lambda state: list(writers) if state["rounds"] < rounds else END, [*writers, END]
    )
    return built.compile(checkpointer=saver)


class Kept(TypedDict, total=False):
    """One value that is set once, and one that changes with every run."""

    topic: Any
    count: int


def counting(saver: Any) -> Any:
    """Return a graph that counts its runs and leaves the topic alone."""
    built = StateGraph(Kept).add_node("count", lambda state: {"count": state.get("count", 0) + 1})
    return built.add_edge(START, "count").add_edge("count", END).compile(checkpointer=saver)


def walking(saver: Any, steps: int, done: list[int]) -> Any:
    """Return a graph that counts to `steps`, a step after another and each some milliseconds long."""

    async def step(state: Kept) -> Kept:
        await asyncio.sleep(0.02)
        done.append(state["count"])
        return {"count": state["count"] + 1}

    built = StateGraph(Kept).add_node("step", step).add_edge(START, "step")
    built.add_conditional_edges("step", lambda state: "step" if state["count"] < steps else END, ["step", END])
    return built.compile(checkpointer=saver).with_config(recursion_limit=steps + 5)
