"""One row of the table of faults."""

from typing import NamedTuple


class Row(NamedTuple):
    """`tests` and `twins` are `file::name` under tests/; `bar` is the number they hold to, `long` the long form."""

    number: str
    fault: str
    bar: str
    tests: tuple[str, ...]
    twins: tuple[str, ...]
    long: str = ""
