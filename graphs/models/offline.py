"""The mind that always works: fixed rules on the evidence, a runbook's first step as remedy."""

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from core.evidence import Hypothesis
from core.runbook import Runbook
from core.tool_call import ToolCall
from graphs.investigation import looks
from graphs.investigation.intent import Intent
from graphs.models import answers, listings
from graphs.models.facts import Facts, read_facts
from graphs.models.judgement import Case, Judgement
from graphs.models.own_acts import OwnAct, acts_seen, restarts_seen, settling, watching
from graphs.models.rules import RULES, Finding
from graphs.models.rules.symptoms import Symptom, deepest_unwell, symptoms

NAME = "deterministic"
_SURE_ENOUGH = 0.6
_OUT_OF_THE_WAY = 0.7
_FOLLOW_UPS = {"since": answers.since, "reasons": answers.reasons}


def judge(case: Case, intent: Intent, runbooks: Sequence[Runbook]) -> Judgement:
    """Judge a case by rules alone; pure, and the same for the same evidence."""
    facts = read_facts(case.evidence, case.depends_on, case.now)
    match intent.kind:
        case "instruct":
            return _instructed(intent, facts, case)
        case "proposal" if case.history:
            return Judgement(mind=NAME, answer=answers.what_was_proposed(case.history))
        case "unclear":
            return Judgement(mind=NAME, answer=answers.HELP)
        case "lost":
            return Judgement(mind=NAME, answer=answers.LOST)
        case "incidents":
            return Judgement(mind=NAME, answer=listings.incidents(case.incidents))
        case "changes":
            names = [name for name in case.downstream(case.subject) if name] if case.subject else list(facts.services)
            if intent.service:
                names = [intent.service]
            return Judgement(mind=NAME, answer=listings.changes(facts, names, intent.within))
        case "status":
            return Judgement(mind=NAME, answer=answers.status(facts, case.subject))
        case _:
            return _diagnosed(case, intent, facts, runbooks)


def findings(facts: Facts, subject: str) -> list[Finding]:
    """Return what the rules recognise, best first; what lies on the way from the subject to its root counts more."""
    relevant = {subject, *facts.beneath(subject)} if subject else set(facts.services)
    found = [finding for own in facts.services.values() for rule in RULES if (finding := rule(facts, own)) is not None]
    root = deepest_unwell(facts, subject) if subject else ""
    weighed: list[Finding] = []
    for finding in found:
        weight = 1.0 if finding.service in relevant else _OUT_OF_THE_WAY
        bonus = 0.02 if finding.service == root else 0.0
        weighed.append(replace(finding, score=min(0.97, finding.score * weight + bonus)))
    return sorted(weighed, key=lambda finding: -finding.score)


Remedy = tuple[tuple[ToolCall, ...], Runbook]
"""The steps to be proposed and the runbook that says so."""


def remedy_for(finding: Finding, runbooks: Sequence[Runbook], case: Case | None = None) -> Remedy | None:
    """Return the steps of the first runbook that treats this cause of this service, can be filled, and holds nothing
    that people have spoken against."""
    facts = {"service": finding.service, **finding.remedy}
    for runbook in runbooks:
        if runbook.cause != finding.cause or not any(fnmatchcase(finding.service, p) for p in runbook.services):
            continue
        calls = runbook.calls(facts)
        if calls and not (case is not None and any(case.objected(call) for call in calls)):
            return calls, runbook
    return None


def _diagnosed(case: Case, intent: Intent, facts: Facts, runbooks: Sequence[Runbook]) -> Judgement:
    ranked = findings(facts, case.subject)
    if (act := _just_done(case, facts, ranked)) is not None:
        return _still_settling(act, case, facts)
    if not ranked:
        return _nothing_recognised(case, intent, facts)
    best = ranked[0]
    reachable = not case.subject or best.service in case.downstream(case.subject)
    treated, remedy = _remedy(case, ranked, runbooks)
    # A follow-up wants a fact and no second card for what was proposed already.
    follow_up = _FOLLOW_UPS.get(intent.kind)
    if follow_up is not None:
        remedy = None
    answer = (
        follow_up(best, facts)
        if follow_up is not None
        else answers.diagnosis(best, ranked[1:], case.subject, reachable, remedy is not None)
    )
    return Judgement(
        mind=NAME,
        answer=answer,
        hypotheses=tuple(_hypothesis(finding) for finding in ranked[:4]),
        proposal=remedy[0][0] if remedy else None,
        then=remedy[0][1:] if remedy else (),
        proposal_reason=answers.reason(treated, remedy[1]) if remedy else "",
        offer=answers.offered(*remedy) if remedy else "",
    )


