"""metric_query: the present value of a PromQL expression."""

import re

from pydantic import Field

from core.figures import figure
from core.risk import Risk
from core.tool_call import ToolResult
from tools.environment import Environment
from tools.prometheus.client import Sampled, client_of
from tools.prometheus.scrape import scrape
from tools.spec import Arguments, ToolSpec

MAX_RESULTS = 50


class MetricQuery(Arguments):
    """What to ask."""

    query: str = Field(min_length=1, max_length=600, description="A PromQL expression")


def metric_query(environment: Environment) -> ToolSpec[MetricQuery]:
    """Ask Prometheus, or read the services' metrics pages when there is none."""
    client = client_of(environment)

    async def read(args: MetricQuery) -> ToolResult:
        if client is None:
            found = await scrape(environment.http, environment.services, args.query)
        else:
            found = await client.instant(args.query)
        return _result(args.query, found)

    how = "Evaluates a PromQL expression now." if client else 'Reads a selector such as name{label="value"} now.'
    return ToolSpec(name="metric_query", description=how, args=MetricQuery, risk=Risk.READ, timeout=10, read=read)


def _result(query: str, found: list[Sampled]) -> ToolResult:
    kept = found[:MAX_RESULTS]
    unit = unit_of(query)
    shown = ", ".join(f"{name_of(one.labels)} {figure(one.points[-1][1], unit)}".strip() for one in kept[:6])
    more = f" (and {len(found) - 6} more)" if len(found) > 6 else ""
    return ToolResult(
        status="ok",
        text=f"{shown}{more}",
        data={"query": query, "result": [{"labels": {**one.labels}, "value": one.points[-1][1]} for one in kept]},
    )


def name_of(labels: dict[str, str]) -> str:
    """Return what tells a series apart, as people say it: its labels' values, without their names."""
    return " ".join(value for key, value in labels.items() if key != "__name__")


def unit_of(query: str) -> str:
    """Guess the unit from how PromQL is written: names end in it, quotients are ratios, rates are per second."""
    query = re.sub(r'"(?:[^"\\]|\\.)*"', "", query)
    if "histogram_quantile" in query:
        return "s" if "_seconds" in query else ""
    if re.search(r"[)}a-z]\s*/\s*[(a-z]", query):
        return "s" if re.search(r"_seconds_sum\b.*/.*_seconds_count\b", query, re.S) else "ratio"
    if re.search(r"\b(?:i?rate|deriv)\(", query):
        return "1/s"
    if re.search(r"_bytes\b", query):
        return "bytes"
    return "s" if re.search(r"_seconds\b", query) else ""
