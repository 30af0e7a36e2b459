"""Which services there are and where to look at them: a file that operators own, validated when it is loaded."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.errors import ConfigurationError
from tools.operator_file import read_yaml
from tools.spec import NAME_PATTERN


def _plain_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http:// or https:// address with a host")
    if parts.username or parts.password or parts.fragment:
        raise ValueError("must hold neither credentials nor a fragment")
    return value.rstrip("/")


def _absolute(value: Path) -> Path:
    if not value.is_absolute() or ".." in value.parts:
        raise ValueError("must be an absolute path without '..'")
    return value


Url = Annotated[str, Field(max_length=500), AfterValidator(_plain_url)]
LogFile = Annotated[Path, AfterValidator(_absolute)]
Name = Annotated[str, Field(pattern=NAME_PATTERN)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Service(_Strict):
    """One service; `depends_on` names the services that it calls."""

    name: Name
    env: Name
    url: Url
    metrics_url: Url | None = None
    health_url: Url | None = None
    log_files: tuple[LogFile, ...] = Field(default=(), max_length=20)
    depends_on: tuple[Name, ...] = ()
    team: str = Field(default="", max_length=64)


class Catalogue(_Strict):
    """The file as operators write it; without `supervisor_url` the tools that need one are absent."""

    services: tuple[Service, ...] = Field(min_length=1, max_length=500)
    prometheus_url: Url | None = None
    supervisor_url: Url | None = None

    @model_validator(mode="after")
    def _names_are_unique_and_known(self) -> "Catalogue":
        names = [service.name for service in self.services]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"the service {twice!r} is listed twice")
        for service in self.services:
            for other in service.depends_on:
                if other not in names:
                    raise ValueError(f"{service.name} depends on {other!r}, which is not listed")
        return self


def load_catalogue(path: Path) -> Catalogue:
    """Read and validate the catalogue; raises ConfigurationError with the first fault in one line."""
    hint = "copy deploy/services.example.yaml there and list your services"
    _, parsed = read_yaml(path, "SERVICES_FILE", hint=hint)
    return parse_catalogue(parsed, str(path))


def parse_catalogue(parsed: object, name: str) -> Catalogue:
    """Validate what a YAML reader made of the file called `name`; raises ConfigurationError in one line."""
    try:
        return Catalogue.model_validate(parsed)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "file"
        message = first["msg"].removeprefix("Value error, ")
        raise ConfigurationError(f"SERVICES_FILE {name}: {where}: {message}") from error
