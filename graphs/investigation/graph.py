"""How an investigation goes: the drawing."""

from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from graphs.context import GraphContext
from graphs.investigation import nodes
from graphs.investigation.state import InvestigationState


def build_graph() -> StateGraph[Any, GraphContext, Any, Any]:
    """Return the graph without a saver."""
    graph: StateGraph[Any, GraphContext, Any, Any] = StateGraph(InvestigationState, context_schema=GraphContext)
    graph.add_node("load_case", nodes.load_case)
    graph.add_node("gather_evidence", nodes.gather_evidence)
    graph.add_node("rank", nodes.rank)
    graph.add_node("propose", nodes.propose)
    graph.add_node("save_report", nodes.save_report)
    graph.add_edge(START, "load_case")
    graph.add_edge("load_case", "gather_evidence")
    graph.add_edge("gather_evidence", "rank")
    graph.add_edge("rank", "propose")
    graph.add_edge("propose", "save_report")
    graph.add_edge("save_report", END)
    return graph


def compile_graph(saver: BaseCheckpointSaver[Any] | None = None) -> CompiledStateGraph[Any, GraphContext, Any, Any]:
    """Return the graph ready to run."""
    return build_graph().compile(checkpointer=saver, name="investigation")


def draw_graph() -> CompiledStateGraph[Any, GraphContext, Any, Any]:
    """Return the graph for langgraph.json, whose factories take no arguments."""
    return compile_graph()
