"""Stands around every tool: nothing is read without bounds, nothing is changed without a fresh, fitting approval."""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from weakref import WeakValueDictionary

from core.approval import ApprovalRequest, ApprovalStatus, Grant, Vote, tally
from core.audit import AuditEvent
from core.contradictions import of_effect
from core.errors import (
    AlreadyDecidedError,
    ApprovalExpiredError,
    FrozenError,
    GrantMissingError,
    NoDataError,
    PolicyDeniedError,
    RefusedError,
    StaleApprovalError,
    TamperedError,
    ToolError,
    ToolTimeoutError,
    UnfitError,
)
from core.fitness import SKEW, Unfit, fit
from core.ports import Approvals, Audit, Clock, Effects, ToolSummary
from core.refusal import FROZEN, RAN_OUT, SUPERSEDED, TAMPERED
from core.risk import Risk
from core.tampering import check_untouched
from core.tool_call import Plan, ToolCall, ToolResult, plan_digest
from tools.arguments import accept
from tools.attempts import Attempts
from tools.order import Order
from tools.planning import differences, make_plan
from tools.registry import Registry
from tools.results import cleaned, shortened
from tools.spec import ToolSpec

Frozen = Callable[[], bool | Awaitable[bool]]
Standing = Callable[[ApprovalRequest], Awaitable[Sequence[Vote]]]
InForce = Callable[[str], bool]
logger = logging.getLogger(__name__)


async def without_grants(row: ApprovalRequest) -> Sequence[Vote]:
    """Return the votes that people have cast themselves: whoever knows of no grants counts none."""
    return [vote for vote in row.votes if vote.grant_id is None]


def any_policy(sha256: str) -> bool:
    """Return True: without a policy file there is none that could have changed."""
    return True


