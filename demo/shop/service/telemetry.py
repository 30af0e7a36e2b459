"""The metrics of one service, in a registry of its own, every series labelled with the service."""

import os
import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0)
OUTCOMES = ("ok", "error", "timeout")
CODES = ("200", "500", "502", "503", "504")
MEMORY_LIMIT_BYTES = 200 * 1024 * 1024
_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident_bytes() -> int:
    """The resident set size of this process in bytes."""
    with open("/proc/self/statm", "rb") as statm:
        return int(statm.read().split()[1]) * _PAGE


class Telemetry:
    """Counters and histograms that the handlers feed, and gauges that read the live objects."""

    def __init__(self, service: str) -> None:
        disable_created_metrics()
        self.service = service
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "http_requests_total", "Requests answered.", ["service", "route", "code", "version"], registry=self.registry
        )
        self._durations = Histogram(
            "http_request_duration_seconds",
            "Time to answer, waiting for a worker included.",
            ["service", "route"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._calls = Counter(
            "dependency_requests_total",
            "Calls to another service.",
            ["service", "dependency", "outcome"],
            registry=self.registry,
        )
        self._call_durations = Histogram(
            "dependency_request_duration_seconds",
            "Time another service took to answer.",
            ["service", "dependency"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._version = Gauge(
            "build_info", "1 for the running version.", ["service", "version"], registry=self.registry
        )
        self.gauge("process_resident_memory_bytes", "Resident memory.").set_function(resident_bytes)
        self.gauge("memory_limit_bytes", "Memory the service may use.").set(MEMORY_LIMIT_BYTES)
        self.gauge("process_start_time_seconds", "Start of the process, Unix time.").set(time.time())

    def gauge(self, name: str, description: str, **labels: str) -> Gauge:
        """A gauge of this service, with further constant labels."""
        gauge = Gauge(name, description, ["service", *labels], registry=self.registry)
        return gauge.labels(self.service, *labels.values())

    def counter(self, name: str, description: str) -> Counter:
        return Counter(name, description, ["service"], registry=self.registry).labels(self.service)

    def announce(self, version: str, routes: list[str], dependencies: list[str]) -> None:
        """Start every series at zero, so that no errors reads as 0 and not as no data."""
        self._version.labels(self.service, version).set(1)
        for route in routes:
            self._durations.labels(self.service, route)
            for code in CODES:
                self._requests.labels(self.service, route, code, version)
        for dependency in dependencies:
            self._call_durations.labels(self.service, dependency)
            for outcome in OUTCOMES:
                self._calls.labels(self.service, dependency, outcome)

    def request(self, route: str, code: int, version: str, seconds: float) -> None:
        self._requests.labels(self.service, route, str(code), version).inc()
        self._durations.labels(self.service, route).observe(seconds)

    def call(self, dependency: str, outcome: str, seconds: float) -> None:
        self._calls.labels(self.service, dependency, outcome).inc()
        self._call_durations.labels(self.service, dependency).observe(seconds)

    def text(self) -> bytes:
        """The registry in Prometheus' text format."""
        return generate_latest(self.registry)
