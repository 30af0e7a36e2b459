"""The sentences of the deterministic mind: the verdict first, then why, then what follows; evidence ids in brackets."""

from collections.abc import Sequence

from core.runbook import Runbook
from core.tool_call import ToolCall
from graphs.investigation import looks
from graphs.models.facts import Facts, ServiceFacts
from graphs.models.judgement import Case, Memory
from graphs.models.rules.finding import Finding
from graphs.models.rules.symptoms import Symptom, symptoms
from graphs.wording import ago_text, call_text, clock_text, seconds_text, share_text

HELP = (
    "Ask me about a service (“why is checkout slow?”, “status of payments”), follow up in the same thread"
    " (“since when?”), or tell me what to do (“restart checkout”, “roll back checkout”, “scale payments to 6”):"
    " I ask for countersignatures first."
)


LOST = f"I did not understand that. {HELP}"
COUNTERSIGNED = "It needs a countersignature."


def _cite(ids: Sequence[str]) -> str:
    return f" [{', '.join(ids)}]" if ids else ""


def diagnosis(best: Finding, others: Sequence[Finding], subject: str, beneath: bool, remedy: bool) -> str:
    """Say what is wrong and why, and without a remedy why there is none; `beneath`: the subject needs the culprit."""
    parts = [f"{best.title}{_cite(best.evidence_ids)}."]
    if subject and best.service != subject:
        shown = f"{subject} only shows it; the root is {best.service}."
        parts.append(
            shown if beneath else f"{subject} does not depend on {best.service}; I looked there as its neighbour."
        )
    parts.append(f"Why: {'; '.join(best.reasons)}.")
    if others and others[0].score > best.score - 0.15:
        parts.append(f"Less likely: {others[0].title}{_cite(others[0].evidence_ids)}.")
    if not remedy and not beneath:
        parts.append(f"Ask me about {best.service} if I shall propose a remedy.")
    elif not remedy:
        parts.append("I propose no action: no runbook fits, or I am not sure enough.")
    return " ".join(parts)


def offered(calls: Sequence[ToolCall], runbook: Runbook) -> str:
    """Say what we propose: said only once it is sure that it can be."""
    return f"I propose {', then '.join(map(call_text, calls))}, as the runbook “{runbook.name}” says."


def reason(best: Finding, runbook: Runbook) -> str:
    """Say on the approval card why this is proposed."""
    return f"{best.title}: {best.reasons[0]}. Runbook: {runbook.name}.{_cite(best.evidence_ids)}"


def since(best: Finding, facts: Facts) -> str:
    """Say when it began."""
    if best.since is None:
        return f"{best.title}. The evidence does not show when it began.{_cite(best.evidence_ids)}"
    ago = ago_text(facts.now - best.since)
    return f"Since {clock_text(best.since)}, {ago} ago: {best.title}.{_cite(best.evidence_ids)}"


def reasons(best: Finding, facts: Facts) -> str:
    """Say why we think so: every reason with the measured evidence behind it, and how sure we are."""
    listed = " ".join(f"({number}) {text}." for number, text in enumerate(best.reasons, 1))
    began = f" It began at {clock_text(best.since)}." if best.since is not None else ""
    shown = "; ".join(f"{key} is “{facts.titles[key]}”" for key in best.evidence_ids if key in facts.titles)
    return f"{best.title}. I think so because: {listed}{began}" + (f" The evidence: {shown}." if shown else "")


def unknown_since(seen: Sequence[tuple[str, Symptom]], facts: Facts) -> str:
    """Say of each symptom since when it shows; the cause is not known."""
    parts = [
        f"{symptom.text}, since {clock_text(symptom.since)} ({ago_text(facts.now - symptom.since)} ago)"
        if symptom.since is not None
        else f"{symptom.text}, since when does not show"
        for _, symptom in seen
    ]
    ids = tuple(dict.fromkeys(i for _, symptom in seen for i in symptom.evidence_ids))
    return f"I do not recognise the cause, but: {'; '.join(parts)}{_cite(ids)}."


def unknown(service: str, reasons: Sequence[str], ids: Sequence[str]) -> str:
    """Say what is wrong without a cause."""
    seen = "; ".join(reasons)
    text = f"{service} is unwell, but I do not recognise the cause: {seen}{_cite(ids)}."
    return f"{text} I propose no action; a person should look."


