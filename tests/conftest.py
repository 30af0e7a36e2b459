"""What holds for all tests: LangGraph loads only the types that it was told of, a slow machine is no fault that
Hypothesis should report, and long files begin first."""

import os

os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"  # before any test imports langgraph, as the worker does

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

# In tests/, from the longest: what starts processes and browsers, then what starts servers.
_LONG = ("demo", "chaos", "security", "contracts", "graphs", "bot")


def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are cores, as much of the time goes by in waiting for child processes; four at most."""
    return min(4, (os.cpu_count() or 1) + 2)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the folders whose tests start whole processes, so that no worker is left with one of them at the end.

    Inside a folder the order stays as random as it was."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    folder = item.path.relative_to(item.config.rootpath / "tests").parts[0]
    return _LONG.index(folder) if folder in _LONG else len(_LONG)
