"""The checker on a history without fault, and on that history with one thing wrong in it at a time."""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from core.approval import ApprovalRequest, ApprovalStatus, Vote
from core.audit import AuditEvent
from core.effect import Effect, EffectStatus
from core.tool_call import ToolCall
from tests.chaos.checker import INVARIANTS, check
from tests.chaos.history import Ack, Act, Ending, Freeze, History, Post, Reign, Run, Spend
from tests.fakes.clock import START
from tests.fakes.examples import a_request, a_requirement, an_effect

CANARY = "ghp_Canary/That+NeverLeaves42"
REPORT, CARD = Post("report", "rep_1", "1.1"), Post("approval", "apr_1", "1.2", "executed")
CAST = "VoteCast"
TRAIL = ("ApprovalRequested", "ApprovalDecided", "EffectIntended", "EffectDone")
DECIDED, ACTED = START + timedelta(minutes=2), START + timedelta(minutes=3)


def votes(*people: str, choice: Any = "approve", at: datetime = DECIDED) -> tuple[Vote, ...]:
    return tuple(Vote(approval_id="apr_1", person=person, choice=choice, at=at) for person in people)


def a_row(**fields: Any) -> ApprovalRequest:
    given: dict[str, Any] = {
        "id": "apr_1", "status": ApprovalStatus.EXECUTED, "decided_at": DECIDED, "votes": votes("U0BOB"),
        "execute_by": DECIDED + timedelta(minutes=5), "finished_at": ACTED,
    }  # fmt: skip
    return a_request(**(given | fields))


def an_outcome(row: ApprovalRequest, **fields: Any) -> Effect:
    given = {"status": EffectStatus.DONE, "intent_at": ACTED, "outcome_at": ACTED + timedelta(seconds=1)}
    return an_effect(row, **(given | fields))


def noted(kind: str, **fields: Any) -> AuditEvent:
    given = {"actor": "guard", "subject": "apr_1", "at": ACTED, "details": {"action_id": "act_1"}}
    return AuditEvent(kind=kind, **(given | fields))


def told(*kinds: str) -> list[AuditEvent]:
    return [noted(CAST, actor=person, at=DECIDED, details={}) for person in ("U0BOB", "U0CAROL")] + [
        noted(kind) for kind in kinds
    ]


def reigning(**fields: Any) -> Callable[[History], History]:
    reign: dict[str, Any] = {"sha256": "0" * 64, "since": START, "asks": {"checkout": (1, "S0SRE")}}
    return changed(reigns=[Reign(**(reign | fields))])


def sound() -> History:
    """One question, one proposal of it, approved by one of two who may, carried out and told."""
    row = a_row()
    posts = [REPORT, CARD, Post("note", "apr_1:end", "1.3")]
    question = Run("question", "rep_1", notes=("failed:ask:1",))
    return History(
        acks=[Ack("evt_1", START)],
        endings=[Ending("evt_1", "done")],
        approvals=[row],
        effects=[an_outcome(row)],
        audit=[*told(*TRAIL)],
        acts=[Act(row.action_id, row.plan.call, ACTED, {"resource_version": "7"})],
        posts=posts,
        runs=[question, Run("proposal", "rem_1", ("apr_1",), ("apr_1:refused",))],
        spends=[Spend("rep_1", 3, 900, 3, 1000)],
        deciders={"S0SRE": frozenset({"U0BOB", "U0CAROL"})},
        canaries=[CANARY],
        sinks={"log": ["all is well"]},
    )  # fmt: skip


def with_row(**fields: Any) -> Callable[[History], History]:
    return lambda history: replace(history, approvals=[a_row(**fields)])


def with_outcome(**fields: Any) -> Callable[[History], History]:
    return lambda history: replace(history, effects=[an_outcome(a_row(), **fields)])


def acted(**fields: Any) -> Callable[[History], History]:
    return lambda history: replace(history, acts=[replace(history.acts[0], **fields)])


def changed(**fields: Any) -> Callable[[History], History]:
    return lambda history: replace(history, **fields)


def plus(**more: Any) -> Callable[[History], History]:
    """One thing more in each of the named fields."""
    return lambda history: replace(history, **{name: [*getattr(history, name), one] for name, one in more.items()})


def heirs(history: History) -> History:
    """The request stands in the place of another one, and so does a second."""
    both = (a_row(replaces="apr_0"), a_row(id="apr_2", replaces="apr_0", status=ApprovalStatus.REJECTED, votes=()))
    return replace(history, approvals=both)


def posted(text: str) -> Callable[[History], History]:
    return plus(posts=Post("note", "a note", "1.8", text=text))


