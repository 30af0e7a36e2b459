"""Causes that began by themselves: something fills up, leaks or is too small."""

import re

from graphs.investigation import looks
from graphs.models.facts import Facts, ServiceFacts
from graphs.models.lines import Point, last_rise, slope, steadiness
from graphs.models.rules.changes import closeness, newest_deploy, suspect_settings, trouble_beside
from graphs.models.rules.finding import Finding
from graphs.models.rules.symptoms import BUSY, FULL, error_symptom, slow_symptom, symptoms
from graphs.wording import ago_text, clock_text, seconds_text, share_text

_NO_SPACE = re.compile(r"ENOSPC|no space left|disk full|quota exceeded", re.IGNORECASE)
_NO_CONNECTION = re.compile(
    r"pool.{0,40}(timeout|exhaust|no connection)|(timeout|no connection).{0,40}pool", re.IGNORECASE
)
_LEAK_GROWTH, _LEAK_SHARE = 0.08, 0.85
_LEAK_HORIZON = 3600.0
_CEILING, _EXPLAINS_WITHIN = 0.9, 300.0
_BURST_GROWTH, _BURST_HORIZON = 0.03, 120.0
_UNEXPLAINED = "neither a deploy nor a change of configuration explains it"


def memory_leak(facts: Facts, own: ServiceFacts) -> Finding | None:
    """Memory only climbs, or has climbed to its ceiling, and nobody changed anything when it began to."""
    line = own.line(looks.MEMORY)
    recent = _climb(last_rise(line.points))
    if len(line.points) < 4 or line.now is None:
        return None
    growth, speed = recent[-1][1] - recent[0][1], slope(recent[-12:])
    climbs = len(recent) >= 4 and growth >= _LEAK_GROWTH and steadiness(recent) >= 0.7
    left = (1 - line.now) / speed if speed > 0 else None
    if climbs and left is not None and (line.now >= _LEAK_SHARE or left <= _LEAK_HORIZON):
        pace = f"at this pace the limit is reached in {ago_text(left)}" if left > 0 else "the limit is reached"
        return _leak(own, recent, pace)
    if _bursts(recent) and any(facts.signals.values()):
        return _leak(own, recent, "an alert's expression holds, and at this pace the limit is reached within minutes")
    return _at_ceiling(own, recent if climbs else line.points) if line.above(_CEILING) else None


def _bursts(recent: tuple[Point, ...]) -> bool:
    """True for a steep rise that is only two or three points old: an alert that looks ahead fires that early."""
    if not 2 <= len(recent) <= 3 or steadiness(recent) < 1:
        return False
    growth = recent[-1][1] - recent[0][1]
    return growth >= _BURST_GROWTH and (1 - recent[-1][1]) / growth * (recent[-1][0] - recent[0][0]) <= _BURST_HORIZON


def _leak(own: ServiceFacts, recent: tuple[Point, ...], pace: str) -> Finding:
    """Return the finding for memory that rose over these points."""
    began, now = recent[0][0], recent[-1][1]
    reasons = [
        f"{own.name} uses {share_text(now)} of its memory limit, {share_text(now - recent[0][1])} of it gained in "
        f"{ago_text(recent[-1][0] - began)}, without ever giving any back",
        pace,
    ]
    deploy = newest_deploy(own)
    changed = deploy is not None and closeness(deploy, began) > 0
    reasons.append("it began just after a deploy" if changed else _UNEXPLAINED)
    return _leaking(own, 0.72 if changed else 0.9, reasons, began)


def _at_ceiling(own: ServiceFacts, points: tuple[Point, ...]) -> Finding | None:
    """Memory stands just below its limit: a leak that has nothing left to take, unless a change explains it."""
    began, now = points[0][0], points[-1][1]
    if now - points[0][1] >= _LEAK_GROWTH:
        return _leak(own, points, "it now stands just below the limit")
    changes = [change for change in (newest_deploy(own), *suspect_settings(own)) if change is not None]
    if any(change.at >= began - _EXPLAINS_WITHIN for change in changes):
        return None
    span = ago_text(points[-1][0] - began)
    stands = f"{own.name} uses {share_text(now)} of its memory limit, for {span} already"
    return _leaking(own, 0.75, [stands, _UNEXPLAINED], None)


def _leaking(own: ServiceFacts, score: float, reasons: list[str], began: float | None) -> Finding:
    return Finding(
        cause="memory_leak",
        service=own.name,
        score=score,
        title=f"{own.name} leaks memory",
        reasons=tuple(reasons),
        evidence_ids=own.evidence(looks.MEMORY, looks.DEPLOYS),
        since=began,
    )


