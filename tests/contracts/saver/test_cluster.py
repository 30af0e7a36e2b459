"""The same on a cluster of three masters: one thread stays on one of them, and no command crosses two."""

from collections import Counter

import pytest
from redis.exceptions import RedisClusterException, RedisError

from tests.contracts.saver import savers
from tests.contracts.saver.conftest import Own
from tests.contracts.saver.graphs import config, counting, nested
from tests.contracts.saver.grounds import Ground
from tests.contracts.saver.probes import PROBES, Probe
from tests.contracts.saver.savers import Opener
from tests.contracts.saver.test_conformance import assert_full, conformance


async def test_all_81_tests_pass_on_a_cluster(cluster: Ground) -> None:
    assert_full(*await conformance(savers.ours, cluster))


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
async def test_our_saver_holds_on_a_cluster(probe: Probe, cluster: Ground, own_ground: Own) -> None:
    await probe.check(probe.saver, own_ground(True) if probe.kills else cluster)


async def test_a_thread_is_on_one_master_and_threads_are_on_all(cluster: Ground) -> None:
    names = [f"thread{number:02}" for number in range(24)]
    async with savers.ours(cluster) as saver:
        for name in names:
            await nested(saver, []).ainvoke({}, config(name), durability="sync")
    held: Counter[str] = Counter()
    homes: dict[str, set[str]] = {name: set() for name in names}
    for node in cluster.nodes:
        for key in await Ground(node, (node,)).left():
            held[node] += 1
            for name in names:
                if name.encode() in key:
                    homes[name].add(node)
    assert [len(found) for found in homes.values()] == [1] * len(names)
    assert set(held) == set(cluster.nodes)


@pytest.mark.parametrize("opener", [savers.valkey, savers.plainredis])
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
async def test_the_published_savers_do_not_run_on_a_cluster(opener: Opener, cluster: Ground) -> None:
    with pytest.raises((AttributeError, RedisError, RedisClusterException)):
        await _run_and_read(opener, cluster)


async def _run_and_read(opener: Opener, cluster: Ground) -> None:
    async with opener(cluster) as saver:
        await counting(saver).ainvoke({"count": 0}, config(), durability="sync")
        await counting(saver).aget_state(config())
