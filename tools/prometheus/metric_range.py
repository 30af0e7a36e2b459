"""metric_range: how a PromQL expression went over the last minutes, and when its level changed."""

import math

from pydantic import Field, JsonValue

from core.errors import NoDataError
from core.figures import figure
from core.risk import Risk
from core.series import Series
from core.tool_call import ToolResult
from tools.change_point import Change, find_change
from tools.environment import Environment
from tools.prometheus.client import Sampled, client_of
from tools.prometheus.metric_query import name_of, unit_of
from tools.spec import Arguments, ToolSpec

MAX_POINTS = 240
MAX_SERIES = 8


class MetricRange(Arguments):
    """What to ask, and how far back."""

    query: str = Field(min_length=1, max_length=600, description="A PromQL expression")
    minutes: int = Field(default=15, ge=1, le=360, description="How many minutes back from now")


def metric_range(environment: Environment) -> ToolSpec[MetricRange]:
    """Ask Prometheus for a range of at most 240 points a series; there is no history without a Prometheus."""
    client = client_of(environment)

    async def read(args: MetricRange) -> ToolResult:
        if client is None:
            raise NoDataError("There is no Prometheus, so metrics have no history here; use metric_query.")
        end = environment.clock.now().timestamp()
        step = float(max(1, math.ceil(args.minutes * 60 / (MAX_POINTS - 1))))
        return _result(args, await client.range(args.query, end - args.minutes * 60, end, step))

    return ToolSpec(
        name="metric_range",
        description="Evaluates a PromQL expression over the last minutes; finds when its level changed.",
        args=MetricRange,
        risk=Risk.READ,
        timeout=15,
        read=read,
    )


def _result(args: MetricRange, found: list[Sampled]) -> ToolResult:
    described = [(one, find_change(one.points[-MAX_POINTS:])) for one in found]
    described.sort(key=lambda pair: -_interest(*pair))
    kept = described[:MAX_SERIES]
    rows: list[JsonValue] = [_row(one, change) for one, change in kept]
    unit = unit_of(args.query)
    lines = "; ".join(_line(one, change, unit) for one, change in kept[:3])
    more = f" ({len(found)} series in all)" if len(found) > 3 else ""
    return ToolResult(
        status="ok",
        text=f"{lines}{more}",
        data={"query": args.query, "series": rows},
        series=tuple(_drawn(args.query, one, change, unit) for one, change in kept),
    )


def _interest(one: Sampled, change: Change | None) -> float:
    values = [value for _, value in one.points]
    spread = (max(values) - min(values)) / (max(abs(max(values)), abs(min(values))) or 1.0)
    return spread + (10.0 if change else 0.0)


def _row(one: Sampled, change: Change | None) -> JsonValue:
    points = one.points[-MAX_POINTS:]
    values = [value for _, value in points]
    drawn: list[JsonValue] = [[at, _six_digits(value)] for at, value in points]
    return {
        "labels": {**one.labels},
        "points": drawn,
        "first": values[0],
        "last": values[-1],
        "min": min(values),
        "max": max(values),
        "change": {"at": change.at, "before": _six_digits(change.before), "after": _six_digits(change.after)}
        if change
        else None,
    }


def _six_digits(value: float) -> float:
    return float(f"{value:.6g}")


def _line(one: Sampled, change: Change | None, unit: str) -> str:
    name = name_of(one.labels)
    first, last = (figure(value, unit) for value in (one.points[0][1], one.points[-1][1]))
    if change is not None:
        ago = one.points[-1][0] - change.at
        counts = all(value == round(value) for _, value in one.points)
        before = figure(float(round(change.before)) if counts else change.before, unit)
        # The last value, not the new level's mean: a rate's window fills only slowly after the change.
        return f"{name} {before} → {last}, since {ago:.0f} s".strip()
    return f"{name} {last}" if first == last else f"{name} {first} → {last}".strip()


def _drawn(query: str, one: Sampled, change: Change | None, unit: str) -> Series:
    marks = ((change.at, "level changed"),) if change else ()
    title = name_of(one.labels)[:120] or query[:120]
    return Series(title=title, unit=unit, points=tuple(one.points[-MAX_POINTS:]), marks=marks)
