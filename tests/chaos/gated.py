"""An approval as langgraph alone has it: a pause in a graph, whose state holds the decision."""

from datetime import timedelta
from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt
from typing_extensions import TypedDict

from bot.adapters.redis.checkpointer import open_saver


class Decision(TypedDict):
    """What a graph keeps when the decision lives in it."""

    verdict: str


def gated_graph(saver: Any) -> Any:
    """Return langgraph's own approval: a pause, and what follows it."""
    graph = StateGraph(Decision)
    graph.add_node("gate", lambda state: {"verdict": interrupt("may I?")})
    graph.add_node("act", lambda state: {})
    graph.add_edge(START, "gate")
    graph.add_conditional_edges("gate", lambda state: "act" if state["verdict"] == "approve" else END)
    return graph.compile(checkpointer=saver)


async def decide_in_state(url: str, choice: str, thread_id: str) -> list[str]:
    """Decide in a graph's state: the variant that the race must catch."""
    async with open_saver(url, timedelta(hours=1)) as saver:
        config: Any = {"configurable": {"thread_id": thread_id}}
        return [(await gated_graph(saver).ainvoke(Command(resume=choice), config))["verdict"]]
