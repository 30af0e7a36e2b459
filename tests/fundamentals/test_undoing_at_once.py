"""Where policy says `undo: allow`, pressing Undo is the approval: of whoever may approve, and of nobody else."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from core.approval import ApprovalRequest, ApprovalStatus
from core.audit import AuditEvent
from core.brief import Proposal
from core.errors import ConfigurationError, PolicyDeniedError
from core.ids import approval_id_of
from core.policy import Policy
from core.requirement import Requirement
from core.services import approval_desk, undo_right
from core.services.remediation import Remediation
from core.services.undo_right import heeding_undo
from core.tool_call import Plan, ToolCall
from tests.fakes.examples import a_plan, a_request, history_of
from tests.fundamentals.test_countersigning import ALICE, BOB, BOT, CAROL, GONE, GUEST
from tests.fundamentals.test_standing_grants import GRANTS, STRICT, Grants
from tests.fundamentals.test_undoing import NoGraphs

Twin = Callable[[pytest.MonkeyPatch], None] | None
ASKED = "ApprovalRequested"
ROLLBACK = ToolCall(name="rollback_deploy", args={"service": "checkout", "to_version": "1.8.3"})
AT_ONCE: dict[str, Any] = STRICT | {"undo": "allow", "quorum": 2}


def a_desk(**rule: Any) -> Grants:
    desk = Grants()
    desk.use_policy(Policy.parse(b"", GRANTS | {"rules": [AT_ONCE | rule]}))
    return desk


async def executed(desk: Grants, **fields: Any) -> ApprovalRequest:
    """Put a request there that was carried out, with its history."""
    given: dict[str, Any] = {"id": approval_id_of("rem_1", 1), "status": ApprovalStatus.EXECUTED, "requester": BOB}
    done = a_request(plan=a_plan(rollback=ROLLBACK), **(given | fields))
    desk.approvals.rows[done.id] = done
    await desk.audit.record(done)
    return done


async def pressed(desk: Grants, person: str, done: ApprovalRequest, call: ToolCall, **plan: Any) -> ApprovalRequest:
    """Press Undo on an executed request and let the graph ask for what comes of it."""
    pressing = Remediation(NoGraphs(), desk.approvals, desk.approvals, desk.queue, desk.clock)  # type: ignore[arg-type]
    await pressing.undo(done.id, person)
    proposal = Proposal.model_validate(desk.queue.waiting[-1].body)
    return await desk.desk.request("apr_undo", a_plan(call=call, **plan), proposal, "remediation:rem_undo")


async def undone(desk: Grants, person: str, rollback_of: str | None = None, **plan: Any) -> ApprovalRequest:
    return await pressed(desk, person, await executed(desk, rollback_of=rollback_of), ROLLBACK, **plan)


async def test_whoever_may_approve_undoes_at_once_and_it_is_written_down_as_their_approval() -> None:
    desk = a_desk()
    request = await undone(desk, ALICE)
    assert request.status is ApprovalStatus.APPROVED
    assert [(vote.person, vote.reason) for vote in request.votes] == [(ALICE, "pressed Undo")]
    told = await desk.audit.of_subject(request.id)
    assert [event.kind for event in told] == ["ApprovalRequested", "VoteCast", "ApprovalDecided"]
    assert len(desk.resumed()) == 1


@pytest.mark.parametrize("person", [BOB, GUEST, GONE, BOT])
async def test_whoever_may_not_approve_only_asks_for_it(person: str) -> None:
    desk = a_desk()
    request = await undone(desk, person)
    assert (request.status, request.votes, request.requirement.quorum) == (ApprovalStatus.PENDING, (), 2)
    await desk.desk.vote(request.id, ALICE, "approve")
    assert (await desk.desk.vote(request.id, CAROL, "approve")).status is ApprovalStatus.APPROVED


async def test_without_the_rule_an_undo_waits_for_others() -> None:
    request = await undone(a_desk(undo="approve"), ALICE)
    assert (request.status, request.requirement.quorum) == (ApprovalStatus.PENDING, 2)


def any_undo_is_pressed(patch: pytest.MonkeyPatch) -> None:
    """Break it on purpose: every proposal that undoes counts as one that somebody pressed."""

    async def heeding(directory: Any, needed: Requirement, plan: Plan, proposal: Proposal, rows: Any) -> Requirement:
        pressed = proposal.model_copy(update={"pressed_undo": True})
        return await heeding_undo(directory, needed, plan, pressed, rows)

    patch.setattr(approval_desk, "heeding_undo", heeding)


def any_call_is_the_undo(patch: pytest.MonkeyPatch) -> None:
    """Break it on purpose: what is to be undone at once is not held against what was carried out."""

    async def believe(*_: Any) -> Sequence[AuditEvent]:
        return ()

    async def heeding(directory: Any, needed: Requirement, plan: Plan, proposal: Proposal, rows: Any) -> Requirement:
        return needed.for_whoever_undoes()

    patch.setattr(approval_desk, "heeding_undo", heeding)
    patch.setattr(undo_right, "check_untouched", believe)


@pytest.mark.parametrize(
    ("twin", "status"), [(None, ApprovalStatus.PENDING), (any_undo_is_pressed, ApprovalStatus.APPROVED)]
)
async def test_an_undo_that_the_bot_proposes_waits_for_people(
    twin: Twin, status: ApprovalStatus, monkeypatch: pytest.MonkeyPatch
) -> None:
    if twin:
        twin(monkeypatch)
    desk = a_desk()
    done = await executed(desk)
    assert (await desk.ask(a_plan(call=ROLLBACK), requester=ALICE, rollback_of=done.id)).status is status
    assert (await desk.ask(a_plan(call=ROLLBACK), requester=ALICE)).status is ApprovalStatus.PENDING


TAMPERED: dict[str, dict[str, Any]] = {
    "another undo": {"plan": a_plan(rollback=ToolCall(name="rollback_deploy", args={"service": "front"}))},
    "a row that nobody asked for": {"id": approval_id_of("rem_1", 2)},
    "a row that was never carried out": {"id": approval_id_of("rem_1", 2), "told": ASKED},
}


@pytest.mark.parametrize("changed", TAMPERED.values(), ids=TAMPERED)
@pytest.mark.parametrize(("twin", "votes"), [(None, 0), (any_call_is_the_undo, 1)])
async def test_what_somebody_has_written_into_the_rows_is_not_undone_at_once(
    changed: dict[str, Any], twin: Twin, votes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if twin:
        twin(monkeypatch)
    desk = a_desk()
    done = await executed(desk)
    forged = done.model_copy(update={name: value for name, value in changed.items() if name != "told"})
    desk.approvals.rows[forged.id] = forged
    if "told" in changed:
        await desk.audit.append(history_of(forged)[0])
    call = forged.plan.rollback
    assert call is not None
    if twin:
        assert len((await pressed(desk, ALICE, forged, call)).votes) == votes
        return
    with pytest.raises(PolicyDeniedError, match="changed outside Watchkeeper"):
        await pressed(desk, ALICE, forged, call)
    assert "apr_undo" not in desk.approvals.rows
    assert desk.audit.events[-1].kind == "UndoRefused"


@pytest.mark.parametrize(
    ("twin", "votes", "status"),
    [(None, 0, ApprovalStatus.PENDING), (any_call_is_the_undo, 1, ApprovalStatus.APPROVED)],
)
async def test_to_undo_an_undo_makes_a_change_again_and_takes_as_many_as_that_did(
    twin: Twin, votes: int, status: ApprovalStatus, monkeypatch: pytest.MonkeyPatch
) -> None:
    if twin:
        twin(monkeypatch)
    request = await undone(a_desk(), ALICE, rollback_of="apr_before")
    assert (request.status, len(request.votes), request.requirement.quorum) == (status, votes, 2 - votes)


async def test_a_freeze_holds_an_undo_and_the_press_counts_for_nothing() -> None:
    desk = a_desk()
    desk.frozen = "everything was frozen"
    request = await undone(desk, ALICE)
    assert (request.status, request.votes) == (ApprovalStatus.PENDING, ())
    assert desk.audit.events[-1].details["why"] == "FrozenError"


async def test_whom_the_undo_is_for_does_not_undo_at_once() -> None:
    assert (await undone(a_desk(), ALICE, beneficiary=ALICE)).votes == ()


async def test_whoever_leaves_the_group_before_the_claim_has_undone_nothing() -> None:
    desk = a_desk()
    remembered = desk.people.members

    async def members(ids: Sequence[str], *, fresh: bool = False) -> frozenset[str]:
        left = fresh and "apr_undo" in desk.approvals.rows
        return await remembered(ids) - ({ALICE} if left else set())

    desk.people.members = members  # type: ignore[method-assign]
    assert (await undone(desk, ALICE)).status is ApprovalStatus.PENDING
    assert "VoteVoid" in desk.audit.kinds


@pytest.mark.parametrize("more", [{"second_model": True}, {"typed_confirmation": True}, {"effect": "deny"}])
def test_undo_allow_goes_with_plain_approvals_only(more: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="undo allow is for effect approve"):
        a_desk(**more)
