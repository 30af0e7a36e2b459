"""The approval card: what exactly would run, where, why, how bad, how to undo it, and who must say yes by when."""

import hashlib
import re
from dataclasses import dataclass

from bot import identifiers
from bot.blocks import budget, rich
from bot.blocks.exact_call import inline_call, odd_characters
from bot.blocks.freeze import build_freeze_banner
from bot.blocks.grants import used_line
from bot.blocks.needs import needs, still_needs, votes_so_far
from bot.blocks.plan_steps import build_steps, can_be_undone, sentence_of, stopped_at
from bot.blocks.second_opinion import build_second_opinion
from bot.blocks.text import (
    Block,
    asker,
    clock_time,
    context,
    date,
    fields,
    header,
    inert,
    mention,
    one_line,
    section,
    span,
)
from bot.blocks.wording import RISK_WORDS, STATUS_SIGNS, STATUS_TITLES, loud_env, reads_only
from core.api_client import client_in
from core.approval import NOTHING_RAN, ApprovalRequest, ApprovalStatus, Vote
from core.change_words import change_of
from core.confirmation import asks_to_type, wanted_text
from core.exact_call import exact_plan, plan_fits
from core.freeze import Freeze
from core.policy_rules import ALERT
from core.standing_grant import StandingGrant
from core.stepped_plan import steps_of


@dataclass(frozen=True, slots=True)
class ApprovalFacts:
    """What the card shows beside the row: names of those who may decide, evidence, and where to read on."""

    approvers: tuple[str, ...] = ()
    evidence: tuple[tuple[str, str, str], ...] = ()
    """Triples of id, one-line summary and address."""
    target_seen: bool | None = None
    timeline_url: str = ""
    banner: str = ""
    """Why nothing can be changed at the moment."""
    freeze: Freeze | None = None
    grantable: bool = False
    """Somebody may approve such requests ahead."""
    grants: tuple[StandingGrant, ...] = ()
    """Those that have voted on it."""
    void: tuple[tuple[Vote, str], ...] = ()
    """Their votes that count no more, each with why."""
    asked_again: str = ""
    """What was asked for in this one's place after it ended, if there is something: as `request_name` writes it."""
    reopens: str = ""
    """What this one was asked for in place of, as `request_name` writes it."""
    instead_of: str = ""
    """What was rejected before this was proposed, as `request_name` writes it."""
    undoes: str = ""
    """What this one undoes, as `request_name` writes it."""
    rows: tuple[ApprovalRequest, ...] = ()
    """All requests of the same run, oldest first, where this one begins or goes on with a plan of several steps."""
    lacks: str = ""
    """What it would lack even if everybody approved who still may, or empty."""
    known_bad: str = ""
    """Why this leads back to what was found bad before, or empty; untrusted."""


def approval_text(request: ApprovalRequest, rows: tuple[ApprovalRequest, ...] = ()) -> str:
    """The whole card in one line, for notifications and screen readers; `rows` are those of a plan of several steps."""
    plan = request.plan
    more = f" and {len(plan.then)} more steps" if plan.then else ""
    what = f"{inert(plan.call.name, 80)}{more} on {inert(plan.service, 80)} in {inert(plan.env, 40).upper()}"
    if request.status is ApprovalStatus.PENDING:
        until = f"decide by {request.decide_by:%H:%M} UTC"
        return f"Approval needed: {what} ({plan.risk.value}), asked by {asker(request.requester)}, {until}."
    voters = ", ".join(mention(vote.person) for vote in request.votes)
    by = f" (decided by {voters})" if voters else ""
    by = " (allowed by policy, nobody was asked)" if request.requirement.effect == "allow" else by
    return f"{STATUS_TITLES[request.status]}: {what}{by}. {sentence_of(request, rows)}"


def build_approval_card(request: ApprovalRequest, facts: ApprovalFacts) -> list[Block]:
    """Return the card for the row's status; the call is whole or replaced by a sentence, never shortened."""
    if request.status is not ApprovalStatus.PENDING:
        return _settled(request, facts)
    for diff_bytes in (2200, 900, 0):
        blocks = _pending(request, facts, diff_bytes)
        if budget.fits(blocks):
            break
    return blocks