def settling(title: str, reasons: Sequence[str], ids: Sequence[str]) -> str:
    """Say what we did a moment ago, and that we wait for its effect."""
    seen = f" Right now: {'; '.join(reasons)}{_cite(ids)}." if reasons else ""
    return f"{title}.{seen} I propose nothing until its effect shows; ask me again in half a minute."


def blind(subject: str, facts: Facts) -> str:
    """Say that there is nothing to judge by."""
    if not subject:
        return "I do not know which service you mean. I know " + ", ".join(facts.services) + "."
    return f"I cannot judge {subject}: neither its metrics nor its state could be read. I propose no action."


def healthy(case: Case, facts: Facts, reasons: Sequence[str], ids: Sequence[str]) -> str:
    """Say that all is well, and if an alert fired all the same, why that may be."""
    where = case.subject or "any service"
    seen = "; ".join(reasons)
    if not case.alerts:
        return f"I find nothing wrong with {where}: {seen}{_cite(ids)}."
    names = " and ".join(dict.fromkeys(alert.name for alert in case.alerts))
    text = f"This looks like a false alarm: {names} fired, but {seen}{_cite(ids)}."
    loud = [key for key, values in facts.signals.items() if values]
    if loud:
        text += f" The alert's expression still holds{_cite(loud)}, so its threshold is probably set too low."
    elif facts.signals:
        text += " The alert's expression no longer holds either."
    return text + " I propose no action; have a look at the alert rule."


def was_seen(facts: Facts, subject: str) -> bool:
    """True when at least two looks at the subject gave something."""
    names = [subject] if subject else list(facts.services)
    return any(len(facts.of(name).ids) + len(facts.of(name).lines) >= 2 for name in names)


def healthy_evidence(facts: Facts, subject: str) -> tuple[str, ...]:
    """Return the evidence that shows good health."""
    own = facts.of(subject or next(iter(facts.services), ""))
    return own.evidence(looks.ERROR_SHARE, looks.LATENCY, looks.STATUS, looks.PROBE)


def healthy_reasons(facts: Facts, subject: str) -> tuple[str, ...]:
    """Return why the subject and what it depends on count as healthy."""
    names = [subject, *facts.beneath(subject)] if subject else list(facts.services)
    return tuple(_vital_signs(facts.of(name)) for name in names)


def _vital_signs(own: ServiceFacts) -> str:
    signs: list[str] = []
    errors, latency = own.line(looks.ERROR_SHARE).now, own.line(looks.LATENCY).now
    if own.status.get("status"):
        signs.append(str(own.status["status"]))
    signs.append(f"{share_text(errors or 0.0)} of requests fail" if latency is not None else "no traffic measured")
    if latency is not None:
        signs.append(f"p95 {seconds_text(latency)}")
    return f"{own.name}: " + ", ".join(signs)


def status(facts: Facts, subject: str) -> str:
    """Say how a service, or every service, is doing."""
    names = [subject, *facts.beneath(subject)] if subject else list(facts.services)
    lines: list[str] = []
    for name in names:
        own = facts.of(name)
        version = f" (version {own.status['version']})" if own.status.get("version") else ""
        wrong = symptoms(own)
        text = "; ".join(s.text for s in wrong) if wrong else _vital_signs(own).split(": ", 1)[1]
        ids = [i for s in wrong for i in s.evidence_ids] or list(own.evidence(looks.ERROR_SHARE, looks.STATUS))
        lines.append(f"{name}{version} is {'unwell' if wrong else 'well'}: {text}{_cite(tuple(dict.fromkeys(ids)))}.")
    return "\n".join(lines) if lines else "There is no service in my catalogue."


def instructed(call: ToolCall, own: ServiceFacts) -> str:
    """Confirm an instruction and say how its target is doing."""
    wrong = [s.text for s in symptoms(own)]
    version = f" (version {own.status['version']})" if own.status.get("version") else ""
    state = "; ".join(wrong) if wrong else _vital_signs(own).split(": ", 1)[1]
    ids = own.evidence(looks.STATUS, looks.DEPLOYS, looks.PROBE)
    now = f"Right now {own.name}{version} is: {state}{_cite(ids)}."
    return f"You asked for {call_text(call)}. {now}"


def what_was_proposed(history: Sequence[Memory]) -> str:
    """Say what was proposed last in this thread, and why."""
    for memory in reversed(history):
        if memory.proposal:
            return f"I proposed {memory.proposal}. {memory.answer}"
    return "I have proposed nothing in this thread so far."
