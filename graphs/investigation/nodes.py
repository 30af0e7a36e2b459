"""The steps of an investigation: each decides, or reads the world, or writes the report."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

from langgraph.runtime import Runtime
from pydantic import TypeAdapter

from core.alert import Alert, AlertStatus
from core.brief import Brief
from core.errors import NoDataError
from core.evidence import Evidence, Report
from core.incident import Incident
from core.objection import Objection
from graphs.context import GraphContext
from graphs.investigation import proposals
from graphs.investigation.gather import GatherBudget, gather
from graphs.investigation.intent import Intent, parse
from graphs.investigation.looks import DEPLOYS, Look, metric_looks, service_looks, signal_looks, window_of
from graphs.investigation.scope import scope_of
from graphs.investigation.state import HISTORY_LIMIT, InvestigationState, Update
from graphs.models import offline
from graphs.models.connection import connected
from graphs.models.judgement import Case, Judgement, Memory, MindError
from graphs.models.own_acts import CONNECTED_WITHIN, OwnAct, act_of
from graphs.wording import call_text, clock_text, one_line

_INTENT, _JUDGEMENT = TypeAdapter(Intent), TypeAdapter(Judgement)
_WITHOUT_A_LOOK = ("unclear", "incidents")
_RULES_ALONE = ("instruct", "proposal", "changes", *_WITHOUT_A_LOOK)
_MINUTES = {"s": 5, "m": 15, "h": 180}


async def load_case(state: InvestigationState, runtime: Runtime[GraphContext]) -> Update:
    """Decide what is asked and about which service; a follow-up without a name means the thread's subject."""
    context, brief = runtime.context, Brief.model_validate(state["brief"])
    known = context.config.services
    incident = await _incident(context, brief)
    service = incident.service if incident else ""
    remembered = next((name for name in (state.get("subject", ""), service) if name in known), "")
    intent = parse(brief.question, known, remembered) if brief.question else Intent("why", service)
    if brief.after_rejection_of and intent.kind == "instruct":
        intent = Intent("why", intent.service)  # what was asked for is rejected: is there anything else to be done?
    subject = next((name for name in (intent.service, state.get("subject", ""), service) if name in known), "")
    alerts = incident.alerts if incident and subject == service else await _alerts_around(context, subject)
    return {
        "intent": _INTENT.dump_python(intent, mode="json"),
        "subject": subject,
        "alerts": [alert.model_dump(mode="json") for alert in alerts],
        "incidents": await _open_incidents(context) if intent.kind == "incidents" else [],
        "acts": [asdict(act) for act in await _own_acts(context)],
        "objections": [each.model_dump(mode="json") for each in await proposals.objections(context, brief)],
    }


async def _incident(context: GraphContext, brief: Brief) -> Incident | None:
    if brief.incident_id is None:
        return None
    try:
        return await context.incidents.load(brief.incident_id)
    except NoDataError:
        return None


async def _alerts_around(context: GraphContext, subject: str) -> tuple[Alert, ...]:
    """Return what fires on or around the subject: it bears on a question even if nobody mentions it."""
    scope = scope_of(subject, context.config.services)
    rows = [row for row in await context.incidents.open() if row.service in scope]
    return tuple(alert for row in rows for alert in row.alerts if alert.status is AlertStatus.FIRING)


async def _own_acts(context: GraphContext) -> list[OwnAct]:
    """Return what we have done of late, or are about to do, as the rows say: a restart forgets nothing of it."""
    since = context.clock.now() - timedelta(seconds=CONNECTED_WITHIN)
    requests = {request.id: request for request in await context.approval_queue.undelivered()}
    acts = {request.id: act_of(request, None) for request in requests.values()}
    for effect in await context.effects.begun_since(since):
        with suppress(NoDataError):
            request = requests.get(effect.approval_id) or await context.approvals.load(effect.approval_id)
            acts[request.id] = act_of(request, effect)
    return [act for act in acts.values() if act is not None]


async def _open_incidents(context: GraphContext) -> list[str]:
    return [
        f"{row.service or 'no service'}: {' and '.join(dict.fromkeys(alert.name for alert in row.alerts))},"
        f" since {clock_text(row.opened_at.timestamp())}"
        for row in await context.incidents.open()
    ]