def _climb(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """Return the last part, from where memory left its plateau; a start-up's own rise is left out."""
    if len(points) < 4:
        return points
    top, floor = points[-1][1], min(value for _, value in points)
    edge = floor + 0.08 * (top - floor)
    start = max((i for i, (_, value) in enumerate(points) if value <= edge), default=0)
    return points[start:]


def connection_pool_exhausted(facts: Facts, own: ServiceFacts) -> Finding | None:
    """Every connection of a pool is taken, so requests wait in vain for one."""
    line = own.line(looks.POOL)
    pattern, symptom = _pattern(own, _NO_CONNECTION), error_symptom(own)
    # One full moment is not yet an exhausted pool; it has to last, or to hurt.
    lasts = len(line.points) > 1 and line.points[-2][1] > FULL
    if not line.above(FULL) or not (lasts or pattern or symptom):
        return None
    began = line.onset(FULL)
    reasons = [f"{share_text(line.now or 0)} of {own.name}'s pooled connections are in use"]
    if began:
        reasons[0] += f" since {clock_text(began)}"
    if pattern:
        reasons.append(f"its log says: {pattern}")
    if symptom is not None:
        reasons.append(symptom.text)
    return Finding(
        cause="connection_pool_exhausted",
        service=own.name,
        score=0.82 + (0.09 if pattern else 0) + (0.03 if symptom else 0),
        title=f"The connection pool of {own.name} is exhausted",
        reasons=tuple(reasons),
        evidence_ids=own.evidence(looks.POOL, *([looks.LOGS] if pattern else []), looks.ERROR_SHARE),
        since=began,
    )


def log_disk_full(facts: Facts, own: ServiceFacts) -> Finding | None:
    """The volume for logs is full, and what has to be written down fails."""
    volume, lost = own.line(looks.LOG_VOLUME), own.line(looks.LOG_WRITE_ERRORS)
    full, failing = volume.above(FULL), lost.above(0.0)
    pattern = _pattern(own, _NO_SPACE)
    # Lines that were lost a minute ago still show in rates and logs; a volume with room again outweighs them.
    if not full and (volume.points or not (failing and pattern)):
        return None
    reasons: list[str] = []
    if full:
        reasons.append(f"the log volume of {own.name} is {share_text(volume.now or 0)} full")
    if failing:
        reasons.append(f"{lost.now or 0:.1f} log lines a second cannot be written")
    if pattern:
        reasons.append(f"its log says: {pattern}")
    return Finding(
        cause="log_disk_full",
        service=own.name,
        score=min(0.97, 0.72 + 0.12 * full + 0.08 * failing + 0.06 * bool(pattern)),
        title=f"The log volume of {own.name} is full",
        reasons=tuple(reasons),
        evidence_ids=own.evidence(looks.LOG_VOLUME, looks.LOG_WRITE_ERRORS, *([looks.LOGS] if pattern else [])),
        since=volume.onset(FULL) or lost.onset(0.0),
    )


def slow_dependency(facts: Facts, own: ServiceFacts) -> Finding | None:
    """The service is slow, its workers are all busy, and nothing beneath it is to blame."""
    symptom, workers = slow_symptom(own), own.line(looks.WORKERS)
    # A worker that takes the next request is free for the moment in which somebody measures it.
    if symptom is None or workers.onset(BUSY) is None or own.line(looks.POOL).above(FULL):
        return None
    if any(symptoms(facts.of(name)) for name in own.depends_on):
        return None
    began = symptom.since
    changes = [change for change in (newest_deploy(own), *suspect_settings(own)[:1]) if change is not None]
    changed = any(closeness(change, trouble_beside(own, change)) > 0 for change in changes)
    busy = max(value for _, value in workers.points[-2:])
    reasons = [
        symptom.text + (f" since {clock_text(began)}" if began else ""),
        f"{share_text(busy)} of its workers are busy, so requests wait for one",
    ]
    above = [name for name, other in facts.services.items() if own.name in other.depends_on]
    waits = [(name, facts.of(name).dependency_latency.get(own.name)) for name in above]
    reasons += [f"{name} waits {seconds_text(line.now)} for it on average" for name, line in waits if line and line.now]
    if not changed:
        reasons.append("there was no deploy and no change of configuration")
    remedy: dict[str, str | int] = {}
    count = own.status.get("workers")
    if isinstance(count, int) and 0 < count < 16:
        remedy["more_workers"] = min(16, 2 * count)
    return Finding(
        cause="slow_dependency",
        service=own.name,
        score=0.65 if changed else 0.88,
        title=f"{own.name} is too slow for its load",
        reasons=tuple(reasons),
        evidence_ids=own.evidence(looks.LATENCY, looks.WORKERS, looks.STATUS, looks.DEPENDENCY_LATENCY),
        since=began,
        remedy=remedy,
    )


def _pattern(own: ServiceFacts, wanted: re.Pattern[str]) -> str:
    """Return the first log pattern that matches, shortened and without line breaks: it is text from outside."""
    for row in own.patterns:
        text = f"{row.get('pattern', '')} {row.get('example', '')}"
        if wanted.search(text):
            return "“" + " ".join(str(row.get("pattern") or row.get("example")).split())[:120] + "”"
    return ""
