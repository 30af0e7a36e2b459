"""The seven invariants over a joined history; believes no witness alone, and none of the product's own arithmetic."""

import base64
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import permutations
from typing import Any, NamedTuple
from urllib.parse import quote

from core.approval import ApprovalRequest
from core.effect import Effect
from core.requirement import Requirement
from tests.chaos.history import Act, History, Run

_TERMINAL = {
    "rejected",
    "expired",
    "superseded",
    "frozen",
    "ran out",
    "not run",
    "tampered",
    "executed",
    "failed",
    "unknown",
    "rolled back",
}
_ACTED = {"executed", "unknown", "rolled back"}
_DECISIONS = {"ApprovalDecided", "ApprovalExpired", "ApprovalSuperseded", "TamperingFound"}
_ENDS = {"RemediationEnded", "RemediationVerified"}
_OUTCOMES = {"done": "EffectDone", "failed": "EffectFailed", "unknown": "EffectUnknown"}
# Who asked a target that had not begun yet could not tell; whoever was still waiting for its answer could.
_CORRECTED = ["EffectUnknown", "EffectDone"]


class Violation(NamedTuple):
    """One broken promise: `invariant` is I1 to I7, `subject` what it is about."""

    invariant: str
    subject: str
    why: str


def check(history: History) -> list[Violation]:
    """Return every violation of the seven invariants, in their order; nothing for a history without fault."""
    return [
        Violation(name, subject, why) for name, invariant in INVARIANTS.items() for subject, why in invariant(history)
    ]


Found = Iterator[tuple[str, str]]


def one_effect_per_approval(history: History) -> Found:
    """I1: at most one line in the target's ledger for each request, and at most one attempt."""
    acts = Counter(act.action_id for act in history.acts)
    yield from ((action_id, f"{count} effects") for action_id, count in acts.items() if count > 1)
    attempts = Counter(effect.approval_id for effect in history.effects)
    yield from ((approval_id, f"{count} attempts") for approval_id, count in attempts.items() if count > 1)


def every_effect_was_decided(history: History) -> Found:
    """I2: each effect is what was asked for, by enough of the right people, inside both clocks, outside of a freeze;
    and no request was decided twice."""
    rows = {row.action_id: row for row in history.approvals}
    for act in history.acts:
        row = rows.get(act.action_id)
        if row is None:
            yield act.action_id, "an effect that nobody was asked for"
            continue
        yield from ((row.id, why) for why in _faults_of(act, row, history))
    decisions = Counter(event.subject for event in history.audit if event.kind in _DECISIONS)
    yield from ((subject, f"decided {count} times") for subject, count in decisions.items() if count > 1)
    heirs = Counter(row.replaces for row in history.approvals if row.replaces)
    yield from ((row_id, f"edited into {count} requests") for row_id, count in heirs.items() if count > 1)


def _faults_of(act: Act, row: ApprovalRequest, history: History) -> Iterator[str]:
    if act.call != row.plan.call:
        yield f"{act.call} ran, {row.plan.call} was approved"
    stored = next((effect.digest for effect in history.effects if effect.action_id == act.action_id), row.digest)
    if not row.digest == stored == digest_of(row):
        yield "the digest is not that of what was approved"
    if any(act.found.get(name, value) != value for name, value in row.plan.precondition.items()):
        yield f"done on {dict(act.found)}, approved on {row.plan.precondition}"
    if row.status.value not in _ACTED:
        yield f"an effect under a request that is {row.status.value}"
    at = act.at - history.grace
    if row.decided_at is None or act.at < row.decided_at - history.grace or row.decided_at >= row.decide_by:
        yield "an effect without a decision in time before it"
    if row.execute_by is None or at >= row.execute_by:
        yield f"an effect at {act.at} after the approval had run out at {row.execute_by}"
    looked = (act.looked or act.at) - history.grace
    if any(span.since <= looked and (span.until is None or act.at < span.until) for span in history.freezes):
        yield "an effect while everything was frozen"
    yield from _faults_of_votes(row, history)
    yield from _faults_of_policy(row, looked, history)


def _faults_of_policy(row: ApprovalRequest, looked: datetime, history: History) -> Iterator[str]:
    """What a file that changed meanwhile must not bring about: a request, its votes and its effect are of one
    policy."""
    needed = row.requirement
    moments = [("asked for", row.created_at), *((f"approved by {vote.person}", vote.at) for vote in row.votes)]
    for what, at in (*moments, ("carried out", looked)):
        reign = next((each for each in history.reigns if each.holds(needed.policy_sha256, at)), None)
        if reign is not None and (needed.quorum, *needed.members) != reign.asks[row.plan.service]:
            yield f"wants {needed.quorum} of {needed.members}, its policy {reign.asks[row.plan.service]}"
        if reign is None and history.reigns:
            yield f"{what} by a policy that nobody went by then"