async def gather_evidence(state: InvestigationState, runtime: Runtime[GraphContext]) -> Update:
    """Ask the read tools, in parallel and within the budget, telling the thread how far it is."""
    context, brief = runtime.context, Brief.model_validate(state["brief"])
    plan = looks_for(state, context)
    if not plan:
        return {"evidence": []}

    async def progress(done: Sequence[str], doing: Sequence[str]) -> None:
        await context.cards.show_progress(brief, done, doing)

    limits = context.config
    budget = GatherBudget(limits.max_calls, limits.parallel, limits.max_seconds)
    found = await gather(plan, context.toolbox, context.clock, budget, progress)
    return {"evidence": [item.model_dump(mode="json") for item in found]}


def looks_for(state: InvestigationState, context: GraphContext) -> list[Look]:
    """Return what to look at: everything around the subject, or only the target of an instruction."""
    intent, config = _INTENT.validate_python(state["intent"]), context.config
    if intent.kind in _WITHOUT_A_LOOK or intent.trouble or (intent.kind == "proposal" and state.get("history")):
        return []
    if intent.kind == "lost" and context.model is None:
        return []
    alerts = _alerts(state)
    window = window_of(alerts, config.rate_window)
    minutes = min(config.minutes, _MINUTES[window[-1]])
    if intent.kind == "instruct":
        return [*service_looks(intent.service), *metric_looks((intent.service,), window, minutes)[:2]]
    scope = scope_of(state["subject"], config.services)
    if intent.kind == "changes":
        return [look for name in scope for look in service_looks(name) if look.title == DEPLOYS]
    one_by_one = [look for name in scope for look in service_looks(name)]
    return [*signal_looks(alerts), *metric_looks(scope, window, minutes), *one_by_one]


async def rank(state: InvestigationState, runtime: Runtime[GraphContext]) -> Update:
    """Let the model judge if there is one and it is needed, else (or if it fails) the rules."""
    context, case = runtime.context, _case(state, runtime.context)
    intent = _INTENT.validate_python(state["intent"])
    judgement: Judgement | None = None
    trouble = MindError("")
    if context.model is not None and intent.kind not in _RULES_ALONE:
        try:
            judgement = await context.model.judge(case, context.toolbox, context.clock)
        except MindError as error:
            trouble = error
    if judgement is None:
        judgement = replace(offline.judge(case, intent, context.runbooks), degraded=str(trouble), usage=trouble.usage)
    judgement = _connected(case, intent, judgement)
    return {"judgement": _JUDGEMENT.dump_python(judgement, mode="json")}


def _connected(case: Case, intent: Intent, judgement: Judgement) -> Judgement:
    return judgement if intent.kind in _RULES_ALONE or not case.evidence else connected(case, judgement)


async def propose(state: InvestigationState, runtime: Runtime[GraphContext]) -> Update:
    """Check the one proposal, whoever made it; a model's that does not hold gives way to the rules'."""
    context, case = runtime.context, _case(state, runtime.context)
    judgement = _JUDGEMENT.validate_python(state["judgement"])
    asked = _INTENT.validate_python(state["intent"]).kind == "instruct"
    # Read anew, whatever the mind was told: people may have spoken while it thought. What a person asks for is theirs.
    against = () if asked else await proposals.objections(context, case.brief)
    if judgement.proposal is None:
        return _reconsidered(case.brief, judgement, against) if case.brief.after_rejection_of else {}
    trouble = await proposals.why_not(context, judgement.proposal, against, judgement.then)
    if trouble and judgement.mind != offline.NAME:
        reason = f"the model proposed {call_text(judgement.proposal)}, which cannot be: {trouble}"
        intent = _INTENT.validate_python(state["intent"])
        spent, more = judgement.usage, judgement.evidence
        ruled = _connected(case, intent, offline.judge(case, intent, context.runbooks))
        judgement = replace(ruled, degraded=reason, usage=spent, evidence=more)
        trouble = (
            await proposals.why_not(context, judgement.proposal, against, judgement.then) if judgement.proposal else ""
        )
    if judgement.proposal is not None:
        judgement = await _settle(context, case.brief, judgement, trouble, asked)
    if case.brief.after_rejection_of:
        return _reconsidered(case.brief, judgement, against)
    return {"judgement": _JUDGEMENT.dump_python(judgement, mode="json")}


def _reconsidered(brief: Brief, judgement: Judgement, against: Sequence[Objection]) -> Update:
    """Begin the answer with what was rejected, and end one without a proposal with a word that there is none."""
    for each in against:
        if each.approval_id == brief.after_rejection_of:
            said = f" (“{one_line(each.words)}”)" if each.words else ""
            answer = f"{call_text(each.plan.call)} was rejected{said}. {judgement.answer}"
            judgement = replace(judgement, answer=answer)
    if judgement.proposal is None:
        judgement = replace(judgement, answer=f"{judgement.answer} I have nothing else to propose.")
    return {"judgement": _JUDGEMENT.dump_python(judgement, mode="json")}


