"""metric_query: the present value of a PromQL expression."""

from pydantic import Field

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
    shown = ", ".join(f"{label_text(one.labels)} {one.points[-1][1]:.6g}".strip() for one in kept[:6])
    more = f" (and {len(found) - 6} more)" if len(found) > 6 else ""
    return ToolResult(
        status="ok",
        text=f"{query[:200]} = {shown}{more}",
        data={"query": query, "result": [{"labels": {**one.labels}, "value": one.points[-1][1]} for one in kept]},
    )


def label_text(labels: dict[str, str]) -> str:
    """Return labels as people write them: `{service="checkout"}`, without the metric's name."""
    inner = ", ".join(f'{key}="{value}"' for key, value in labels.items() if key != "__name__")
    return f"{{{inner}}}" if inner else ""