def diff_is_cut(request: ApprovalRequest) -> bool:
    """True when the dry run is too long for the card, so that it also goes into the thread as a file."""
    return len(request.plan.diff.encode()) > 900


def _pending(request: ApprovalRequest, facts: ApprovalFacts, diff_bytes: int) -> list[Block]:
    blocks = [_title(request), *_banner(facts), _overview(request), _needed(request, facts), *_votes(request)]
    blocks += [*_granted(request, facts), *build_second_opinion(request.requirement.opinion)]
    blocks += [_call(request), *build_steps(request, facts.rows), *_warnings(request, facts)]
    blocks += [_why(request), _change(request, diff_bytes), _clocks(request)]
    # What is looked up now and then stands below the buttons, so that these are near what they decide about.
    return [*blocks, _buttons(request, grantable=facts.grantable), *_evidence(facts)]


def _settled(request: ApprovalRequest, facts: ApprovalFacts) -> list[Block]:
    running = request.status is ApprovalStatus.APPROVED
    blocks = [_title(request), *(_banner(facts) if running else []), section(_verdict(request, facts))]
    if request.outcome_text:
        blocks.append(_outcome(request.outcome_text))
    blocks += [*build_steps(request, facts.rows), *_granted(request, facts), *_votes(request)]
    blocks += [_call(request, tense="The exact call"), _why(request)]
    blocks += build_second_opinion(request.requirement.opinion)
    if facts.asked_again:
        blocks.append(context(f"🔁 *Asked again*, further down in this thread: {facts.asked_again}."))
    again = request.status in NOTHING_RAN and not facts.asked_again and not _EDITED.match(request.outcome_text)
    return [*blocks, *_evidence(ApprovalFacts(timeline_url=facts.timeline_url)), _buttons(request, facts.rows, again)]


_EDITED = re.compile(r"Edited by <@([UW][A-Z0-9]{4,20})>(?=: )")


def _outcome(text: str) -> Block:
    """Return how it ended; whoever put another request in its place is named as everybody knows them."""
    said = one_line(text, 900)
    if editor := _EDITED.match(said):
        rest = rich.words(f"{said[editor.end() :]} The new request is further down in this thread.")
        return rich.block(rich.line(rich.words("Edited by ", "bold"), rich.person(editor[1]), rest))
    return rich.block(rich.quote(said))


def _banner(facts: ApprovalFacts) -> list[Block]:
    return build_freeze_banner(facts.freeze) + ([section(reads_only(facts.banner))] if facts.banner else [])


def _title(request: ApprovalRequest) -> Block:
    status = request.status
    where = f"{request.plan.service} in {request.plan.env.upper()}"
    return header(f"{STATUS_SIGNS[status]} {STATUS_TITLES[status]}: {one_line(request.plan.call.name, 50)} on {where}")


def _overview(request: ApprovalRequest) -> Block:
    plan = request.plan
    until = clock_time(request.decide_by, request.created_at)
    return fields(
        f"*Where*\n{loud_env(inert(plan.env, 40))} · {inert(plan.service, 80)}",
        f"*Risk*\n{RISK_WORDS[plan.risk]}",
        f"*Asked by*\n{asker(request.requester)}",
        f"*Decide by*\n{until} (open for {span(request.requirement.decide_within)})",
    )


def _needed(request: ApprovalRequest, facts: ApprovalFacts) -> Block:
    needed = request.requirement
    groups = " ".join(mention(member) for member in needed.members[:8])
    wanted, _, different = needs(needed).partition(", ")
    unlike = [different] if different else []
    asked_by_a_person = request.requester != ALERT and not client_in(request.requester)
    unlike += ["not the requester"] if needed.exclude_requester and asked_by_a_person else []
    names = ", ".join(inert(name, 40) for name in facts.approvers[:8])
    more = f" and {len(facts.approvers) - 8} more" if len(facts.approvers) > 8 else ""
    who = groups + (f" ({names}{more})" if names else "")
    hopeless = (
        f"\n⚠️ *Nobody can complete this:* even if all approved who may, it would lack {facts.lacks}. "
        "Reject it, and let somebody else ask."
    )
    said = f"*Needs {wanted}*{''.join(f', {each}' for each in unlike)}: {who}"
    return section(said + (hopeless if facts.lacks else ""))


