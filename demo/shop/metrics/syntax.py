"""Parses the supported subset of PromQL into a small tree."""

import re
from dataclasses import dataclass
from typing import Literal

from demo.shop.metrics.store import NAME


class QueryError(Exception):
    """The query is not valid, or uses something that is not supported."""


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class Matcher:
    label: str
    operator: Literal["=", "!=", "=~", "!~"]
    value: str

    def accepts(self, labels: dict[str, str]) -> bool:
        actual = labels.get(self.label, "")
        if self.operator in ("=", "!="):
            return (actual == self.value) == (self.operator == "=")
        return bool(re.fullmatch(self.value, actual)) == (self.operator == "=~")


@dataclass(frozen=True)
class Selector:
    """An instant selector, or a range selector when `range_s` is set."""

    name: str | None
    matchers: tuple[Matcher, ...]
    range_s: float | None = None
    offset_s: float = 0.0


@dataclass(frozen=True)
class Call:
    function: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True)
class Aggregate:
    operation: str
    by: tuple[str, ...]
    operand: "Node"


@dataclass(frozen=True)
class Binary:
    operator: str
    left: "Node"
    right: "Node"


Node = Number | Selector | Call | Aggregate | Binary

AGGREGATIONS = frozenset({"sum", "avg", "max", "min", "count"})
RANGE_FUNCTIONS = frozenset(
    ["rate", "increase", "irate", "delta", "deriv", "max_over_time", "min_over_time", "avg_over_time", "sum_over_time"]
)
RESERVED = frozenset(
    ["by", "without", "on", "ignoring", "group_left", "group_right", "offset", "bool", "and", "or", "unless"]
)
FUNCTIONS = RANGE_FUNCTIONS | {"histogram_quantile"}
PRECEDENCE = {"==": 1, "!=": 1, ">": 1, "<": 1, ">=": 1, "<=": 1, "+": 2, "-": 2, "*": 3, "/": 3}
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<duration>(?:\d+(?:ms|[smhd]))+(?![a-zA-Z0-9_]))
    | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![a-zA-Z_]))
    | (?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)
    | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<sign>=~|!~|==|!=|>=|<=|[-+*/><=(){}\[\],])
    )""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(.)")


def parse_duration(text: str) -> float:
    """Seconds of a duration such as 5m or 1h30m. Raises QueryError."""
    if not re.fullmatch(r"(?:\d+(?:ms|[smhd]))+", text):
        raise QueryError(f"not a duration: {text!r}")
    return sum(int(count) * UNITS[unit] for count, unit in re.findall(r"(\d+)(ms|[smhd])", text))


def tokenize(query: str) -> list[tuple[str, str]]:
    """(kind, text) pairs. Raises QueryError at the first character that fits nothing."""
    tokens: list[tuple[str, str]] = []
    position, end = 0, len(query.rstrip())
    while position < end:
        match = _TOKEN.match(query, position)
        if match is None or match.lastgroup is None:
            raise QueryError(f"unexpected character at {position}: {query[position : position + 10]!r}")
        tokens.append((match.lastgroup, match[match.lastgroup]))
        position = match.end()
    return [*tokens, ("end", "")]


class Parser:
    """A recursive-descent parser over the tokens of one query."""

    def __init__(self, query: str) -> None:
        self._tokens = tokenize(query)
        self._position = 0

    def parse(self) -> Node:
        node = self._expression(1)
        if self._kind() != "end":
            raise QueryError(f"unexpected {self._text()!r}")
        return node

    def _kind(self) -> str:
        return self._tokens[self._position][0]

    def _text(self) -> str:
        return self._tokens[self._position][1]

    def _take(self) -> str:
        self._position += 1
        return self._tokens[self._position - 1][1]

    def _accept(self, text: str) -> bool:
        if self._kind() in ("sign", "name") and self._text() == text:
            self._position += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise QueryError(f"expected {text!r}, found {self._text() or 'the end'!r}")

    def _take_kind(self, kind: str) -> str:
        if self._kind() != kind:
            raise QueryError(f"expected a {kind}, found {self._text() or 'the end'!r}")
        return self._take()

    def _expression(self, lowest: int) -> Node:
        left = self._unary()
        while PRECEDENCE.get(self._text(), 0) >= lowest and self._kind() == "sign":
            operator = self._take()
            left = Binary(operator, left, self._expression(PRECEDENCE[operator] + 1))
        return left

    def _unary(self) -> Node:
        if self._accept("-"):
            return Binary("*", Number(-1.0), self._unary())
        return self._primary()

    def _primary(self) -> Node:
        if self._kind() == "number":
            return Number(float(self._take()))
        if self._accept("("):
            node = self._expression(1)
            self._expect(")")
            return node
        if self._kind() == "name":
            return self._named(self._take())
        if self._text() == "{":
            return self._selector(None)
        raise QueryError(f"unexpected {self._text() or 'end of query'!r}")

    def _named(self, name: str) -> Node:
        if name in AGGREGATIONS and self._text() in ("(", "by"):
            return self._aggregate(name)
        if name in RESERVED:
            raise QueryError(f"{name!r} is not supported here")
        if self._text() != "(":
            return self._selector(name)
        if name not in FUNCTIONS:
            raise QueryError(f"unknown function {name!r}")
        return self._call(name)

    def _aggregate(self, operation: str) -> Node:
        by = self._labels() if self._accept("by") else None
        self._expect("(")
        operand = self._expression(1)
        self._expect(")")
        if by is None:
            by = self._labels() if self._accept("by") else ()
        return Aggregate(operation, by, operand)

    def _labels(self) -> tuple[str, ...]:
        self._expect("(")
        labels: list[str] = []
        while not self._accept(")"):
            labels.append(self._take_kind("name"))
            if not self._accept(","):
                self._expect(")")
                break
        return tuple(labels)

    def _call(self, function: str) -> Node:
        self._expect("(")
        arguments = [self._expression(1)]
        while self._accept(","):
            arguments.append(self._expression(1))
        self._expect(")")
        wanted = 1 if function in RANGE_FUNCTIONS else 2
        if len(arguments) != wanted:
            raise QueryError(f"{function} takes {wanted} argument(s)")
        range_given = isinstance(arguments[-1], Selector) and arguments[-1].range_s is not None
        if range_given != (function in RANGE_FUNCTIONS):
            raise QueryError(f"{function} needs {'a range' if not range_given else 'an instant'} vector")
        return Call(function, tuple(arguments))

    def _selector(self, name: str | None) -> Node:
        matchers: list[Matcher] = []
        if self._accept("{"):
            while not self._accept("}"):
                matchers.append(self._matcher())
                if not self._accept(","):
                    self._expect("}")
                    break
        if name is None and not any(matcher.label == NAME or matcher.value for matcher in matchers):
            raise QueryError("a selector needs a name or a matcher that is not empty")
        range_s = None
        if self._accept("["):
            range_s = parse_duration(self._take_kind("duration"))
            self._expect("]")
        offset_s = parse_duration(self._take_kind("duration")) if self._accept("offset") else 0.0
        return Selector(name, tuple(matchers), range_s, offset_s)

    def _matcher(self) -> Matcher:
        label = self._take_kind("name")
        operator = self._text()
        if operator not in ("=", "!=", "=~", "!~"):
            raise QueryError(f"unknown matcher {operator!r}")
        self._take()
        value = _ESCAPE.sub(r"\1", self._take_kind("text")[1:-1])
        if operator in ("=~", "!~"):
            try:
                re.compile(value)
            except re.error as failure:
                raise QueryError(f"bad regular expression {value!r}: {failure}") from failure
        return Matcher(label, operator, value)


def parse(query: str) -> Node:
    """The tree of a query. Raises QueryError."""
    try:
        return Parser(query).parse()
    except RecursionError as failure:
        raise QueryError("the query is nested too deeply") from failure
