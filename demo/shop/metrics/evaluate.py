"""Evaluates a parsed query against the store, at one moment or at many."""

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from demo.shop.metrics import functions
from demo.shop.metrics.store import NAME, LabelKey, MetricsStore, Series
from demo.shop.metrics.syntax import Aggregate, Binary, Call, Node, Number, QueryError, Selector, parse

Labels = dict[str, str]
MAX_POINTS = 11_000


@dataclass(frozen=True)
class Sample:
    """One element of an instant vector."""

    labels: Labels
    value: float


Vector = list[Sample]


def _divide(left: float, right: float) -> float:
    if right == 0:
        return math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left)
    return left / right


ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
}
COMPARISON: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
REDUCE: dict[str, Callable[[list[float]], float]] = {
    "sum": math.fsum,
    "avg": lambda values: math.fsum(values) / len(values),
    "max": max,
    "min": min,
    "count": lambda values: float(len(values)),
}


def unnamed(labels: Labels) -> Labels:
    return {label: value for label, value in labels.items() if label != NAME}


def key_of(labels: Labels) -> LabelKey:
    return frozenset(labels.items())


class Evaluation:
    """One query at one moment (Unix seconds)."""

    def __init__(self, store: MetricsStore, at: float) -> None:
        self._store = store
        self._at = at

    def run(self, node: Node) -> float | Vector:
        """A scalar or an instant vector. Raises QueryError."""
        match node:
            case Number(value):
                return value
            case Selector():
                return self._instant(node)
            case Call():
                return self._call(node)
            case Aggregate():
                return self._aggregate(node)
            case Binary():
                return self._binary(node)

    def _vector(self, node: Node) -> Vector:
        result = self.run(node)
        if not isinstance(result, list):
            raise QueryError("an instant vector is needed here, not a scalar")
        return result

    def _select(self, selector: Selector) -> list[Series]:
        candidates = self._store.named(selector.name)
        return [series for series in candidates if all(m.accepts(series.labels) for m in selector.matchers)]

    def _instant(self, selector: Selector) -> Vector:
        if selector.range_s is not None:
            raise QueryError("a range vector needs a function such as rate()")
        moment = self._at - selector.offset_s
        found = [(series, series.at(moment)) for series in self._select(selector)]
        return [Sample(series.labels, value) for series, value in found if value is not None]

    def _call(self, node: Call) -> Vector:
        if node.function == "histogram_quantile":
            return self._quantile(node)
        selector = node.arguments[0]
        assert isinstance(selector, Selector)
        assert selector.range_s is not None
        end = self._at - selector.offset_s
        start = end - selector.range_s
        compute = functions.RANGE[node.function]
        computed = [(s.labels, compute(s.between(start, end), start, end)) for s in self._select(selector)]
        return [Sample(unnamed(labels), value) for labels, value in computed if value is not None]

    def _quantile(self, node: Call) -> Vector:
        wanted = self.run(node.arguments[0])
        if isinstance(wanted, list):
            raise QueryError("histogram_quantile needs a scalar first")
        groups: dict[LabelKey, list[tuple[float, float]]] = {}
        for sample in self._vector(node.arguments[1]):
            labels = unnamed(sample.labels)
            if (bound := labels.pop("le", None)) is not None:
                groups.setdefault(key_of(labels), []).append((float(bound), sample.value))
        return [Sample(dict(key), functions.quantile(wanted, buckets)) for key, buckets in groups.items()]

    def _aggregate(self, node: Aggregate) -> Vector:
        groups: dict[LabelKey, list[float]] = {}
        for sample in self._vector(node.operand):
            kept = {label: sample.labels[label] for label in node.by if label in sample.labels}
            groups.setdefault(key_of(kept), []).append(sample.value)
        reduce = REDUCE[node.operation]
        return [Sample(dict(key), reduce(values)) for key, values in groups.items()]

    def _binary(self, node: Binary) -> float | Vector:
        left, right = self.run(node.left), self.run(node.right)
        if isinstance(right, list):
            pairs = matched(left, right) if isinstance(left, list) else [(one, left, one.value) for one in right]
            return self._combine(node.operator, pairs)
        if isinstance(left, list):
            return self._combine(node.operator, [(one, one.value, right) for one in left])
        if node.operator in COMPARISON:
            raise QueryError("a comparison of two scalars is not supported")
        return ARITHMETIC[node.operator](left, right)

    @staticmethod
    def _combine(sign: str, pairs: Sequence[tuple[Sample, float, float]]) -> Vector:
        """Comparisons keep the vector's samples that fulfil them; arithmetic makes new ones without a name."""
        if sign in COMPARISON:
            return [sample for sample, left, right in pairs if COMPARISON[sign](left, right)]
        compute = ARITHMETIC[sign]
        return [Sample(unnamed(sample.labels), compute(left, right)) for sample, left, right in pairs]


def matched(left: Vector, right: Vector) -> list[tuple[Sample, float, float]]:
    """Samples of both sides with equal labels. Raises QueryError when a label set occurs twice on a side."""
    sides: list[dict[LabelKey, Sample]] = []
    for vector in (left, right):
        side = {key_of(unnamed(sample.labels)): sample for sample in vector}
        if len(side) != len(vector):
            raise QueryError("found duplicate series in a one-to-one match")
        sides.append(side)
    ours, theirs = sides
    return [(sample, sample.value, theirs[key].value) for key, sample in ours.items() if key in theirs]


def query(store: MetricsStore, text: str, at: float) -> float | Vector:
    """The value of a query at one moment (Unix seconds): a scalar or an instant vector. Raises QueryError."""
    return Evaluation(store, at).run(parse(text))


def query_range(
    store: MetricsStore, text: str, start: float, end: float, step: float
) -> list[tuple[Labels, list[tuple[float, float]]]]:
    """One series of (Unix seconds, value) per label set, every `step` seconds. Raises QueryError."""
    if step <= 0 or end < start or (end - start) / step > MAX_POINTS:
        raise QueryError(f"step must be positive, end not before start, and at most {MAX_POINTS} points")
    node = parse(text)
    found: dict[LabelKey, tuple[Labels, list[tuple[float, float]]]] = {}
    for index in range(int((end - start) / step + 1e-9) + 1):
        at = start + index * step
        result = Evaluation(store, at).run(node)
        for sample in result if isinstance(result, list) else [Sample({}, result)]:
            found.setdefault(key_of(sample.labels), (sample.labels, []))[1].append((at, sample.value))
    return list(found.values())
