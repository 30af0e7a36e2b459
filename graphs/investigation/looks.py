"""What is looked at first, for any case: one question to a read tool each, with the title it has on cards."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.alert import Alert
from core.tool_call import ToolCall

_WINDOW = re.compile(r"\[(\d+[smh])\]")

ERROR_SHARE = "Share of failing requests"
ERRORS_BY_VERSION = "Failing requests per second by version"
REQUESTS_BY_VERSION = "Requests per second by version"
LATENCY = "95th percentile of response time"
DEPENDENCY_OUTCOMES = "Failed calls to dependencies per second"
DEPENDENCY_LATENCY = "Mean response time of dependencies"
MEMORY = "Share of the memory limit in use"
POOL = "Share of pooled connections in use"
WORKERS = "Share of workers that are busy"
RESTARTS = "Restarts so far"
LOG_VOLUME = "Share of the log volume in use"
LOG_WRITE_ERRORS = "Log lines that could not be written, per second"
STATUS, DEPLOYS, PROBE, LOGS = (
    "Desired and actual state",
    "Deploys and changes of configuration",
    "Health route",
    "Logs",
)
SIGNAL = "The alert's own expression, now"


@dataclass(frozen=True, slots=True)
class Look:
    """One call of a read tool; `service` is empty when the answer is about several."""

    title: str
    call: ToolCall
    service: str = ""


def window_of(alerts: Iterable[Alert], default: str) -> str:
    """Return the rate window that the alert rules themselves use: their author knew the scrape interval."""
    for alert in alerts:
        if match := _WINDOW.search(alert.expr):
            return match[1]
    return default


def metric_looks(services: Sequence[str], window: str, minutes: int) -> list[Look]:
    """Return the questions to the metrics, each about all the services at once."""
    one = "|".join(re.escape(name) for name in services).replace("\\", "\\\\")
    of, rate = f'service=~"{one}"', f"[{window}]"
    failing = f'http_requests_total{{{of},code=~"5.."}}'
    calls, seconds = f"dependency_request_duration_seconds_count{{{of}}}", "dependency_request_duration_seconds_sum"
    queries = {
        ERROR_SHARE: f"sum by (service) (rate({failing}{rate}))"
        f" / sum by (service) (rate(http_requests_total{{{of}}}{rate}))",
        LATENCY: "histogram_quantile(0.95, sum by (service, le)"
        f" (rate(http_request_duration_seconds_bucket{{{of}}}{rate})))",
        DEPENDENCY_OUTCOMES: "sum by (service, dependency, outcome)"
        f' (rate(dependency_requests_total{{{of},outcome!="ok"}}{rate}))',
        DEPENDENCY_LATENCY: f"sum by (service, dependency) (rate({seconds}{{{of}}}{rate}))"
        f" / sum by (service, dependency) (rate({calls}{rate}))",
        MEMORY: f"max by (service) (process_resident_memory_bytes{{{of}}})"
        f" / max by (service) (memory_limit_bytes{{{of}}})",
        POOL: f"max by (service) (connection_pool_in_use{{{of}}}) / max by (service) (connection_pool_size{{{of}}})",
        WORKERS: f"max by (service) (workers_busy{{{of}}}) / max by (service) (workers{{{of}}})",
        RESTARTS: f"max by (service) (service_restarts_total{{{of}}})",
        LOG_VOLUME: f"max by (service) (log_volume_used_bytes{{{of}}})"
        f" / max by (service) (log_volume_size_bytes{{{of}}})",
        LOG_WRITE_ERRORS: f"sum by (service) (rate(log_write_errors_total{{{of}}}{rate}))",
    }
    ranges = [
        Look(title, ToolCall(name="metric_range", args={"query": q, "minutes": minutes}))
        for title, q in queries.items()
    ]
    return [
        *ranges,
        _query(ERRORS_BY_VERSION, f"sum by (service, version) (rate({failing}{rate}))"),
        _query(REQUESTS_BY_VERSION, f"sum by (service, version) (rate(http_requests_total{{{of}}}{rate}))"),
    ]


def service_looks(service: str) -> list[Look]:
    """Return the questions about one service that metrics cannot answer."""
    return [
        Look(STATUS, ToolCall(name="service_status", args={"service": service}), service),
        Look(DEPLOYS, ToolCall(name="deploy_history", args={"service": service}), service),
        Look(LOGS, ToolCall(name="search_logs", args={"service": service, "minutes": 10}), service),
        Look(PROBE, ToolCall(name="probe_http", args={"service": service}), service),
    ]


def signal_looks(alerts: Iterable[Alert]) -> list[Look]:
    """Return one question for each distinct expression that fired."""
    expressions = dict.fromkeys((alert.expr, alert.service) for alert in alerts if alert.expr)
    return [_query(SIGNAL, expr, service) for expr, service in expressions]


def _query(title: str, query: str, service: str = "") -> Look:
    return Look(title, ToolCall(name="metric_query", args={"query": query}), service)
