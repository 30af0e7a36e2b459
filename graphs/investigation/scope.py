"""Which services are looked at for one subject: itself, what it stands on, and who stands on it."""

from collections.abc import Mapping

from graphs.context import KnownService

_LIMIT = 8


def scope_of(subject: str, services: Mapping[str, KnownService]) -> tuple[str, ...]:
    """Return the services to look at, the subject first; all of them (up to the limit) when there is no subject."""
    if subject not in services:
        return tuple(services)[:_LIMIT]
    order = [subject]
    for name in order:
        order.extend(dep for dep in services[name].depends_on if dep in services and dep not in order)
    order += [name for name, known in services.items() if subject in known.depends_on and name not in order]
    return tuple(order[:_LIMIT])