two = a_requirement(quorum=2)
anybody = a_requirement(exclude_requester=False)
both_accounts = a_requirement(quorum=2, people=(("U0BOB", "U0CAROL"),))
digest = "f" * 64
elsewhere = ToolCall(name="restart_service", args={"service": "payments"})
BROKEN: list[tuple[str, str, Callable[[History], History]]] = [
    ("I1", "two lines under one action", lambda h: replace(h, acts=[*h.acts, *h.acts])),
    ("I1", "two attempts at one request", plus(effects=an_outcome(a_row(), action_id="act_2"))),
    ("I2", "nobody was asked", lambda h: replace(h, acts=[*h.acts, replace(h.acts[0], action_id="act_9")])),
    ("I2", "another call ran", acted(call=elsewhere)),
    ("I2", "the row's digest is another", with_row(digest=digest)),
    ("I2", "the attempt's digest is another", with_outcome(digest=digest)),
    ("I2", "the plan was edited", with_row(plan=a_row().plan.model_copy(update={"env": "dev"}), digest=a_row().digest)),
    ("I2", "who may approve was edited", with_row(requirement=anybody, digest=a_row().digest)),
    ("I2", "the target had changed", acted(found={"resource_version": "8"})),
    ("I2", "it was rejected", with_row(status=ApprovalStatus.REJECTED)),
    ("I2", "somebody rejected it", with_row(votes=(*votes("U0BOB"), *votes("U0CAROL", choice="reject")))),
    ("I2", "it ran before the decision", with_row(decided_at=ACTED + timedelta(seconds=1))),
    ("I2", "it was decided too late", with_row(decide_by=DECIDED)),
    ("I2", "it ran too late", with_row(execute_by=ACTED)),
    ("I2", "it never had a deadline", with_row(execute_by=None)),
    ("I2", "everything was frozen", changed(freezes=[Freeze(ACTED - timedelta(seconds=1))])),
    ("I2", "one of two", with_row(requirement=two)),
    ("I2", "one person twice", with_row(requirement=two, votes=votes("U0BOB", "U0BOB"))),
    ("I2", "a stranger approved", with_row(votes=votes("U0EVE"))),
    ("I2", "a stranger was the second", with_row(requirement=two, votes=votes("U0BOB", "U0EVE"))),
    ("I2", "the requester approved", with_row(requester="U0BOB")),
    ("I2", "two accounts of one human", with_row(requirement=both_accounts, votes=votes("U0BOB", "U0CAROL"))),
    ("I2", "a seat stayed empty", with_row(requirement=a_requirement(seats={"dba": 1}))),
    ("I2", "the vote came afterwards", with_row(votes=votes("U0BOB", at=ACTED))),
    ("I2", "the vote is of the request before", with_row(created_at=DECIDED + timedelta(seconds=1))),
    ("I2", "nobody cast that vote", changed(audit=[noted(kind) for kind in TRAIL])),
    ("I2", "edited into two", heirs),
    ("I2", "asked for by a policy of yesterday", reigning(since=START + timedelta(seconds=1))),
    ("I2", "approved by a policy of yesterday", reigning(until=DECIDED)),
    ("I2", "carried out under a policy of yesterday", reigning(until=ACTED)),
    ("I2", "asked for less than its policy says", reigning(asks={"checkout": (2, "S0SRE")})),
    ("I2", "asked others than its policy says", reigning(asks={"checkout": (1, "S0OPS")})),
    ("I2", "it was decided twice", plus(audit=noted("ApprovalExpired"))),
    ("I3", "acknowledged and nowhere", changed(endings=[])),
    ("I3", "acknowledged and never done", changed(endings=[Ending("evt_1", "taken")])),
    ("I3", "a job of ours never done", plus(endings=Ending("resume:1", "taken"))),
    ("I3", "done again and again", changed(endings=[Ending("evt_1", "done", 3)], interruptions=1)),
    ("I4", "no intent", changed(effects=[], keeps_threads=False)),
    ("I4", "the intent came afterwards", with_outcome(intent_at=ACTED + timedelta(seconds=1))),
    ("I4", "the outcome came before", with_outcome(outcome_at=ACTED - timedelta(seconds=1))),
    ("I4", "no outcome", with_outcome(status=EffectStatus.INTENT, outcome_at=None)),
    ("I4", "it says that it failed", with_outcome(status=EffectStatus.FAILED)),
    ("I4", "done, and the target knows of nothing", changed(acts=[])),
    ("I4", "the audit lacks the intent", changed(audit=told(*(kind for kind in TRAIL if kind != "EffectIntended")))),
    ("I4", "the audit lacks the outcome", changed(audit=told(*TRAIL[:3]))),
    ("I4", "the audit lacks the request", changed(audit=told(*TRAIL[1:]))),
    ("I4", "the audit doubts what it has told", plus(audit=noted("EffectUnknown"))),
    ("I4", "the audit has two outcomes", changed(audit=told(*TRAIL[:3], "EffectFailed", "EffectDone"))),
    ("I4", "the chain is broken", changed(audit_faults=["row 7 was changed"])),
    ("I5", "still approved", with_row(status=ApprovalStatus.APPROVED)),
    ("I5", "the card shows what was", changed(posts=[REPORT, replace(CARD, shows="approved")])),
    ("I5", "two cards", plus(posts=replace(CARD, ts="1.9"))),
    ("I5", "no card", changed(posts=[REPORT])),
    ("I5", "the end was said twice", plus(posts=Post("note", "apr_1:end", "1.9"))),
    ("I5", "it ended twice", changed(audit=[*sound().audit, *[noted("RemediationVerified")] * 2])),
    ("I5", "approved and left lying", changed(stuck=["apr_1"])),
    ("I5", "no answer", changed(posts=[CARD])),
    ("I5", "two answers", plus(posts=replace(REPORT, ts="1.9"))),
    ("I5", "a proposal that nobody saw", plus(runs=Run("proposal", "rem_2", ("apr_2",), ("apr_2:refused",)))),
    ("I6", "in a log", changed(sinks={"log": [f"token={CANARY}"]})),
    ("I6", "in Slack, as base64", posted(b64encode(f"k={CANARY}".encode()).decode())),
    ("I6", "in the audit, as hex", plus(audit=noted("X", details={"a": CANARY.encode().hex()}))),
    ("I6", "in an outcome", with_outcome(text=f"Bearer {CANARY}")),
    ("I7", "one call too many", changed(spends=[Spend("rep_1", 4, 900, 3, 1000)])),
    ("I7", "tokens over the cap", changed(spends=[Spend("rep_1", 3, 1001, 3, 1000)])),
]  # fmt: skip


