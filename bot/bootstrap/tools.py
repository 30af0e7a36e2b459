"""The tools as files and environment describe them, without the guard around them."""

import httpx

from bot.link_secret import known_link_secret
from bot.settings import Settings, secrets_of
from core.ports import Clock
from tools.catalogue import Catalogue
from tools.environment import Environment
from tools.registry import Registry, build_registry
from tools.secrets import SecretFilter


def build_tools(settings: Settings, catalogue: Catalogue, http: httpx.AsyncClient, clock: Clock) -> Registry:
    """Return the registry; ConfigurationError for a tool that is unrated or listed twice. No result of a tool shows a
    secret of ours."""
    environment = Environment(
        services=catalogue.services,
        prometheus_url=catalogue.prometheus_url,
        supervisor_url=catalogue.supervisor_url,
        supervisor_token=settings.supervisor.token.get_secret_value(),
        http=http,
        clock=clock,
        secrets=SecretFilter(known=[*filter(None, (*secrets_of(settings), known_link_secret(settings)))]),
    )
    return build_registry(environment)