def _call(request: ApprovalRequest, tense: str = "Exactly this will run") -> Block:
    plan = request.plan
    if not plan_fits(plan):
        whole = exact_plan(plan).encode()
        return rich.block(
            rich.line(
                rich.words(f"{tense}: the call in the file {request.id}-call.txt in this thread", "bold"),
                rich.words(f", {len(whole):,} bytes, too long for a card. Its sha256 is "),
                rich.words(hashlib.sha256(whole).hexdigest(), "code"),
            )
        )
    return rich.block(rich.line(rich.words(tense, "bold")), rich.preformatted(exact_plan(plan)))


def _warnings(request: ApprovalRequest, facts: ApprovalFacts) -> list[Block]:
    warnings: list[str] = []
    calls = [step.call for step in steps_of(request.plan)]
    if odd := odd_characters(*calls):
        warnings.append(f"⚠️ *Look closely:* the arguments hold unusual characters: {odd}")
    if request.status is ApprovalStatus.PENDING and asks_to_type(request):
        names = "targets' names" if len(request.plan.targets) > 1 else "target's name"
        warnings.append(f"✍️ Approving asks you to type the {names}: {inert(wanted_text(request.plan), 500)}")
    if facts.target_seen is False:
        warnings.append(f"⚠️ *{inert(request.plan.service, 80)} does not appear in the evidence* of this report.")
    if request.reopens:
        earlier = facts.reopens or "an earlier request"
        warnings.append(f"🔁 Asked again: {earlier} ended without a run. Votes on that do not count.")
    if facts.instead_of:
        mine = f", not by {asker(request.requester)}" if request.requester != ALERT else ""
        warnings.append(f"💡 Proposed by Watchkeeper{mine}, as {facts.instead_of} was rejected.")
    if request.rollback_of:
        back = inert(change_of(request.plan), 120)
        warnings.append(
            f"↩️ This undoes {facts.undoes or 'an earlier action'}." + f" What comes back: {back}." * bool(back)
        )
    known_bad = [section(f"⛔ *Look twice:* {inert(facts.known_bad, 400)}")] if facts.known_bad else []
    return known_bad + ([context(*warnings)] if warnings else [])


def _why(request: ApprovalRequest) -> Block:
    return rich.block(
        rich.line(rich.words("Why", "bold")), rich.quote(one_line(request.reason or "(no reason given)", 800))
    )


def _change(request: ApprovalRequest, diff_bytes: int) -> Block:
    plan = request.plan
    shown, cut = budget.head(plan.diff.rstrip("\n"), diff_bytes) if diff_bytes and plan.diff else ("", bool(plan.diff))
    parts = [rich.line(rich.words("Dry run", "bold"), rich.words("" if plan.diff else ": not available for this tool"))]
    if shown:
        parts.append(rich.preformatted(shown))
    if cut:
        parts.append(rich.line(rich.words("The rest of the dry run is in the thread as a file.", "italic")))
    reach = plan.blast_radius or "not known"
    undo = rich.words("none, this tool has no undo")
    if plan.rollback is not None:
        undo = rich.words(inline_call(plan.rollback), "code")
    parts.append(
        rich.bullets(
            [
                rich.line(rich.words("Reaches: ", "bold"), rich.words(one_line(reach, 400))),
                rich.line(rich.words("Undo: ", "bold"), undo),
            ]
        )
    )
    return rich.block(*parts)


def _clocks(request: ApprovalRequest) -> Block:
    needed, since = request.requirement, request.created_at
    latest = clock_time(request.decide_by + needed.execute_within, since)
    return context(
        f"*Once approved it must start within* {span(needed.execute_within)}, by {latest} at the latest",
        f"*Policy rule* “{inert(needed.rule, 80)}” · request `{request.id}`",
    )


def _evidence(facts: ApprovalFacts) -> list[Block]:
    parts = [f"<{url}|{inert(key, 12)}> {inert(summary, 90)}" if url else f"{inert(key, 12)} {inert(summary, 90)}"
             for key, summary, url in facts.evidence[:4]]  # fmt: skip
    if facts.timeline_url:
        parts.append(f"<{facts.timeline_url}|Whole timeline>")
    return [context("\n".join(parts))] if parts else []


def _votes(request: ApprovalRequest) -> list[Block]:
    if not request.votes:
        return []
    said = {"approve": "approved", "reject": "rejected"}
    parts = [
        f"{mention(vote.person)} {said[vote.choice]}{' ahead' if vote.grant_id else ''}{_for(vote)} {date(vote.at)}"
        f"{': ' if vote.reason else ''}{inert(vote.reason)}"
        for vote in request.votes[:8]
    ]
    yes = len({vote.person for vote in request.votes if vote.choice == "approve"})
    left = f", still needs {still_needs(request)}" if request.status is ApprovalStatus.PENDING else ""
    return [context(f"*Votes* ({yes} of {request.requirement.quorum} to approve{left}): " + " · ".join(parts))]


def _granted(request: ApprovalRequest, facts: ApprovalFacts) -> list[Block]:
    grants = {grant.id: grant for grant in facts.grants}
    lines = [used_line(grants[vote.grant_id], vote.grant_use or 0) for vote in request.votes if vote.grant_id in grants]
    lines += [
        f"🎫 *No longer counts:* what {mention(vote.person)} approved ahead: {inert(why.partition(' by <@')[0], 120)}."
        for vote, why in facts.void
    ]
    return [context("\n".join(lines))] if lines else []


def _for(vote: Vote) -> str:
    return f" for {inert(' and '.join(vote.groups), 60)}" if vote.groups and vote.choice == "approve" else ""


def _verdict(request: ApprovalRequest, facts: ApprovalFacts) -> str:
    when = request.finished_at or request.decided_at
    at = f" {date(when, '{date_short_pretty} {time}')}" if when else ""
    line = f"*{STATUS_TITLES[request.status]}*{at}. {sentence_of(request, facts.rows)}"
    if request.requirement.effect == "allow":
        line = f"*Allowed by policy* (rule “{inert(request.requirement.rule, 80)}”), nobody was asked. {line}"
    if request.status is ApprovalStatus.EXPIRED:
        got = votes_so_far(request) if request.votes else "nobody approved"
        line += f" It needed {needs(request.requirement)}: {got}."
    if request.status is ApprovalStatus.APPROVED and request.execute_by:
        line += f" It must start by {date(request.execute_by)}."
    where = f"{loud_env(inert(request.plan.env, 40))} · {inert(request.plan.service, 80)}"
    return f"{where} · asked by {asker(request.requester)}\n{line}"


def _buttons(
    request: ApprovalRequest,
    rows: tuple[ApprovalRequest, ...] = (),
    again: bool = False,
    grantable: bool = False,
) -> Block:
    plan = request.plan
    target = f"{plan.call.name} on {plan.service} in {plan.env}"
    elements: list[Block] = []
    if request.status is ApprovalStatus.PENDING:
        elements.append(_button(identifiers.APPROVE, "Approve", request.id, f"Approve {target}", "primary"))
        elements.append(_button(identifiers.REJECT, "Reject", request.id, f"Reject {target}", "danger"))
        if not plan.then:
            elements.append(_button(identifiers.EDIT, "Edit", request.id, f"Edit {target}"))
        if grantable:
            label = "Approve and allow more…"
            elements.append(_button(identifiers.GRANT, label, request.id, f"Approve and allow more of {target}"))
    if again:
        stopped = stopped_at(request, rows).id
        elements.append(_button(identifiers.ASK_AGAIN, "Ask again", stopped, f"Ask again for {target}", "primary"))
    elements.append(_button(identifiers.DETAILS, "Details", request.id, f"Details of {target}"))
    if request.status is ApprovalStatus.EXECUTED and can_be_undone(request, rows):
        elements.append(_button(identifiers.UNDO, "Undo", request.id, f"Ask to undo {target}"))
    return {"type": "actions", "block_id": identifiers.DECIDE_BLOCK, "elements": elements}


def _button(action_id: str, label: str, value: str, spoken: str, style: str = "") -> Block:
    button: Block = {
        "type": "button",
        "action_id": action_id,
        "text": {"type": "plain_text", "text": label},
        "value": value,
        "accessibility_label": one_line(spoken, 75),
    }
    return button | {"style": style} if style else button
