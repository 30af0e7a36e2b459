"""Holds what we did ourselves against what is wrong now, whichever mind has judged it: nobody else would suspect us."""

from collections.abc import Sequence
from dataclasses import replace

from core.alert import AlertStatus
from core.evidence import Hypothesis
from graphs.investigation.looks import DEPLOYS, STATUS
from graphs.models.judgement import Case, Judgement
from graphs.models.own_acts import CONNECTED_WITHIN, OwnAct
from graphs.wording import ago_text

OWN_ACTION = "own_action"
_TOLD = 2
_MAYBE = 0.5


def connected(case: Case, judgement: Judgement) -> Judgement:
    """Return the judgement with a word about each act of ours on the subject, on what is blamed or on what those need,
    within `CONNECTED_WITHIN`; an act that an alert followed is a hypothesis besides."""
    answer, hypotheses = judgement.answer, list(judgement.hypotheses)
    for act in _near(case, judgement):
        if f"{act.text} ran" in judgement.answer:
            continue  # its effect still settles, which the answer is all about
        began = _first_after(case, act)
        sentence = _sentence(case, act, began)
        answer = f"{answer} {sentence}".strip()
        if began is not None:
            hypotheses.append(_suspicion(case, act, began, sentence))
    ranked = sorted(hypotheses, key=lambda one: -one.confidence)
    return replace(judgement, answer=answer, hypotheses=tuple(ranked))


def _near(case: Case, judgement: Judgement) -> Sequence[OwnAct]:
    blamed = [one.service for one in judgement.hypotheses[:1] if one.service]
    reach = {name for start in (case.subject, *blamed) if start for name in case.downstream(start)}
    now = case.now.timestamp()
    near = [act for act in case.acts if now - act.at <= CONNECTED_WITHIN and (not case.subject or act.service in reach)]
    return sorted(near, key=lambda act: -act.at)[:_TOLD]


def _first_after(case: Case, act: OwnAct) -> float | None:
    """Return when (unix) the first alert began that still fires and that was not there when we acted."""
    firing = [alert.starts_at.timestamp() for alert in case.alerts if alert.status is AlertStatus.FIRING]
    return min((began for began in firing if not act.explains(began)), default=None)


def _sentence(case: Case, act: OwnAct, began: float | None) -> str:
    what = f"Watchkeeper itself ran {act.text}" + (f" ({act.change})" if act.change else "")
    if began is not None:
        return f"{what} {ago_text(began - act.at)} before this alert began, so that may be the cause."
    ago = ago_text(case.now.timestamp() - act.at)
    if any(alert.status is AlertStatus.FIRING for alert in case.alerts):
        return f"{what} {ago} ago, when this was firing already."
    return f"{what} {ago} ago."


def _suspicion(case: Case, act: OwnAct, began: float, sentence: str) -> Hypothesis:
    seen = [item.id for item in case.evidence if item.service == act.service and item.title in (STATUS, DEPLOYS)]
    return Hypothesis(
        cause=OWN_ACTION,
        service=act.service,
        title=f"Our own {act.text}, {ago_text(began - act.at)} before it began, may be the cause",
        confidence=_MAYBE,
        evidence_ids=tuple(seen),
        reasons=(sentence,),
    )
