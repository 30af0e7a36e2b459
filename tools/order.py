"""A step's place in its plan: whose approval it runs under, whether its turn has come, and on which state."""

from collections.abc import Sequence

from core.approval import ApprovalRequest, ApprovalStatus
from core.contradictions import of_effect
from core.effect import Effect, EffectStatus
from core.errors import AlreadyDecidedError, GrantMissingError, NoDataError, StaleApprovalError, TamperedError
from core.ids import attempt_of
from core.ports import Approvals, Audit
from core.refusal import SUPERSEDED
from core.services.remediation_rows import rows_of
from core.stepped_plan import AS_LEFT, VERSION, covered_plan
from core.tampering import check_untouched
from core.tool_call import Plan
from tools.attempts import Attempts, left_behind


class Order:
    """Reads the rows anew at each look: of the request's own nothing is believed that they do not bear out."""

    def __init__(self, approvals: Approvals, audit: Audit, attempts: Attempts) -> None:
        self._approvals = approvals
        self._audit = audit
        self._attempts = attempts

    async def answerable(self, row: ApprovalRequest) -> ApprovalRequest:
        """Return the request whose votes this one runs under: itself, or the plan that covers it, byte for byte."""
        if row.covered_by is None:
            return row
        try:
            covering = await self._approvals.load(row.covered_by)
            undone = await self._approvals.load(row.rollback_of) if row.rollback_of else None
        except NoDataError as error:
            raise GrantMissingError("The plan that this is said to be a step of is not there.") from error
        await check_untouched(covering, self._audit)
        if undone is not None:
            await check_untouched(undone, self._audit)  # it says what undoes it
        if covering.covered_by is not None:
            raise TamperedError("What is said to cover this step is a later step itself")
        begun = await self._attempts.ledger(covering)
        if begun is None or begun.digest != covering.digest:
            raise TamperedError("The plan that was begun is another one")
        ahead = attempt_of(row.thread_id, row.id) - attempt_of(covering.thread_id, covering.id)
        same_run = covering.thread_id == row.thread_id
        if not same_run or row.plan != covered_plan(covering, undone, ahead) or row.requester != covering.requester:
            raise TamperedError("This is not a step of what was approved")
        if covering.status is not ApprovalStatus.EXECUTED:
            raise AlreadyDecidedError(f"The plan is {covering.status.value}, so its later steps do not run.")
        return covering

    async def check_turn(self, row: ApprovalRequest) -> None:
        """StaleApprovalError unless all steps before this one are done, or what this one undoes still stands."""
        if row.rollback_of is not None and row.covered_by is not None:
            undone = await self._approvals.load(row.rollback_of)
            if undone.status is not ApprovalStatus.EXECUTED or undone.plan.rollback != row.plan.call:
                raise StaleApprovalError(f"{SUPERSEDED}what this undoes is {undone.status.value}.")
        steps = (
            [each for each in await self._before(row) if each.rollback_of is None] if row.rollback_of is None else []
        )
        for earlier in steps:
            if earlier.status is not ApprovalStatus.EXECUTED:
                raise StaleApprovalError(f"{SUPERSEDED}a step before this one is {earlier.status.value}.")

    async def check_read_back(self, row: ApprovalRequest) -> None:
        """StaleApprovalError unless the target of the step before this one says that it was done."""
        before = await self._before(row)
        if before and row.rollback_of is None:
            effect = await self._recorded(before[-1])
            if not await self._attempts.is_seen(before[-1], effect):
                raise StaleApprovalError(f"{SUPERSEDED}its target does not bear out that the step before was done.")

    async def present(self, row: ApprovalRequest, found: Plan) -> Plan:
        """Return a covered plan with what is known only now, `found` being what planning its call gives at present:
        the version that the plan itself has left, and for an undo, which was never dry-run, what that would show."""
        plan = row.plan.model_copy(update={"then": ()})
        if plan.precondition.get(VERSION) != AS_LEFT:
            return plan
        changes: dict[str, object] = {"diff": found.diff}
        known = plan.precondition
        if row.rollback_of is not None and set(known) == {VERSION}:
            changes |= {"rollback": found.rollback, "blast_radius": found.blast_radius}
            known = found.precondition
        return plan.model_copy(update=changes | {"precondition": {**known, VERSION: await self._left(row)}})

    async def _left(self, row: ApprovalRequest) -> object:
        target = (row.plan.service, row.plan.env)
        acts = [each for each in await self._before(row) if (each.plan.service, each.plan.env) == target]
        versions = [left_behind(await self._recorded(each)) for each in reversed(acts)]
        return next((version for version in versions if version is not None), None)

    async def _recorded(self, row: ApprovalRequest) -> Effect | None:
        """Return an earlier step's row of the ledger; TamperedError where the history tells it otherwise."""
        history = await check_untouched(row, self._audit)  # first, as what it tells of is in the ledger by then
        effect = await self._attempts.ledger(row)
        if effect is None or effect.status is EffectStatus.DONE:  # nothing is made of any other
            for wrong in of_effect(effect, history):
                raise TamperedError(f"The ledger was changed outside Watchkeeper: of an earlier step {wrong}")
        return effect

    async def _before(self, row: ApprovalRequest) -> Sequence[ApprovalRequest]:
        """Return the requests of the same run before this one, oldest first."""
        number = attempt_of(row.thread_id, row.id)
        return (await rows_of(self._approvals, row.thread_id))[: number - 1] if number > 1 else []