def _faults_of_votes(row: ApprovalRequest, history: History) -> Iterator[str]:
    needed = row.requirement
    human = {account: accounts[0] for accounts in needed.people for account in accounts}
    barred = {row.requester} if needed.exclude_requester else set[str]()
    barred |= {row.plan.beneficiary} if needed.exclude_beneficiary else set()
    barred = {human.get(each, each) for each in barred if each}
    may = frozenset[str]().union(*(history.deciders.get(member, frozenset()) for member in needed.members))
    seated: dict[str, set[str]] = {}
    cast = {(event.subject, event.actor) for event in history.audit if event.kind == "VoteCast"}
    for vote in row.votes:
        if vote.at < row.created_at or (row.id, vote.person) not in cast:
            yield f"{vote.person} never voted on this request"
        who = human.get(vote.person, vote.person)
        if vote.choice == "reject":
            yield "an effect under a request that somebody rejected"
        elif vote.person not in may or who in barred:
            yield f"{vote.person} approved without the right to"
        elif row.decided_at is not None and vote.at <= row.decided_at:
            seated.setdefault(who, set()).update(vote.groups)
    if needed.effect == "allow":
        return
    if len(seated) < needed.quorum:
        yield f"{len(seated)} of {needed.quorum} approvals by distinct people with the right to"
    seats = [group for group, count in needed.seats.items() for _ in range(count)]
    if not any(_fill(seats, people, seated) for people in permutations(seated, len(seats))):
        yield f"nobody's approval fills each of the seats {seats}"


def _fill(seats: list[str], people: tuple[str, ...], groups_of: dict[str, set[str]]) -> bool:
    return all(group in groups_of[person] for group, person in zip(seats, people, strict=True))