def test_a_history_without_fault_has_no_violation() -> None:
    assert check(sound()) == []


@pytest.mark.parametrize(("invariant", "fault", "doctor"), BROKEN, ids=[fault for _, fault, _ in BROKEN])
def test_one_fault_is_found_by_the_invariant_it_breaks(
    invariant: str, fault: str, doctor: Callable[[History], History]
) -> None:
    found = check(doctor(sound()))
    assert invariant in {violation.invariant for violation in found}, found


def test_each_invariant_has_a_history_that_only_it_finds_fault_with() -> None:
    alone = {
        next(iter(names)) for _, _, doctor in BROKEN if len(names := {v.invariant for v in check(doctor(sound()))}) == 1
    }
    assert alone == set(INVARIANTS)


def test_a_policy_that_reigned_all_the_time_is_no_fault_nor_one_that_was_replaced_after_the_effect() -> None:
    assert check(reigning()(sound())) == []
    assert check(reigning(until=ACTED + timedelta(seconds=1))(sound())) == []


def test_an_effect_that_began_before_the_freeze_is_no_fault() -> None:
    frozen = changed(freezes=[Freeze(ACTED - timedelta(seconds=1))])
    assert check(frozen(acted(looked=ACTED - timedelta(seconds=2))(sound()))) == []


def test_an_unknown_outcome_is_an_end_whether_it_ran_or_not() -> None:
    row = a_row(status=ApprovalStatus.UNKNOWN)
    history = replace(
        sound(),
        approvals=[row],
        effects=[an_outcome(row, status=EffectStatus.UNKNOWN)],
        audit=told(*TRAIL[:3], "EffectUnknown"),
        posts=[Post("report", "rep_1", "1.1"), Post("approval", row.id, "1.2", "unknown")],
    )
    assert check(history) == []
    assert check(replace(history, acts=[])) == []
    # But a verdict that was never carried to an attempt is lost, and nothing but a lost checkpoint excuses that.
    untried = replace(history, acts=[], effects=[], keeps_threads=True)
    assert [violation.invariant for violation in check(untried)] == ["I5"]


def test_an_unknown_outcome_that_turned_out_to_be_done_is_no_contradiction() -> None:
    assert check(changed(audit=told(*TRAIL[:3], "EffectUnknown", "EffectDone"))(sound())) == []


def test_a_question_that_ended_with_a_sentence_has_ended() -> None:
    history = History(runs=[Run("question", "rep_1", notes=("dead:ask:1",))])
    assert [violation.invariant for violation in check(history)] == ["I5"]
    assert check(replace(history, posts=[Post("note", "dead:ask:1", "1.1")])) == []
