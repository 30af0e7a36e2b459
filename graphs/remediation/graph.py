"""How a proposal goes: the drawing. Node names are what a waiting thread remembers, so they are never changed."""

from typing import Any, Literal

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from core.brief import Proposal
from graphs.context import GraphContext
from graphs.gate import wait_for_verdict
from graphs.remediation import nodes
from graphs.remediation.state import RemediationState


def route_after_plan(state: RemediationState) -> Literal["request_approval", "explain"]:
    """Only a call that could be planned is asked for."""
    return "explain" if state.get("refusal") or not state.get("plan") else "request_approval"


def route_after_request(state: RemediationState) -> Literal["gate", "explain"]:
    """A call that policy denies never reaches the gate."""
    return "explain" if state.get("refusal") else "gate"


def route_after_gate(state: RemediationState) -> Literal["execute", "close"]:
    """Fails closed: nothing but the exact verdict leads to the effect."""
    return "execute" if state.get("verdict") == "approved" else "close"


def route_after_record(state: RemediationState) -> Literal["verify", "announce"]:
    """Only what was done can be verified."""
    return "verify" if state.get("result_status") == "ok" else "announce"


def route_after_announce(state: RemediationState) -> Literal["propose_rollback", "__end__"]:
    """An action that did not help is offered to be undone, once: a rollback is never rolled back."""
    undo = state.get("plan", {}).get("rollback")
    first = Proposal.model_validate(state["proposal"]).rollback_of is None
    return "propose_rollback" if state.get("outcome") == "did_not_help" and undo and first else "__end__"


def build_graph() -> StateGraph[Any, GraphContext, Any, Any]:
    """Return the graph without a saver."""
    graph: StateGraph[Any, GraphContext, Any, Any] = StateGraph(RemediationState, context_schema=GraphContext)
    graph.add_node("plan_call", nodes.plan_call)
    graph.add_node("request_approval", nodes.request_approval)
    graph.add_node("explain", nodes.explain)
    graph.add_node("gate", wait_for_verdict)
    graph.add_node("close", nodes.close)
    graph.add_node("execute", nodes.execute)
    graph.add_node("record", nodes.record)
    graph.add_node("verify", nodes.verify)
    graph.add_node("announce", nodes.announce)
    graph.add_node("propose_rollback", nodes.propose_rollback)
    graph.add_edge(START, "plan_call")
    graph.add_conditional_edges("plan_call", route_after_plan)
    graph.add_conditional_edges("request_approval", route_after_request)
    graph.add_edge("explain", END)
    graph.add_conditional_edges("gate", route_after_gate)
    graph.add_edge("close", END)
    graph.add_edge("execute", "record")
    graph.add_conditional_edges("record", route_after_record)
    graph.add_edge("verify", "announce")
    graph.add_conditional_edges("announce", route_after_announce)
    graph.add_edge("propose_rollback", "plan_call")
    return graph


def compile_graph(saver: BaseCheckpointSaver[Any] | None = None) -> CompiledStateGraph[Any, GraphContext, Any, Any]:
    """Return the graph ready to run."""
    return build_graph().compile(checkpointer=saver, name="remediation")


def draw_graph() -> CompiledStateGraph[Any, GraphContext, Any, Any]:
    """Return the graph for langgraph.json, whose factories take no arguments."""
    return compile_graph()
