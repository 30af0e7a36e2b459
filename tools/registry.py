"""The explicit list of tools; nothing is found by scanning, and nothing unrated gets in."""

from collections.abc import Iterable, Iterator
from typing import Any, cast

from pydantic import JsonValue

from core.errors import ConfigurationError, ToolArgumentsError
from core.ports import ToolSummary
from core.risk import Risk
from tools.environment import Environment
from tools.http.probe_http import probe_http
from tools.logs.search_logs import search_logs
from tools.prometheus.metric_query import metric_query
from tools.prometheus.metric_range import metric_range
from tools.spec import ActArguments, ToolSpec
from tools.supervisor.client import SupervisorClient
from tools.supervisor.deploy_history import deploy_history
from tools.supervisor.restart_service import restart_service
from tools.supervisor.rollback_deploy import rollback_deploy
from tools.supervisor.scale_workers import scale_workers
from tools.supervisor.service_status import service_status
from tools.supervisor.set_config import set_config

_MAX_TIMEOUT = 120.0


class Registry:
    """Tools by name, in the order of listing; ConfigurationError for one that is not fit to be listed."""

    def __init__(self, environment: Environment, specs: Iterable[ToolSpec[Any]]) -> None:
        self.environment = environment
        self._specs: dict[str, ToolSpec[Any]] = {}
        for spec in specs:
            _check(spec)
            if spec.name in self._specs:
                raise ConfigurationError(f"tools: {spec.name!r} is listed twice")
            self._specs[spec.name] = spec

    def __iter__(self) -> Iterator[ToolSpec[Any]]:
        return iter(self._specs.values())

    def find(self, name: str) -> ToolSpec[Any]:
        """Return the tool; ToolArgumentsError names those that exist."""
        if name not in self._specs:
            raise ToolArgumentsError(f"There is no tool {name[:64]!r}. Tools: {', '.join(self._specs)}.")
        return self._specs[name]

    def wraps(self, name: str) -> bool:
        """True for a tool that runs what its arguments name, and for one that does not exist."""
        return name not in self._specs or self._specs[name].wrapper

    def summaries(self) -> tuple[ToolSummary, ...]:
        """Return what a mind may know of each tool; a `service` argument lists the catalogue's services."""
        return tuple(ToolSummary(spec.name, spec.description, spec.risk.value, self._schema(spec)) for spec in self)

    def _schema(self, spec: ToolSpec[Any]) -> dict[str, JsonValue]:
        schema: dict[str, JsonValue] = spec.args.model_json_schema()
        schema.pop("title", None)
        schema.pop("description", None)
        properties = schema.get("properties")
        about = properties.get("service") if isinstance(properties, dict) else None
        if isinstance(about, dict):
            about["enum"] = [service.name for service in self.environment.services]
        return schema


def _check(spec: ToolSpec[Any]) -> None:
    risk = cast(object, spec.risk)  # a rating is data: what the type promises is looked at all the same
    if not isinstance(risk, Risk):
        raise ConfigurationError(f"tools: {spec.name!r} has no known risk ({risk!r}); give it one of core.risk.Risk")
    if not 0 < spec.timeout <= _MAX_TIMEOUT:
        raise ConfigurationError(f"tools: {spec.name!r} needs a timeout between 0 and {_MAX_TIMEOUT:g} s")
    if risk is Risk.READ and (spec.read is None or spec.action is not None):
        raise ConfigurationError(f"tools: {spec.name!r} is rated read, so it needs a read function and no action")
    if risk is not Risk.READ and (spec.action is None or spec.read is not None):
        raise ConfigurationError(
            f"tools: {spec.name!r} is rated {risk.value}, so it needs an action and no read function"
        )
    if risk is not Risk.READ and not issubclass(spec.args, ActArguments):
        raise ConfigurationError(f"tools: {spec.name!r} changes things, so its arguments must be ActArguments")


def build_registry(environment: Environment) -> Registry:
    """Return every tool that the environment can serve: those of the supervisor only where there is one."""
    specs: list[ToolSpec[Any]] = [
        metric_query(environment),
        metric_range(environment),
        search_logs(environment),
        probe_http(environment),
    ]
    if environment.supervisor_url:
        client = SupervisorClient(
            environment.http, environment.supervisor_url, environment.supervisor_token, environment.secrets
        )
        specs += [
            service_status(environment, client),
            deploy_history(environment, client),
            restart_service(client),
            rollback_deploy(client),
            scale_workers(client),
            set_config(client),
        ]
    return Registry(environment, specs)
