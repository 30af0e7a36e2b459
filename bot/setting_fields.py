"""The kinds of values that settings hold, each with what it refuses."""

import re
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import SettingsConfigDict

_PLACEHOLDER = re.compile(
    r"(?ix) ( change[-_ ]?me | replace[-_ ]?me | todo | fixme | secret | password | token | example | dummy | none"
    r" | null | x{3,} | \.{3} | <.*> | (xox[bp]-|xapp-|sk-)?your[-_ ].* | (xox[bp]|xapp|sk)-[-x.\d]* ) [!.]{0,3}"
)


def _seconds(value: object) -> object:
    """Take a plain number for seconds; anything else that is text is refused."""
    if not isinstance(value, str):
        return value
    if not re.fullmatch(r"-?\d{1,12}(\.\d{1,6})?", value):
        raise ValueError("must be a number of seconds")
    return timedelta(seconds=float(value))


def _real(value: SecretStr) -> SecretStr:
    if _PLACEHOLDER.fullmatch(value.get_secret_value()):
        raise ValueError("holds a placeholder; put the real value there or leave the line out")
    return value


def address(schemes: tuple[str, ...]) -> AfterValidator:
    """Return what lets an empty text pass, or an address of one of these schemes."""

    def check(value: str) -> str:
        if value and (urlsplit(value).scheme not in schemes or not value.split("://", 1)[-1]):
            raise ValueError(f"must start with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        return value

    return AfterValidator(check)


def _span(value: timedelta) -> timedelta:
    if not timedelta(0) < value <= timedelta(days=365):
        raise ValueError("must be more than 0 and at most 31536000 seconds")
    return value


Seconds = Annotated[timedelta, BeforeValidator(_seconds), AfterValidator(_span)]
Secret = Annotated[SecretStr, AfterValidator(_real)]
HttpUrl = Annotated[str, address(("http", "https"))]
NOTHING = SecretStr("")


def group_of(prefix: str) -> SettingsConfigDict:
    """Return how a group reads its variables, which begin with `prefix`."""
    return SettingsConfigDict(
        env_prefix=prefix, frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )
