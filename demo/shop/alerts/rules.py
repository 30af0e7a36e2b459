"""Alert rules read from Prometheus' rule-file format, and the few template words their annotations use."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from demo.shop.metrics.syntax import Node, parse, parse_duration

RULES_PATH = Path(__file__).with_name("rules.yml")
FALSE_ALARM_PATH = Path(__file__).with_name("false_alarm.yml")

_TEMPLATE = re.compile(r"\{\{\s*(.*?)\s*\}\}")
_PRINTF = re.compile(r'\$value \| printf "(%[.\d]*[feg])"')


@dataclass(frozen=True)
class Rule:
    """One alerting rule; `for_s` in seconds."""

    name: str
    expression: str
    node: Node
    for_s: float
    labels: dict[str, str]
    annotations: dict[str, str]


def load_rules(path: Path) -> list[Rule]:
    """The alerting rules of a file. Raises QueryError for an expression that is not supported."""
    return [_rule(raw) for group in yaml.safe_load(path.read_text())["groups"] for raw in group["rules"]]


def _rule(raw: dict[str, Any]) -> Rule:
    expression = raw["expr"].strip()
    return Rule(
        name=raw["alert"],
        expression=expression,
        node=parse(expression),
        for_s=parse_duration(str(raw.get("for", "0s"))),
        labels={"alertname": raw["alert"], **raw.get("labels", {})},
        annotations=raw.get("annotations", {}),
    )


def render(template: str, labels: dict[str, str], value: float) -> str:
    """Fill in $labels.NAME and $value, as is, as a percentage or through printf."""

    def fill(match: re.Match[str]) -> str:
        word = match[1]
        if word.startswith("$labels."):
            return labels.get(word.removeprefix("$labels."), "")
        if word == "$value | humanizePercentage":
            return f"{value * 100:.4g}%"
        if printf := _PRINTF.fullmatch(word):
            return printf[1] % value
        return f"{value:g}" if word == "$value" else match[0]

    return _TEMPLATE.sub(fill, template)
