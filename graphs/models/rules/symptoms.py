"""What being unwell looks like, whatever the cause: used to walk to the root and to tell a false alarm."""

from dataclasses import dataclass
from statistics import median

from graphs.investigation import looks
from graphs.models.facts import Facts, ServiceFacts
from graphs.wording import seconds_text, share_text

ERRORS = 0.02
SLOW_AT_LEAST = 0.2
SLOW_TIMES_USUAL = 3.0
SLOW_WITHOUT_PAST = 1.0
FULL = 0.95
BUSY = 0.9


@dataclass(frozen=True, slots=True)
class Symptom:
    """One thing that is wrong, in words, with its evidence and its beginning (unix) if that shows."""

    text: str
    evidence_ids: tuple[str, ...]
    since: float | None = None


def slow_limit(own: ServiceFacts) -> float:
    """Return the response time in seconds above which this service counts as slow, from its own past."""
    points = own.line(looks.LATENCY).points
    # The calmest third stands for normal: the slow stretch itself may fill most of the window.
    calm = sorted(value for _, value in points)[: max(2, len(points) // 3)]
    if len(points) < 4:
        return SLOW_WITHOUT_PAST
    return min(max(SLOW_AT_LEAST, SLOW_TIMES_USUAL * median(calm)), SLOW_WITHOUT_PAST)


def error_symptom(own: ServiceFacts) -> Symptom | None:
    """Requests fail."""
    line = own.line(looks.ERROR_SHARE)
    if not line.above(ERRORS):
        return None
    text = f"{share_text(line.now or 0)} of the requests to {own.name} fail"
    return Symptom(text, (line.evidence_id,), line.onset(ERRORS))


def slow_symptom(own: ServiceFacts) -> Symptom | None:
    """Requests take much longer than they use to."""
    line, limit = own.line(looks.LATENCY), slow_limit(own)
    if not line.above(limit):
        return None
    text = f"the 95th percentile of {own.name}'s response time is {seconds_text(line.now or 0)}"
    return Symptom(text, (line.evidence_id,), line.onset(limit))


def _down(own: ServiceFacts) -> Symptom | None:
    state = own.status.get("status")
    if state is None or state == "running":
        return None
    return Symptom(f"{own.name} is {state}", own.evidence(looks.STATUS))


def _health_route(own: ServiceFacts) -> Symptom | None:
    code = own.probe.get("status_code")
    if code is None or code == 200:
        return None
    return Symptom(f"{own.name}'s health route answers {code}", own.evidence(looks.PROBE))


def _full(own: ServiceFacts) -> Symptom | None:
    for title, noun in ((looks.POOL, "connection pool"), (looks.LOG_VOLUME, "log volume"), (looks.MEMORY, "memory")):
        line, limit = own.line(title), 0.9 if title == looks.MEMORY else FULL
        if line.above(limit):
            text = f"{own.name}'s {noun} is {share_text(line.now or 0)} full"
            return Symptom(text, (line.evidence_id,), line.onset(limit))
    return None


def symptoms(own: ServiceFacts) -> tuple[Symptom, ...]:
    """Return everything that is wrong with a service right now."""
    found = (error_symptom(own), slow_symptom(own), _down(own), _full(own), _health_route(own))
    return tuple(symptom for symptom in found if symptom is not None)


def deepest_unwell(facts: Facts, service: str) -> str:
    """Return the service furthest down the chain of unwell dependencies, or the service itself."""
    seen = {service}
    while True:
        below = [name for name in facts.of(service).depends_on if name not in seen and symptoms(facts.of(name))]
        if not below:
            return service
        service = max(below, key=lambda name: len(symptoms(facts.of(name))))
        seen.add(service)
