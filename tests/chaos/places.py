"""The place of schedules as a fixture. In a test module: `from tests.chaos.places import *`, then ask for `place`."""

from collections.abc import Iterator

import pytest

from tests.chaos.inside.place import Place, a_place

__all__ = ["place"]


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """Yield one for all schedules of a module."""
    with a_place() as made:
        yield made
