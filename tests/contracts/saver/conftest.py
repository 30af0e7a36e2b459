"""Places to keep checkpoints in: a server of each engine, a cluster, and some that a probe may kill."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.contracts.saver.grounds import Ground
from tests.fakes.clusters import *
from tests.fakes.clusters import Clusters, start_cluster
from tests.fakes.processes import end
from tests.fakes.servers import ENGINES, RedisServers, start_redis

Own = Callable[[bool], Ground]


def cluster_ground(ports: list[int]) -> Ground:
    """Return the cluster of these ports as a place."""
    nodes = tuple(f"redis://127.0.0.1:{port}" for port in ports)
    return Ground(nodes[0].replace("redis://", "redis+cluster://"), nodes)


@pytest.fixture(params=ENGINES)
def ground(redis_servers: RedisServers, request: pytest.FixtureRequest) -> Ground:
    """Return an empty server, once for each engine there is."""
    url = redis_servers.url(request.param)
    return Ground(url, (url,))


@pytest.fixture
def any_ground(redis_servers: RedisServers) -> Ground:
    """Return an empty server of the last engine there is."""
    url = redis_servers.url(ENGINES[-1])
    return Ground(url, (url,))


@pytest.fixture
def cluster(clusters: Clusters) -> Ground:
    """Return an empty cluster of three masters."""
    return cluster_ground(clusters.ports(ENGINES[-1]))


@pytest.fixture
def own_ground(tmp_path: Path) -> Iterator[Own]:
    """Return a maker of places that a probe may kill: a server, or a cluster (of one)."""
    children = []

    def make(clustered: bool) -> Ground:
        if clustered:
            started, ports = start_cluster(tmp_path / "cluster", ENGINES[-1], masters=1)
            place = cluster_ground(ports)
        else:
            child, url = start_redis(tmp_path / "server", ENGINES[-1], ("--appendonly", "no"))
            started, place = [child], Ground(url, (url,))
        children.extend(started)
        return Ground(place.url, place.nodes, tuple(child.pid for child in started))

    yield make
    for child in children:
        end(child)
