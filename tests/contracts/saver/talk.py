"""A graph with a conversation in it: each run adds what was said and an answer."""

from typing import Annotated, Any

from langchain_core.messages import AIMessage, RemoveMessage
from langgraph.graph import END, START, StateGraph, add_messages
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from typing_extensions import TypedDict


class Talk(TypedDict, total=False):
    """What was said, and whether that is to be forgotten."""

    messages: Annotated[list[Any], add_messages]
    forget: bool


def talking(saver: Any) -> Any:
    """Return a graph that answers each message with one that is as long; it forgets all before when it is told to."""

    def answer(state: Talk) -> Talk:
        last = state["messages"][-1]
        said = [RemoveMessage(REMOVE_ALL_MESSAGES), last] if state.get("forget") else []
        return {"messages": [*said, AIMessage(f"heard: {last.content}")]}

    built = StateGraph(Talk).add_node("answer", answer)
    return built.add_edge(START, "answer").add_edge("answer", END).compile(checkpointer=saver)
