"""One line of what the bot thinks of something it leans on."""

from dataclasses import dataclass
from typing import Final, Literal

_MARKS: Final = {"ok": "\x1b[32mok  \x1b[0m", "warn": "\x1b[33mwarn\x1b[0m", "fail": "\x1b[31mfail\x1b[0m"}


@dataclass(frozen=True, slots=True)
class Finding:
    """`text` says what is wrong and how to mend it, or what is well."""

    state: Literal["ok", "warn", "fail"]
    name: str
    text: str

    def line(self, *, coloured: bool) -> str:
        """Return the line as it is printed."""
        return f"{_MARKS[self.state] if coloured else self.state.ljust(4)} {self.name.ljust(10)} {self.text}"
