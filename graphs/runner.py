"""The one module that runs graphs: idempotent starts, strict resumes, one run of a thread at a time."""

import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, StateSnapshot

from core.approval import ApprovalRequest, ApprovalStatus
from core.brief import Brief, Place, Proposal
from core.errors import CorruptCheckpointError, NeedsHumanError, NoDataError, TransientError
from core.evidence import Report
from core.ids import approval_id_of, remediation_thread_id
from core.services.known_bad import VERIFIED
from core.services.remediation_rows import rows_of
from core.stepped_plan import is_cut_off, is_stepped
from core.tool_call import ToolResult
from graphs.context import GraphContext
from graphs.investigation import graph as investigation
from graphs.investigation import state as investigation_state
from graphs.investigation.state import new_input
from graphs.remediation import graph as remediation
from graphs.remediation.acting import carry_out
from graphs.remediation.rebuilt import AS_NODE, AS_NODE_THAT_RAN, rebuilt
from graphs.remediation.state import GRAPH_VERSION, Update
from graphs.wording import call_text

Lease = Callable[[str], AbstractAsyncContextManager[int]]
Graph = CompiledStateGraph[Any, GraphContext, Any, Any]

logger = logging.getLogger(__name__)

# Internal name of langgraph 1.2's strict resume: an answer to an interrupt that is not pending raises instead of
# being kept for the next one. A test fails when a release renames it.
STRICT_RESUME = "__pregel_strict_resume"

# What our saver looks for: it refuses to read or write for a holder of the lease whom a later one has followed.
FENCING_EPOCH = "__fencing_epoch"


_REFUSED = "What was stored of this run is damaged or was tampered with, so it was not loaded."


def thread_config(thread_id: str, epoch: int) -> RunnableConfig:
    """Return the only config with which threads are read and run; `epoch` is that of the thread's lease."""
    held = {"thread_id": thread_id, STRICT_RESUME: True, FENCING_EPOCH: epoch}
    return {"configurable": held, "recursion_limit": 60}


def pending_interrupt(snapshot: StateSnapshot, approval_id: str) -> str | None:
    """Return the id of the pending interrupt that waits for exactly this approval, or None."""
    for waiting in snapshot.interrupts:
        if isinstance(waiting.value, dict) and waiting.value.get("approval_id") == approval_id:
            return waiting.id
    return None


def half_done(snapshot: StateSnapshot) -> bool:
    """True when a crash or an error left steps to do and nobody is waited for."""
    # Not `next`: that leaves out a task whose result is stored already, though the step after it has not begun.
    return bool(snapshot.tasks) and not snapshot.interrupts


def of_this_version(snapshot: StateSnapshot, version: str) -> bool:
    """False for a run that another version of the graph has begun, whose steps may have gone by other names and meant
    other things, and for one that never began."""
    return snapshot.values.get("graph_version") == version


