"""Causes that began with somebody changing something: a deploy, a setting."""

from collections.abc import Iterable
from itertools import pairwise

from graphs.investigation import looks
from graphs.models.facts import Change, Facts, Line, ServiceFacts
from graphs.models.rules.finding import Finding
from graphs.models.rules.symptoms import ERRORS, error_symptom, slow_limit, slow_symptom
from graphs.wording import ago_text, clock_text, share_text

# What a change causes shows after it; a scrape and two clocks may put it these few seconds before.
_BEFORE, _AFTER = 3.0, 300.0
_TAKEN_BACK_WITHIN = 86400.0
_PAST, _CLEARLY = 15.0, 2.5


def closeness(change: Change, began: float | None) -> float:
    """Return 1 for trouble that began at the change, falling to 0 over five minutes; 0 when it began before."""
    if began is None or not -_BEFORE <= began - change.at <= _AFTER:
        return 0.0
    return 1 - max(0.0, began - change.at) / _AFTER


def newest_deploy(own: ServiceFacts) -> Change | None:
    """Return the newest deploy unless it is a rollback: a version that had served well is no suspect."""
    if not own.deploys or own.deploys[0].is_own_remedy:
        return None
    newest, *older = own.deploys
    proven = any(newest.version == deploy.version and deploy.status != "rolled_back" for deploy in older)
    return None if proven else newest


def suspect_settings(own: ServiceFacts) -> tuple[Change, ...]:
    """Return the newest change of each setting, newest first, unless it was a remedy or took an earlier one back."""
    restoring: list[Change] = []
    newest: dict[str, Change] = {}
    for change in sorted(own.config_changes, key=lambda one: one.at):
        if _takes_back(change, own.config_changes, restoring):
            restoring.append(change)
        newest[change.key] = change
    suspects = [one for one in newest.values() if one not in restoring and not one.is_own_remedy]
    return tuple(sorted(suspects, key=lambda one: -one.at))


def _takes_back(change: Change, history: Iterable[Change], restoring: Iterable[Change]) -> bool:
    """True when the value had served until shortly before; one that was itself taken back has not served."""

    def replaced(by: Iterable[Change]) -> list[Change]:
        return [one for one in by if one.key == change.key and one.old == change.new and one.at < change.at]

    left = [one for one in replaced(history) if change.at - one.at <= _TAKEN_BACK_WITHIN]
    return bool(left) and not replaced(restoring)


def onset_beside(line: Line, limit: float, change: Change) -> float | None:
    """Return when the line rose above the limit and clearly above what it was just before the change."""
    before = [value for time, value in line.points if change.at - _PAST <= time < change.at]
    # The calmest of the last moments: trouble that had ended before the change must not hide what began with it.
    return line.onset(max(limit, _CLEARLY * min(before)) if before else limit)


def trouble_beside(own: ServiceFacts, change: Change) -> float | None:
    """Return when requests began to fail, to time out or to be slow, taking what began nearest to the change."""
    lines = [(own.line(looks.ERROR_SHARE), ERRORS), (own.line(looks.LATENCY), slow_limit(own))]
    lines += [(line, 0.0) for (_, outcome), line in own.calls.items() if outcome == "timeout"]
    begins = [onset_beside(line, limit, change) for line, limit in lines]
    known = [begin for begin in begins if begin is not None]
    return max(known, key=lambda begin: closeness(change, begin), default=None)


def bad_deploy(facts: Facts, own: ServiceFacts) -> Finding | None:
    """Requests fail since a deploy, and it is the new version that fails them."""
    deploy, symptom = newest_deploy(own), error_symptom(own)
    if deploy is None or symptom is None or _crashes(facts, own):
        return None
    began = onset_beside(own.line(looks.ERROR_SHARE), ERRORS, deploy)
    near = closeness(deploy, began)
    if near == 0.0:
        return None
    total = sum(own.errors_by_version.values())
    guilty = own.errors_by_version.get(deploy.version, 0.0) / total if total > 0 else None
    if guilty is not None and guilty < 0.6:
        return None
    reasons = [
        f"{deploy.who} deployed {deploy.version} at {clock_text(deploy.at)}"
        + (f" (“{deploy.note}”)" if deploy.note else ""),
        symptom.text + (f" since {clock_text(began)}" if began else ""),
    ]
    if guilty is not None:
        reasons.append(f"{share_text(guilty)} of the failures come from {deploy.version}")
    # What fails beneath a service fails above it too; the version is then a coincidence.
    blamed = 0.25 if _dependency_fails(facts, own) else 0.0
    return Finding(
        cause="bad_deploy",
        service=own.name,
        score=(0.82 if guilty is not None else 0.7) + 0.13 * near - blamed,
        title=f"Version {deploy.version} of {own.name} is faulty",
        reasons=tuple(reasons),
        evidence_ids=_ids((deploy.evidence_id,), symptom.evidence_ids, own.evidence(looks.ERRORS_BY_VERSION)),
        since=deploy.at,
        remedy=_versions(deploy),
    )


