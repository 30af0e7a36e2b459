"""What the tools may reach: the catalogue's services, two addresses, one token and one HTTP client."""

from collections.abc import Sequence

import httpx

from core.errors import ConfigurationError, ToolArgumentsError
from core.ports import Clock
from tools.catalogue import Catalogue, Service, load_catalogue
from tools.secrets import SecretFilter

__all__ = ["Catalogue", "Environment", "Service", "load_catalogue", "open_http"]


def open_http() -> httpx.AsyncClient:
    """Return a client that follows no redirect and heeds no proxy variable, so that only listed hosts are reached."""
    limits = httpx.Limits(max_connections=50, max_keepalive_connections=10)
    return httpx.AsyncClient(follow_redirects=False, trust_env=False, timeout=5.0, limits=limits)


class Environment:
    """Handed to every tool when it is built; no tool takes an address, a path or a token from its arguments."""

    def __init__(
        self,
        services: Sequence[Service],
        prometheus_url: str | None,
        supervisor_url: str | None,
        supervisor_token: str,
        http: httpx.AsyncClient,
        clock: Clock,
        secrets: SecretFilter | None = None,
    ) -> None:
        if http.follow_redirects:
            raise ConfigurationError("tools: the HTTP client must not follow redirects")
        if supervisor_url and not supervisor_token:
            raise ConfigurationError("SUPERVISOR_TOKEN: needed because the catalogue names a supervisor_url")
        self.services = tuple(services)
        self.prometheus_url = prometheus_url
        self.supervisor_url = supervisor_url
        self.supervisor_token = supervisor_token
        self.http = http
        self.clock = clock
        self.secrets = secrets or SecretFilter(known=(supervisor_token,))
        self._by_name = {service.name: service for service in self.services}

    @classmethod
    def of(cls, catalogue: Catalogue, *, supervisor_token: str, http: httpx.AsyncClient, clock: Clock) -> "Environment":
        """Return the environment that a catalogue describes."""
        return cls(
            catalogue.services, catalogue.prometheus_url, catalogue.supervisor_url, supervisor_token, http, clock
        )

    def service(self, name: str) -> Service:
        """Return the catalogue's entry; ToolArgumentsError names the known services."""
        if name not in self._by_name:
            raise ToolArgumentsError(f"There is no service {name[:64]!r}. Known: {', '.join(self._by_name)}.")
        return self._by_name[name]

    def dependents(self, name: str) -> tuple[str, ...]:
        """Return the services that call `name`, directly or through others, nearest first."""
        found: list[str] = []
        waiting = [name]
        while waiting:
            current = waiting.pop(0)
            for service in self.services:
                if current in service.depends_on and service.name not in (name, *found):
                    found.append(service.name)
                    waiting.append(service.name)
        return tuple(found)