class LangGraphRunner:
    """Implements core.ports.GraphRunner; `lease(thread_id)` must exclude every other run of that thread, anywhere,
    and yield a number that rises with each holder."""

    def __init__(self, saver: BaseCheckpointSaver[Any], context: GraphContext, lease: Lease) -> None:
        self._investigation: Graph = investigation.compile_graph(saver)
        self._remediation: Graph = remediation.compile_graph(saver)
        self._context = context
        self._lease = lease

    async def investigate(self, brief: Brief) -> Report:
        """Run the investigation to its report; a second call with the same report id returns the same report.
        NeedsHumanError when what the thread remembers is not fit to be loaded."""
        async with self._lease(brief.thread_id) as epoch:
            config = thread_config(brief.thread_id, epoch)
            if (report := await self._context.reports.load(brief.report_id)) is not None:
                return report
            try:
                await self._investigate(brief, config)
            except CorruptCheckpointError as refused:
                _alarm(brief.thread_id, refused)
                what = "I cannot answer in this thread" if brief.question else "I cannot investigate this"
                why = f"{_REFUSED} Ask me in a new thread, and have somebody look at Redis."
                key = f"{brief.report_id}:refused"
                await self._context.human.tell(brief.place, what, why, brief.incident_id, key)
                raise NeedsHumanError(f"the checkpoint of {brief.thread_id} was refused") from refused
            report = await self._context.reports.load(brief.report_id)
        if report is None:
            raise TransientError(f"the investigation {brief.report_id} ended without a report")
        return report

    async def _investigate(self, brief: Brief, config: RunnableConfig) -> None:
        snapshot = await self._investigation.aget_state(config)
        same = snapshot.values.get("brief", {}).get("report_id") == brief.report_id
        again = half_done(snapshot) and same and of_this_version(snapshot, investigation_state.GRAPH_VERSION)
        await self._run(self._investigation, None if again else new_input(brief), config)

    async def remediate(self, proposal: Proposal) -> None:
        """Start a remediation and run it to its gate or its end; a second call finishes what a crash left, and starts
        again only where no request came of the first. A human is told when what is stored of it is refused."""
        thread_id = remediation_thread_id(proposal.remediation_id)
        async with self._lease(thread_id) as epoch:
            try:
                await self._remediate(proposal, thread_config(thread_id, epoch))
            except CorruptCheckpointError as refused:
                _alarm(thread_id, refused)
                what = f"I cannot go on with {call_text(proposal.call)}"
                why = f"{_REFUSED} If it is still needed, ask for it again in a new message."
                key = f"{proposal.remediation_id}:refused"
                await self._context.human.tell(proposal.place, what, why, proposal.incident_id, key)

    async def _remediate(self, proposal: Proposal, config: RunnableConfig) -> None:
        snapshot = await self._remediation.aget_state(config)
        ours = of_this_version(snapshot, GRAPH_VERSION)
        row = None if ours else await self._written(proposal)
        if ours and half_done(snapshot):
            await self._run(self._remediation, None, config)
        elif row is not None and (row.replaces or half_done(snapshot)):
            # An edited request stands before its run, and one of another version is all that is left of that: what
            # people see is what the run waits for, planned once.
            await self._remediation.aupdate_state(config, rebuilt(row), as_node=AS_NODE)
            await self._run(self._remediation, None, config)
        elif (
            not snapshot.values
            or (not ours and row is None)
            or (snapshot.values.get("refusal") and not snapshot.interrupts)
        ):
            start: Update = {
                "graph_version": GRAPH_VERSION,
                "proposal": proposal.model_dump(mode="json"),
                "attempt": 1,
                "round": snapshot.values.get("round", 0) + 1,
            }
            await self._run(self._remediation, start, config)

    async def _written(self, proposal: Proposal) -> ApprovalRequest | None:
        """Return the run's first request, if it was written."""
        try:
            return await self._context.approvals.load(approval_id_of(proposal.remediation_id, 1))
        except NoDataError:
            return None

    async def resume(self, request: ApprovalRequest) -> bool:
        """Answer the pending gate of this request; False when no such gate is pending, even after a crashed run was
        finished. An approved request whose gate is gone, or whose stored run is refused, still ends and is shown: as
        its one attempt ended, or as unknown."""
        if request.status is ApprovalStatus.PENDING:
            return False
        async with self._lease(request.thread_id) as epoch:
            try:
                if await self._answer(request, thread_config(request.thread_id, epoch)):
                    return True
                why = "The paused run was lost before the verdict reached it."
            except CorruptCheckpointError as refused:
                _alarm(request.thread_id, refused)
                why = _REFUSED
            await self._give_up(request.id, why)
            return False

    async def _answer(self, request: ApprovalRequest, config: RunnableConfig) -> bool:
        snapshot = await self._remediation.aget_state(config)
        if not of_this_version(snapshot, GRAPH_VERSION) and (node := await self._stands_after(request)):
            # Redis has lost the run (emptied, or a replica that was behind), or another version of this program has
            # begun it; what was decided stands in SQL, and the guard holds it to its votes, its clocks and its one
            # attempt as ever.
            logger.warning("run_rebuilt", extra={"approval_id": request.id})
            await self._remediation.aupdate_state(config, rebuilt(request), as_node=node)
            snapshot = await self._remediation.aget_state(config)
        if half_done(snapshot):
            # The crash may have come before the gate: people can vote as soon as the card stands.
            await self._run(self._remediation, None, config)
            snapshot = await self._remediation.aget_state(config)
        interrupt_id = pending_interrupt(snapshot, request.id)
        if interrupt_id is None:
            return False
        # An older checkpoint may still wait for what was carried out meanwhile; the ledger will tell it so.
        ran = request.status in (ApprovalStatus.EXECUTED, ApprovalStatus.FAILED) and request.execute_by is not None
        verdict = ApprovalStatus.APPROVED if ran else request.status
        answer: Update = {"verdict": verdict.value}
        if verdict is ApprovalStatus.APPROVED:
            # Before the run hears of it: what remembers an effect is the ledger, and people who wait for one need not
            # wait for two checkpoints first.
            answer |= await carry_out(self._context, request)
        command: Command[Any] = Command(resume={interrupt_id: answer})
        await self._run(self._remediation, command, config)
        return True

    async def _stands_after(self, request: ApprovalRequest) -> str:
        """Return the node after which a run made anew goes on; an empty text where nothing is left to do."""
        if request.status is ApprovalStatus.APPROVED:
            return AS_NODE
        return AS_NODE_THAT_RAN if await self._is_unfinished(request) else ""

    async def _is_unfinished(self, request: ApprovalRequest) -> bool:
        """True for what ran while nobody was told yet whether it helped, or what should have come after it."""
        rows = await rows_of(self._context.approvals, request.thread_id)
        if rows and rows[-1].id != request.id:
            return False
        if is_stepped(rows) and is_cut_off(rows):
            return True
        if request.status is not ApprovalStatus.EXECUTED:
            return False
        return not await self._context.audit.has(VERIFIED, request.id, {})

    async def _run(self, graph: Graph, start: Update | Command[Any] | None, config: RunnableConfig) -> None:
        await graph.ainvoke(start, config, context=self._context, durability="sync")

    async def _give_up(self, approval_id: str, why: str) -> None:
        """The gate is gone (checkpoint expired, refused or lost with Redis); an approved request must still end."""
        context = self._context
        request = await context.approvals.load(approval_id)
        if request.status is not ApprovalStatus.APPROVED:
            await context.cards.show_approval(approval_id)
            if request.status is ApprovalStatus.TAMPERED:
                place = Place(channel=request.channel, thread_ts=request.thread_ts)
                call = call_text(request.plan.call)
                await context.endings.alarm(approval_id, place, request.incident_id, call)
        else:
            attempt = await context.toolbox.settle(approval_id)
            nothing = ToolResult(status="unknown", text=f"{why} Check the target, then ask again.")
            await context.endings.close(request, attempt or nothing)
        await context.endings.cut_off(request, why)


def _alarm(thread_id: str, refused: CorruptCheckpointError) -> None:
    logger.error("checkpoint_refused", extra={"thread_id": thread_id, "error": str(refused)})
