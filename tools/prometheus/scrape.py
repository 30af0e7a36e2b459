"""Simple selectors answered from the services' own metrics pages, for places without a Prometheus."""

import asyncio
import re
from collections.abc import Callable, Sequence

import httpx
from prometheus_client.parser import text_string_to_metric_families

from core.errors import NoDataError, ToolArgumentsError, ToolError
from tools.catalogue import Service
from tools.fetch import fetch
from tools.prometheus.client import Sampled

_SELECTOR = re.compile(r"^\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{(.*)\})?\s*$", re.S)
_MATCHER = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.){0,200})"\s*(?:,|$)')
_MAX_PATTERN = 80

Matcher = Callable[[dict[str, str]], bool]


async def scrape(http: httpx.AsyncClient, services: Sequence[Service], query: str) -> list[Sampled]:
    """Return the present value of each series that a selector such as `up{service="a"}` matches (times are 0)."""
    name, matchers = parse_selector(query)
    pages = [service for service in services if service.metrics_url]
    answers = await asyncio.gather(*(_page(http, service, name) for service in pages), return_exceptions=True)
    found = [one for answer in answers if isinstance(answer, list) for one in answer]
    matching = [one for one in found if all(matcher(one.labels) for matcher in matchers)]
    if matching:
        return matching
    failed = next((answer for answer in answers if isinstance(answer, BaseException)), None)
    if failed is not None:
        raise failed
    raise NoDataError("no metrics page has a series that matches")


async def _page(http: httpx.AsyncClient, service: Service, name: str) -> list[Sampled]:
    answer = await fetch(http, "GET", service.metrics_url or "")
    if answer.status != 200:
        raise ToolError(f"the metrics page of {service.name} answered {answer.status}")
    found: list[Sampled] = []
    try:
        for family in text_string_to_metric_families(answer.text):
            for sample in family.samples:
                if sample.name == name and sample.value == sample.value and abs(sample.value) != float("inf"):
                    labels = {"service": service.name, **sample.labels}
                    found.append(Sampled(labels, [(0.0, float(sample.value))]))
    except ValueError as error:
        raise ToolError(f"the metrics page of {service.name} cannot be read") from error
    return found


def parse_selector(query: str) -> tuple[str, list[Matcher]]:
    """Split a selector; ToolArgumentsError for anything that needs a real Prometheus."""
    match = _SELECTOR.match(query)
    if match is None:
        raise ToolArgumentsError('Without a Prometheus only selectors such as name{label="value"} can be answered.')
    return match[1], _matchers(match[2] or "")


def _matchers(text: str) -> list[Matcher]:
    matchers: list[Matcher] = []
    at = 0
    while text[at:].strip():
        match = _MATCHER.match(text, at)
        if match is None:
            raise ToolArgumentsError(f"The matcher cannot be read: {text[at : at + 40]!r}")
        matchers.append(_matcher(match[1], match[2], re.sub(r"\\(.)", r"\1", match[3])))
        at = match.end()
    return matchers


def _matcher(label: str, operator: str, wanted: str) -> Matcher:
    negated = operator.startswith("!")
    if operator in ("=", "!="):
        return lambda labels: (labels.get(label, "") == wanted) is not negated
    # A hostile pattern could make Python's engine run for ever: only alternatives of plain text and `.*` are taken.
    if len(wanted) > _MAX_PATTERN or not re.fullmatch(r"(?:[\w/ :-]|\.[*+](?!.*\.[*+])|\||\\?\.)*", wanted):
        raise ToolArgumentsError(f"The pattern {wanted[:40]!r} is more than plain text, `|` and one `.*`.")
    pattern = re.compile(wanted)
    return lambda labels: (pattern.fullmatch(labels.get(label, "")) is not None) is not negated