def crash_loop(facts: Facts, own: ServiceFacts) -> Finding | None:
    """The process ends by itself and is started again, over and over."""
    times = _crashes(facts, own)
    if not times:
        return None
    deploy = newest_deploy(own)
    near = closeness(deploy, times[0]) if deploy is not None else 0.0
    if len(times) < 2 and near == 0.0:
        return None
    reasons = [f"{own.name} was restarted {len(times)} times in {ago_text(facts.now - times[0])}, by no one's order"]
    if deploy is not None and near:
        gap = ago_text(max(0.0, times[0] - deploy.at))
        reasons.append(f"it began {gap} after {deploy.who} deployed {deploy.version}")
    status = own.status.get("status")
    if status not in (None, "running"):
        reasons.append(f"it is {status} at this moment")
    return Finding(
        cause="crash_loop",
        service=own.name,
        score=min(0.97, 0.8 + 0.04 * min(len(times), 2) + 0.08 * near),
        title=f"{own.name} crashes again and again" + (f" since version {deploy.version}" if deploy and near else ""),
        reasons=tuple(reasons),
        evidence_ids=own.evidence(looks.RESTARTS, looks.DEPLOYS, looks.STATUS),
        since=times[0],
        remedy=_versions(deploy) if deploy is not None and near else {},
    )


def wrong_config(facts: Facts, own: ServiceFacts) -> Finding | None:
    """Requests fail, time out or are slow since a setting was changed."""
    suspects = suspect_settings(own)
    if not suspects or _crashes(facts, own):
        return None
    change = max(suspects, key=lambda one: closeness(one, trouble_beside(own, one)))
    began = trouble_beside(own, change)
    near = closeness(change, began)
    if began is None or near == 0.0 or change.old is None:
        return None
    reasons = [
        f"{change.who} changed {change.key} from {change.old} to {change.new} at {clock_text(change.at)}",
        f"the trouble began at {clock_text(began)}",
    ]
    symptom = error_symptom(own) or slow_symptom(own)
    if symptom is not None:
        reasons.append(symptom.text)
    score = 0.78 + 0.12 * near
    for (dependency, outcome), line in own.calls.items():
        well = not error_symptom(facts.of(dependency)) and not slow_symptom(facts.of(dependency))
        if outcome == "timeout" and line.above(0.0) and well and dependency in change.key:
            reasons.append(f"calls to {dependency} time out although {dependency} itself is well")
            score += 0.07
    remedy: dict[str, str | int] = {"key": change.key}
    if isinstance(change.old, str | int):
        remedy["old_value"] = change.old
    return Finding(
        cause="wrong_config",
        service=own.name,
        score=min(score, 0.97),
        title=f"{change.key} = {change.new} does not work for {own.name}",
        reasons=tuple(reasons),
        evidence_ids=_ids((change.evidence_id,), own.evidence(looks.ERROR_SHARE), _call_ids(own)),
        since=change.at,
        remedy=remedy,
    )


def _crashes(facts: Facts, own: ServiceFacts) -> list[float]:
    """Return the times of the restarts of a loop that still goes on, oldest first."""
    points = own.line(looks.RESTARTS).points
    times = [b[0] for a, b in pairwise(points) if b[1] > a[1]]
    if not times:
        return []
    gaps = [b - a for a, b in pairwise(times)]
    for index in range(len(gaps) - 1, -1, -1):
        if gaps[index] > 300:
            times = times[index + 1 :]
            break
    typical = sum(gaps[-3:]) / len(gaps[-3:]) if gaps else 5.0
    over = facts.now - times[-1] > max(20.0, 3 * min(typical, 120.0))
    healed = bool(own.deploys) and newest_deploy(own) is None and own.deploys[0].at > times[-1] - 1
    return [] if over or healed else times


def _dependency_fails(facts: Facts, own: ServiceFacts) -> bool:
    return any(error_symptom(facts.of(name)) for name in own.depends_on)


def _versions(deploy: Change) -> dict[str, str | int]:
    return {"previous_version": deploy.previous} if deploy.previous else {}


def _call_ids(own: ServiceFacts) -> tuple[str, ...]:
    return tuple(line.evidence_id for (_, outcome), line in own.calls.items() if outcome == "timeout")


def _ids(*groups: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(i for group in groups for i in group if i))