class Guard:
    """Implements core.ports.ToolBox.

    `in_force` (whether the policy of that hash still holds), `frozen`, `unfit` and `standing` (the votes that still
    count) are asked before each effect; when the last three cannot answer, nothing runs. `settle_seconds` is how long
    an act whose answer got lost is looked for on its target before it is called unknown, `skew_seconds` by how much the
    clocks of two workers may differ.
    """

    def __init__(
        self,
        registry: Registry,
        approvals: Approvals,
        effects: Effects,
        audit: Audit,
        clock: Clock,
        frozen: Frozen,
        *,
        unfit: Unfit = fit,
        standing: Standing = without_grants,
        in_force: InForce = any_policy,
        settle_seconds: float = 5.0,
        skew_seconds: float = 2 * SKEW.total_seconds(),
    ) -> None:
        self._registry = registry
        self._secrets = registry.environment.secrets
        self._approvals = approvals
        self._audit = audit
        self._clock = clock
        self._frozen = frozen
        self._unfit = unfit
        self._standing = standing
        self._in_force = in_force
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._attempts = Attempts(registry, effects, clock, settle_seconds, skew_seconds)
        self._order = Order(approvals, audit, self._attempts)

    def summaries(self) -> Sequence[ToolSummary]:
        """Return every tool's summary, in registry order."""
        return self._registry.summaries()

    async def read(self, call: ToolCall) -> ToolResult:
        """Run a tool of risk `read`; whatever goes wrong becomes a result: no_data, failed, or refused above `read`."""
        try:
            spec = self._registry.find(call.name)
            if spec.risk is not Risk.READ or spec.read is None:
                raise PolicyDeniedError(f"`{spec.name}` changes things: it runs only after people have approved it.")
            result = await self._read(spec, spec.read, call)
        except PolicyDeniedError as refusal:
            await self._note_refusal("tools", call.name[:64], None, str(refusal))
            result = ToolResult(status="refused", text=str(refusal))
        except NoDataError as error:
            result = ToolResult(status="no_data", text=str(error))
        except ToolError as error:
            logger.warning("tool_failed", extra={"tool": call.name[:64], "error": type(error).__name__})
            result = ToolResult(status="failed", text=str(error))
        except Exception as error:
            logger.exception("tool_broke", extra={"tool": call.name[:64]})
            result = ToolResult(status="failed", text=f"`{call.name[:64]}` broke ({type(error).__name__}).")
        return cleaned(result, self._secrets)

    async def _read(
        self, spec: ToolSpec[Any], read: Callable[[Any], Awaitable[ToolResult]], call: ToolCall
    ) -> ToolResult:
        args = accept(spec, call, self._registry.environment)
        try:
            async with asyncio.timeout(spec.timeout):
                return await read(args)
        except TimeoutError as error:
            raise ToolTimeoutError(f"`{spec.name}` took more than {spec.timeout:g} s.") from error

    async def plan(self, call: ToolCall, *then: ToolCall) -> Plan:
        """Validate the call, and the steps after it, and work out what exactly would run, changing nothing; ToolError
        when it cannot."""
        try:
            return await make_plan(self._registry, call, *then)
        except ToolError as error:
            raise type(error)(self._clean(error)) from error
        except Exception as error:
            logger.exception("plan_broke", extra={"tool": call.name[:64]})
            raise ToolError(f"`{call.name[:64]}` cannot be planned ({type(error).__name__}).") from error

    async def drift(self, request: ApprovalRequest) -> str:
        """Return what has changed since the request was planned; empty too for a later step, which is planned on what
        the one before it leaves, and while its target cannot be asked."""
        if request.covered_by is not None:
            return ""
        try:
            present = await self.plan(request.plan.call, *(step.call for step in request.plan.then))
        except ToolError:
            return ""
        return shortened(self._secrets.text(differences(request.plan, present)))

    async def execute(self, request: ApprovalRequest, grant: Grant) -> ToolResult:
        """Run what was approved, at most once; of `request` nothing but the id is believed, the row is loaded anew.

        `grant` adds the digest and the deadline that the graph read when it was resumed, an instant before this load:
        a row that changed its digest since then is refused, and one that got more time still ends at `grant.until`.
        It is no proof against a row that was changed earlier: votes, digest and plan are checked on the row itself.

        refused: nothing ran. failed: the target did not do it. unknown: nobody can tell, a human must look.
        """
        # One attempt at a time in this process; between processes the intent row decides.
        async with self._turns.setdefault(request.id, asyncio.Lock()):
            try:
                row = await self._approvals.load(request.id)
            except NoDataError as error:
                return await self._refuse(request.id, None, error)
            return cleaned(await self._execute(row, grant), self._secrets)

    async def settle(self, approval_id: str) -> ToolResult | None:
        """Return how the request's one attempt ended, asking its target where the ledger does not know; None when
        nothing was attempted. Needs no grant, as it never acts: whatever it finds is written as the attempt's end."""
        async with self._turns.setdefault(approval_id, asyncio.Lock()):  # ours may be under way: its end is the answer
            row = await self._approvals.load(approval_id)
            effect = await self._attempts.ledger(row)
            return None if effect is None else cleaned(await self._attempts.settle(row, effect), self._secrets)

    async def _execute(self, row: ApprovalRequest, grant: Grant) -> ToolResult:
        try:
            history = await self._check_grant(row, grant)
            earlier = await self._attempts.find(row)
            if earlier is not None:
                return await self._attempts.settle(row, earlier)
            for wrong in of_effect(None, history):
                raise TamperedError(f"The ledger was changed outside Watchkeeper: {wrong}")
            self._check_open(row, grant)
            await self._order.check_read_back(row)
            act = await self._as_it_will_run(row)
            await self._check_may_run(row, grant)  # after the dry run, which may take its time and changes nothing
            tool = self._attempts.tool(act)
            return await self._attempts.carry_out(act, tool, lambda: self._check_may_run(row, grant))
        except TamperedError as found:
            refusal = await self._refuse(row.id, row, TamperedError(f"{TAMPERED}{found}. Nothing runs by it."))
            # Whatever ran before somebody wrote into the row did run, and its end is told as it was.
            earlier = await self._attempts.ledger(row)
            return refusal if earlier is None else await self._attempts.settle(row, earlier)
        except (RefusedError, ToolError) as refusal:
            return await self._refuse(row.id, row, refusal)

    async def _as_it_will_run(self, row: ApprovalRequest) -> ApprovalRequest:
        """Plan the call anew and return the request as it goes to its target; StaleApprovalError if anything differs
        from what was approved."""
        if row.covered_by is None:
            self._check_unchanged(row, await self.plan(row.plan.call, *(step.call for step in row.plan.then)))
            return row
        found = await self.plan(row.plan.call)
        plan = await self._order.present(row, found)
        digest = plan_digest(plan, requester=row.requester, requirement=row.requirement)
        self._check_unchanged(row.model_copy(update={"plan": plan, "digest": digest}), found)
        voted = await self._order.answerable(row)
        return row.model_copy(update={"plan": plan, "votes": voted.votes})

    async def _check_grant(self, row: ApprovalRequest, grant: Grant) -> Sequence[AuditEvent]:
        if (grant.approval_id, grant.action_id) != (row.id, row.action_id):
            raise GrantMissingError("The grant is for another request.")
        if row.digest != grant.digest:
            raise TamperedError("The stored request is not the one that was approved (its digest differs)")
        return await check_untouched(row, self._audit)

    def _check_open(self, row: ApprovalRequest, grant: Grant) -> None:
        if row.status is not ApprovalStatus.APPROVED:
            raise AlreadyDecidedError(f"The request is {row.status.value}, not approved.")
        if row.execute_by is None or self._clock.now() >= min(row.execute_by, grant.until):
            raise ApprovalExpiredError(f"{RAN_OUT}the approval has run out, it was not carried out in time.")

    async def _check_may_run(self, row: ApprovalRequest, grant: Grant) -> None:
        voted = await self._order.answerable(row)
        if not self._in_force(voted.requirement.policy_sha256):
            raise StaleApprovalError("The policy has changed since it was asked for.")
        if tally(voted.requirement, await self._votes_of(voted)) is not ApprovalStatus.APPROVED:
            raise GrantMissingError("The request is marked as approved, but its votes do not add up to that.")
        await self._order.check_turn(row)
        if await self._is_frozen():
            raise FrozenError(f"{FROZEN}the freeze switch is on, so no changes are made.")
        if why := await self._why_unfit():
            raise UnfitError(f"I only read at the moment: {why}.")
        self._check_open(row, grant)  # last, because the switch may take its time to answer

    def _check_unchanged(self, row: ApprovalRequest, present: Plan) -> None:
        changed = differences(row.plan, present)
        digest = plan_digest(present, requester=row.requester, requirement=row.requirement)
        if changed or digest != row.digest:
            why = f"its target has changed since it was asked for: {changed or 'the digest differs'}."
            raise StaleApprovalError(f"{SUPERSEDED}{why}")

    async def _votes_of(self, row: ApprovalRequest) -> Sequence[Vote]:
        if self._registry.find(row.plan.call.name).wrapper:
            return await without_grants(row)
        try:
            return await self._standing(row)
        except Exception:
            logger.exception("grants_unreadable")
            return await without_grants(row)

    async def _is_frozen(self) -> bool:
        try:
            answer = self._frozen()
            return bool(await answer if inspect.isawaitable(answer) else answer)
        except Exception:
            logger.exception("freeze_switch_unreadable")
            return True

    async def _why_unfit(self) -> str:
        try:
            return await self._unfit()
        except Exception:
            logger.exception("self_check_unreadable")
            return "the self-check gives no answer"

    async def _refuse(self, approval_id: str, row: ApprovalRequest | None, reason: Exception) -> ToolResult:
        why = self._clean(reason)
        await self._note_refusal("guard", approval_id, row, why)
        return ToolResult(status="refused", text=why)

    async def _note_refusal(self, actor: str, subject: str, row: ApprovalRequest | None, why: str) -> None:
        await self._audit.append(
            AuditEvent(
                kind="EffectRefused",
                actor=actor,
                subject=subject,
                incident_id=row.incident_id if row else None,
                at=self._clock.now(),
                details={"why": why, "tool": row.plan.call.name if row else subject},
            )
        )

    def _clean(self, error: Exception) -> str:
        return shortened(self._secrets.text(str(error)))