async def _settle(context: GraphContext, brief: Brief, judgement: Judgement, trouble: str, asked: bool) -> Judgement:
    """End the answer with the offer, or with why there is none; one that was asked for and cannot be says only why."""
    call = judgement.proposal
    if call is None:
        return judgement
    elsewhere = ""
    if refusal := await context.desk.why_not_ask(brief.requester):
        note = refusal
    elif trouble:
        note = f"{call_text(call)} cannot be proposed: {trouble}"
    else:
        service = judgement.hypotheses[0].service if judgement.hypotheses else ""
        found = await proposals.asked_elsewhere(context, brief, call, service)
        note, elsewhere = (found.note, found.id) if found else ("", "")
    if not note:
        return replace(judgement, answer=f"{judgement.answer} {judgement.offer}".strip())
    answer = note if trouble and asked else f"{judgement.answer} {note}"
    return replace(judgement, proposal=None, then=(), proposal_reason="", answer=answer, elsewhere=elsewhere)


async def save_report(state: InvestigationState, runtime: Runtime[GraphContext]) -> Update:
    """Write the report, remember the exchange, and drop the evidence from the state: the report keeps it."""
    context, brief = runtime.context, Brief.model_validate(state["brief"])
    judgement = _JUDGEMENT.validate_python(state["judgement"])
    now, evidence = context.clock.now(), (*_evidence(state), *judgement.evidence)
    usage = judgement.usage.model_copy(
        update={"tool_calls": len(evidence), "seconds": max(0.0, (now - brief.at).total_seconds())}
    )
    report = Report(
        id=brief.report_id,
        thread_id=brief.thread_id,
        incident_id=brief.incident_id,
        question=brief.question,
        requester=brief.requester,
        mind=judgement.mind,
        degraded=judgement.degraded,
        answer=judgement.answer,
        evidence=evidence,
        hypotheses=judgement.hypotheses,
        proposal=judgement.proposal,
        then=judgement.then,
        proposal_reason=judgement.proposal_reason,
        elsewhere=judgement.elsewhere,
        after_rejection_of=brief.after_rejection_of,
        usage=usage,
        finished_at=now,
    )
    await context.reports.save(report)
    return {"history": _remembered(state, report), "evidence": [], "alerts": [], "judgement": {}}


def _remembered(state: InvestigationState, report: Report) -> list[dict[str, str]]:
    memory = Memory(
        question=report.question,
        answer=report.answer,
        service=state.get("subject", ""),
        report_id=report.id,
        proposal=call_text(report.proposal) if report.proposal else "",
    )
    earlier = [row for row in state.get("history", []) if row.get("report_id") != report.id]
    return [*earlier, asdict(memory)][-HISTORY_LIMIT:]


def _case(state: InvestigationState, context: GraphContext) -> Case:
    # The moment of the last look, not of this step: judging again after a crash gives the same result.
    evidence = _evidence(state)
    return Case(
        brief=Brief.model_validate(state["brief"]),
        subject=state.get("subject", ""),
        depends_on=_neighbours(context, evidence),
        now=max((item.taken_at for item in evidence), default=context.clock.now()),
        alerts=_alerts(state),
        acts=tuple(OwnAct(**row) for row in state.get("acts", [])),
        incidents=tuple(state.get("incidents", [])),
        objections=tuple(Objection.model_validate(row) for row in state.get("objections", [])),
        evidence=evidence,
        history=tuple(Memory(**row) for row in state.get("history", [])),
        prompts=state.get("prompts", {}),
    )


def _neighbours(context: GraphContext, evidence: Sequence[Evidence]) -> Mapping[str, tuple[str, ...]]:
    """Return who depends on whom: the catalogue, and what the services' own status adds to it."""
    table = {name: known.depends_on for name, known in context.config.services.items()}
    for item in evidence:
        listed: Any = item.data.get("depends_on") if isinstance(item.data, dict) else None
        if item.service in table and isinstance(listed, list):
            more = tuple(str(name) for name in listed if str(name) in table)
            table[item.service] = tuple(dict.fromkeys((*table[item.service], *more)))
    return table


def _evidence(state: InvestigationState) -> tuple[Evidence, ...]:
    return tuple(Evidence.model_validate(item) for item in state.get("evidence", []))


def _alerts(state: InvestigationState) -> tuple[Alert, ...]:
    return tuple(Alert.model_validate(item) for item in state.get("alerts", []))
