"""The only reader of the environment: nested, frozen, with secrets hidden and contradictions refused."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import ConfigurationError

_PLACEHOLDER = re.compile(r"(?i)^(change[-_ ]?me|replace[-_ ]?me|todo|secret|password|token|x{3,}|\.{3}|<.*>|your[-_ ].*|xox[bp]-your.*|xapp-your.*)$")


def _seconds(value: object) -> object:
    return timedelta(seconds=float(value)) if isinstance(value, str | int | float) else value


Seconds = Annotated[timedelta, BeforeValidator(_seconds), Field(gt=timedelta(0))]


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True)


def _env(name: str) -> AliasChoices:
    return AliasChoices(name)