def _remedy(case: Case, ranked: Sequence[Finding], runbooks: Sequence[Runbook]) -> tuple[Finding, Remedy | None]:
    """Return what is treated and how; the next likely cause has its turn only after people spoke against a remedy."""
    for finding in ranked if case.objections else ranked[:1]:
        reachable = not case.subject or finding.service in case.downstream(case.subject)
        if finding.score >= _SURE_ENOUGH and reachable and (remedy := remedy_for(finding, runbooks, case)) is not None:
            return finding, remedy
    return ranked[0], None


def _just_done(case: Case, facts: Facts, ranked: Sequence[Finding]) -> OwnAct | None:
    """Return our own act of the last moments on what is blamed, or beneath it, if the trouble is older than the act."""
    acts = [*settling(case.acts, facts.now), *acts_seen(facts)]
    if ranked:
        reach, since = case.downstream(ranked[0].service), ranked[0].since
    elif _unwell(facts, case.subject):
        reach, since, acts = case.downstream(case.subject), None, [*acts, *restarts_seen(facts)]
    elif case.alerts and not any(facts.signals.values()):
        reach, since = case.downstream(case.subject), None
    else:
        return None
    return next((a for a in acts if (a.service in reach or not case.subject) and a.explains(since)), None)


def _still_settling(act: OwnAct, case: Case, facts: Facts) -> Judgement:
    title, wrong = watching(act, facts.now), _unwell(facts, case.subject)
    reasons = tuple(symptom.text for _, symptom in wrong)
    ids = tuple(dict.fromkeys(i for _, symptom in wrong for i in symptom.evidence_ids))
    ids = ids or facts.of(act.service).evidence(looks.STATUS, looks.DEPLOYS)
    hypothesis = Hypothesis(
        cause="unknown", service=act.service, title=title, confidence=0.5, evidence_ids=ids, reasons=reasons
    )
    return Judgement(mind=NAME, answer=answers.settling(title, reasons, ids), hypotheses=(hypothesis,))


def _unwell(facts: Facts, subject: str) -> list[tuple[str, Symptom]]:
    root = deepest_unwell(facts, subject) if subject else ""
    names = [root] if root else list(facts.services)
    return [(name, symptom) for name in names for symptom in symptoms(facts.of(name))]


def _nothing_recognised(case: Case, intent: Intent, facts: Facts) -> Judgement:
    subject = case.subject
    root = deepest_unwell(facts, subject) if subject else ""
    unwell = _unwell(facts, subject)
    if unwell:
        ids = tuple(dict.fromkeys(i for _, symptom in unwell for i in symptom.evidence_ids))
        cause, title, confidence = "unknown", f"{unwell[0][0]} is unwell for a reason that no rule knows", 0.3
        reasons = tuple(symptom.text for _, symptom in unwell)
        answer = answers.unknown(unwell[0][0], reasons, ids)
        if intent.kind == "since":
            answer = answers.unknown_since(unwell, facts)
    elif not answers.was_seen(facts, subject):
        cause, title, confidence, ids = "unknown", "there is too little evidence to judge by", 0.1, ()
        reasons = ("hardly any look at the service gave an answer",)
        answer = answers.blind(subject, facts)
    else:
        cause, title, confidence = "none", "nothing is wrong", 0.8
        ids, reasons = answers.healthy_evidence(facts, subject), answers.healthy_reasons(facts, subject)
        answer = answers.healthy(case, facts, reasons, ids)
    service = root or subject or (unwell[0][0] if unwell else "")
    hypothesis = Hypothesis(
        cause=cause, service=service, title=title, confidence=confidence, evidence_ids=ids, reasons=reasons
    )
    return Judgement(mind=NAME, answer=answer, hypotheses=(hypothesis,))


def _instructed(intent: Intent, facts: Facts, case: Case) -> Judgement:
    if intent.trouble or intent.call is None:
        return Judgement(mind=NAME, answer=f"{intent.trouble} Nothing is proposed.")
    call = intent.call
    if call.name == "rollback_deploy" and "to_version" not in call.args:
        deploys = facts.of(intent.service).deploys
        previous = deploys[0].previous if deploys else ""
        if not previous:
            return Judgement(mind=NAME, answer=f"I find no earlier version of {intent.service} to roll back to.")
        call = ToolCall(name=call.name, args={**call.args, "to_version": previous})
    answer = answers.instructed(call, facts.of(intent.service))
    return Judgement(
        mind=NAME,
        answer=answer,
        proposal=call,
        proposal_reason=f"Asked for: “{case.brief.question.strip()}”",
        offer=answers.COUNTERSIGNED,
    )


def _hypothesis(finding: Finding) -> Hypothesis:
    return Hypothesis(
        cause=finding.cause,
        service=finding.service,
        title=finding.title,
        confidence=round(max(0.0, finding.score), 2),
        evidence_ids=finding.evidence_ids,
        reasons=finding.reasons,
    )