def digest_of(row: ApprovalRequest) -> str:
    """Return the digest worked out again from the row alone, without the product's code."""
    plan = row.plan
    rollback = plan.rollback and {"tool": plan.rollback.name, "args": plan.rollback.args}
    bound = {
        "tool": plan.call.name, "tool_version": plan.tool_version, "args": plan.call.args, "risk": plan.risk.value,
        "env": plan.env, "service": plan.service, "beneficiary": plan.beneficiary,
        "precondition": plan.precondition, "rollback": rollback, "requester": row.requester,
        **_asked_of(row.requirement),
    }  # fmt: skip
    return hashlib.sha256(json.dumps(bound, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


_DEFAULTS = {
    name: json.loads(json.dumps(about.default))
    for name, about in Requirement.model_fields.items()
    if not about.is_required()
}


def _asked_of(needed: Requirement) -> dict[str, Any]:
    """Return what of the requirement is bound: all that is not as it is by default, or in old rows the policy alone."""
    if needed.digest_version == 1:
        return {"policy": needed.policy_sha256}
    stored = json.loads(needed.model_dump_json())
    return {"requirement": {name: value for name, value in stored.items() if _DEFAULTS.get(name) != value}}


def nothing_acknowledged_is_lost(history: History) -> Found:
    """I3: every event that was answered with 200 ended, and every other; none was carried out again and again."""
    endings = {ending.event_id: ending for ending in history.endings}
    for ack in history.acks:
        if ack.event_id not in endings:
            yield ack.event_id, f"acknowledged and lost {ack.what}".strip()
    yield from ((each.event_id, f"still {each.status}") for each in endings.values() if not each.over)
    for ending in history.endings:
        if ending.times > 1 + history.interruptions:
            yield ending.event_id, f"carried out {ending.times} times, interrupted {history.interruptions} times"


def every_effect_is_on_record(history: History) -> Found:
    """I4: intent before, outcome after, told the same by row, audit and target; and the audit chain holds."""
    rows = {effect.action_id: effect for effect in history.effects}
    for act in history.acts:
        effect = rows.get(act.action_id)
        if effect is None:
            yield act.action_id, "an effect without an intent"
            continue
        if effect.intent_at - history.grace > act.at:
            yield act.action_id, "the intent was written after the effect"
        if effect.outcome_at is not None and effect.outcome_at + history.grace < act.at:
            yield act.action_id, "the outcome was written before the effect"
        if effect.status.value == "failed":
            yield act.action_id, "failed, it says, and it ran"
    done = {act.action_id for act in history.acts}
    for effect in history.effects:
        yield from ((effect.action_id, why) for why in _faults_of_row(effect, effect.action_id in done, history))
    asked = {event.subject for event in history.audit if event.kind == "ApprovalRequested"}
    yield from ((row.id, "asked for, and the audit does not know") for row in history.approvals if row.id not in asked)
    yield from (("audit", fault) for fault in history.audit_faults)


def _faults_of_row(effect: Effect, ran: bool, history: History) -> Iterator[str]:
    if effect.status.value == "intent" or effect.outcome_at is None:
        yield "an intent without an outcome"
        return
    if effect.status.value == "done" and not ran:
        yield "done, it says, and the target knows nothing of it"
    kinds = [event.kind for event in history.audit if event.details.get("action_id") == effect.action_id]
    wanted = _OUTCOMES[effect.status.value]
    if "EffectIntended" not in kinds or wanted not in kinds[kinds.index("EffectIntended") :]:
        yield f"the audit has no EffectIntended followed by {wanted}"
    told = [kind for kind in kinds if kind in _OUTCOMES.values()]
    if len(set(told)) > 1 and told != _CORRECTED:
        yield f"the audit contradicts itself: {', '.join(told)}"


def every_run_ends_visibly(history: History) -> Found:
    """I5: each request, question, investigation and proposal ends, in rows and for people, and that once."""
    cards: defaultdict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for post in history.posts:
        cards[post.kind, post.subject][post.ts] = post.shows
    tried = {effect.action_id for effect in history.effects}
    for row in history.approvals:
        if row.status.value not in _TERMINAL:
            yield row.id, f"never ended: {row.status.value}"
        if history.keeps_threads and row.status.value == "unknown" and row.action_id not in tried:
            yield row.id, "approved, and its verdict got lost although no checkpoint was"
        if row.id in history.stuck:
            yield row.id, "approved, and nobody carries it out"
        shown = sorted(cards["approval", row.id].values())
        if shown != [row.status.value]:
            yield row.id, f"is {row.status.value}, people see {shown or 'nothing'}"
    for run in history.runs:
        if (visible := _ends_of(run, cards)) != 1:
            yield run.id, f"{run.kind} with {visible} visible ends"
    ends = Counter(event.subject for event in history.audit if event.kind in _ENDS)
    yield from ((each, f"ended {n} times") for each, n in ends.items() if n > 1 + history.interruptions)
    told = Counter(post.subject for post in history.posts if post.kind == "note")
    yield from ((key, f"said {count} times") for key, count in told.items() if count > 1)


def _ends_of(run: Run, cards: defaultdict[tuple[str, str], dict[str, str]]) -> int:
    if run.kind == "proposal":
        reports = sum(bool(cards["approval", each]) for each in run.cards)
    else:
        reports = len(cards["report", run.id])
    said = any(kind == "note" and run.notes and subject.startswith(run.notes) for kind, subject in list(cards))
    # "It went wrong, I will try again" may stand beside the answer that came after all; alone it is the end.
    return reports or int(said)


def no_canary_leaves(history: History) -> Found:
    """I6: no planted secret in any sink, plain or in the usual disguises."""
    sinks: dict[str, str] = {name: _text(list(texts)) for name, texts in history.sinks.items()}
    sinks["slack"] = _text([[post.subject, post.shows, post.text] for post in history.posts])
    sinks["audit"] = _text([event.model_dump(mode="json") for event in history.audit])
    sinks["effects"] = _text([effect.model_dump(mode="json") for effect in history.effects])
    sinks["approvals"] = _text([row.model_dump(mode="json") for row in history.approvals])
    for canary in history.canaries:
        for name, text in sinks.items():
            if any(form in text for form in disguises(canary)):
                yield name, f"holds the canary {canary[:4]}…"


def disguises(canary: str) -> set[str]:
    """Return the forms in which a secret would still be one."""
    raw = canary.encode()
    # Three of base64: what stands before a secret in an encoded text shifts it by zero, one or two bytes.
    shifted = {
        base64.b64encode(b"\0" * shift + raw).decode()[4 if shift else 0 :].rstrip("=")[:-2] for shift in range(3)
    }
    return {canary, canary[::-1], quote(canary, safe=""), raw.hex(), *shifted}


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def nobody_overspends(history: History) -> Found:
    """I7: no run had more of the model than its cap."""
    for spend in history.spends:
        if spend.calls > spend.max_calls:
            yield spend.run, f"{spend.calls} calls of {spend.max_calls}"
        if spend.tokens > spend.max_tokens:
            yield spend.run, f"{spend.tokens} tokens of {spend.max_tokens}"


INVARIANTS: dict[str, Callable[[History], Found]] = {
    "I1": one_effect_per_approval,
    "I2": every_effect_was_decided,
    "I3": nothing_acknowledged_is_lost,
    "I4": every_effect_is_on_record,
    "I5": every_run_ends_visibly,
    "I6": no_canary_leaves,
    "I7": nobody_overspends,
}
