"""How a proposal goes: the drawing. Node names are what a waiting thread remembers, so they are never changed."""

from typing import Any, Literal

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from core.approval import ApprovalStatus
from core.brief import Proposal
from core.refusal import end_of
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


def route_after_gate(state: RemediationState) -> Literal["execute", "record", "close"]:
    """Fails closed: nothing but the exact verdict leads to the effect, or past one that the verdict came with."""
    if state.get("verdict") != "approved":
        return "close"
    return "record" if state.get("result_status") else "execute"


def route_after_explain(state: RemediationState) -> Literal["unwind", "__end__"]:
    """A later step that cannot even be asked for has failed; an undo that cannot be leaves things to people."""
    return "unwind" if state["attempt"] > 1 and not _undoes(state) else "__end__"


def route_after_record(state: RemediationState) -> Literal["next_step", "unwind", "verify", "announce"]:
    """Only what was done leads on: to the next step, or to what is to be verified; a later step that failed, or whose
    target had moved on, leads back. What was frozen, late or refused stops where it is, and so does the unknown."""
    done = state.get("result_status") == "ok"
    if done and Proposal.model_validate(state["proposal"]).then:
        return "next_step"
    if state["attempt"] > 1 and (done if _undoes(state) else _failed(state)):
        return "unwind"
    return "verify" if done else "announce"


def route_after_unwind(state: RemediationState) -> Literal["plan_call", "verify", "announce"]:
    """One undo after the other, and then the end."""
    if state.get("turn") == "undo":
        return "plan_call"
    return "verify" if state.get("result_status") == "ok" else "announce"


def route_after_announce(state: RemediationState) -> Literal["propose_rollback", "__end__"]:
    """An action that did not help is offered to be undone, once: a rollback is never rolled back."""
    undo = state.get("plan", {}).get("rollback") or state["attempt"] > 1
    return "propose_rollback" if state.get("outcome") == "did_not_help" and undo and not _undoes(state) else "__end__"


def route_after_propose_rollback(state: RemediationState) -> Literal["plan_call", "__end__"]:
    """A plan of which nothing can be undone ends here."""
    return "plan_call" if state.get("turn") == "undo" else "__end__"


def _undoes(state: RemediationState) -> bool:
    return Proposal.model_validate(state["proposal"]).rollback_of is not None


def _failed(state: RemediationState) -> bool:
    status, text = state.get("result_status"), state.get("result_text", "")
    return status == "failed" or (status == "refused" and end_of(text) is ApprovalStatus.SUPERSEDED)


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
    graph.add_node("next_step", nodes.next_step)
    graph.add_node("unwind", nodes.unwind)
    graph.add_edge(START, "plan_call")
    graph.add_conditional_edges("plan_call", route_after_plan)
    graph.add_conditional_edges("request_approval", route_after_request)
    graph.add_conditional_edges("explain", route_after_explain)
    graph.add_conditional_edges("gate", route_after_gate)
    graph.add_edge("close", END)
    graph.add_edge("execute", "record")
    graph.add_conditional_edges("record", route_after_record)
    graph.add_edge("verify", "announce")
    graph.add_conditional_edges("announce", route_after_announce)
    graph.add_conditional_edges("propose_rollback", route_after_propose_rollback)
    graph.add_edge("next_step", "plan_call")
    graph.add_conditional_edges("unwind", route_after_unwind)
    return graph


def compile_graph(saver: BaseCheckpointSaver[Any] | None = None) -> CompiledStateGraph[Any, GraphContext, Any, Any]:
    """Return the graph ready to run."""
    return build_graph().compile(checkpointer=saver, name="remediation")


def draw_graph() -> CompiledStateGraph[Any, GraphContext, Any, Any]:
    """Return the graph for langgraph.json, whose factories take no arguments."""
    return compile_graph()
