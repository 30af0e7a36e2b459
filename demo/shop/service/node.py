"""What one running service holds: its orders from the supervisor, its limits, its logs, and what ails it."""

import asyncio
import os
import random
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from demo.shop.service.capacity import Capacity
from demo.shop.service.dependency import Dependency
from demo.shop.service.log_volume import LogVolume, ServiceLog
from demo.shop.service.telemetry import MEMORY_LIMIT_BYTES, Telemetry, resident_bytes

LEAK_BYTES_A_REQUEST = 1_600_000
LEAK_BOUND_BYTES = 160_000_000
STUCK_TRANSACTION_SHARE = 0.9
CRASH_AFTER_S = 2.0
RECENT_S = 5.0
LONG_WAIT_S = 0.1
POOL = "ledger-db"
ROUTES = {"front": "/buy", "checkout": "/checkout", "payments": "/charge"}


@dataclass
class Orders:
    """The supervisor's word: what to run, and what the world around the service is like."""

    version: str
    workers: int
    config: dict[str, Any]
    defect: str | None = None  # what is wrong with this build
    extra_work_s: float = 0.0  # how much longer than usual each request takes, through no fault of the build


@dataclass
class Ailments:
    """Faults that live in the process and die with it."""

    leaking: bool = False
    leaked: list[bytes] = field(default_factory=list)
    sticking: bool = False
    flooding: bool = False

    def leak(self) -> None:
        if self.leaking and len(self.leaked) * LEAK_BYTES_A_REQUEST < LEAK_BOUND_BYTES:
            self.leaked.append(b"x" * LEAK_BYTES_A_REQUEST)


class Answer(NamedTuple):
    """One answered request: when (monotonic seconds), whether it was an error of ours, how long it had to wait."""

    at: float
    wrong: bool
    waited_s: float


class Node:
    """One service process; the handlers in app.py work on it."""

    def __init__(self, name: str, orders: Orders, log_dir: Path, dependencies: dict[str, str]) -> None:
        self.name = name
        self.orders = orders
        self.ailments = Ailments()
        self.telemetry = Telemetry(name)
        write_errors = self.telemetry.counter("log_write_errors_total", "Log lines that could not be written.")
        self.log = ServiceLog(LogVolume(log_dir, name), name, orders.version, write_errors.inc)
        self.workers = Capacity(orders.workers)
        self.pool = Capacity(int(orders.config["db_pool_size"])) if "db_pool_size" in orders.config else None
        self.dependencies = {name: Dependency(name, url, self.telemetry) for name, url in dependencies.items()}
        self.telemetry.announce(orders.version, [ROUTES[name]], list(dependencies))
        self._answers: deque[Answer] = deque(maxlen=40)
        self._expose()
        self._background: set[asyncio.Task[None]] = set()

    def _expose(self) -> None:
        gauge = self.telemetry.gauge
        volume = self.log.volume
        gauge("workers", "Worker slots.").set_function(lambda: self.workers.size)
        gauge("workers_busy", "Worker slots at work.").set_function(lambda: self.workers.in_use)
        gauge("log_volume_used_bytes", "Bytes used on the log volume.").set_function(lambda: volume.used)
        gauge("log_volume_size_bytes", "Size of the log volume.").set_function(lambda: volume.size)
        if (pool := self.pool) is not None:
            in_use = gauge("connection_pool_in_use", "Connections handed out.", pool=POOL)
            in_use.set_function(lambda: pool.in_use)
            size = gauge("connection_pool_size", "Connections the pool may open.", pool=POOL)
            size.set_function(lambda: pool.size)

    def start(self) -> None:
        """Say hello, and begin to fail if the build is one that fails by itself."""
        self.log.write("info", "service started", pid=os.getpid(), workers=self.workers.size)
        if self.orders.defect == "exits":
            self._spawn(self._exit_soon())

    def obey(self, orders: Orders) -> None:
        """Take new orders without a restart: worker slots, configuration and surroundings."""
        if orders.config != self.orders.config:
            self.log.write("info", "configuration reloaded", config=orders.config)
        if orders.workers != self.orders.workers:
            self.log.write("info", "worker slots changed", before=self.orders.workers, after=orders.workers)
        self.orders = orders
        self.workers.resize(orders.workers)
        if self.pool is not None:
            self.pool.resize(int(orders.config["db_pool_size"]))

    def fall_ill(self, fault: str) -> None:
        """Start one of the in-process faults."""
        if fault == "memory_leak":
            self.ailments.leaking = True
        elif fault == "pool_exhausted":
            self.ailments.sticking = True
        elif fault == "disk_full" and not self.ailments.flooding:
            self.ailments.flooding = True
            self._spawn(self._flood())

    def answered(self, status: int, waited_s: float) -> None:
        """Remember one answer; a 502 is another's error, not ours."""
        self._answers.append(Answer(time.monotonic(), status >= 500 and status != 502, waited_s))

    def _recent(self) -> list[Answer]:
        return [answer for answer in self._answers if time.monotonic() - answer.at < RECENT_S]

    def transaction_sticks(self) -> bool:
        return self.ailments.sticking and random.random() < STUCK_TRANSACTION_SHARE

    def health(self) -> dict[str, Any]:
        """The body of /healthz: `failing` is this service's own doing, `degraded` may be another's."""
        recent = self._recent()
        own = {
            "errors": "high" if sum(answer.wrong for answer in recent) * 20 > len(recent) else "ok",
            "memory": "high" if resident_bytes() > 0.8 * MEMORY_LIMIT_BYTES else "ok",
            "log_volume": "full" if self.log.volume.full else "ok",
        }
        if self.pool is not None:
            own[f"pool:{POOL}"] = "exhausted" if self.pool.exhausted else "ok"
        waiting = sum(answer.waited_s for answer in recent) > LONG_WAIT_S * len(recent)
        soft = {"workers": "saturated" if waiting else "ok"}
        for dependency in self.dependencies.values():
            soft[f"dependency:{dependency.name}"] = "failing" if dependency.failing else "ok"
        status = "failing" if set(own.values()) != {"ok"} else "degraded" if set(soft.values()) != {"ok"} else "ok"
        return {"status": status, "checks": own | soft, "version": self.orders.version}

    async def aclose(self) -> None:
        for task in self._background:
            task.cancel()
        for dependency in self.dependencies.values():
            await dependency.aclose()
        self.log.write("info", "service stopped", pid=os.getpid())

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)

    async def _exit_soon(self) -> None:
        await asyncio.sleep(CRASH_AFTER_S)
        error = "SettlementError: cannot read settlement window: unexpected key 'cutoff_v2'"
        self.log.write("fatal", "unhandled error in the settlement scheduler, exiting", error=error)
        os._exit(1)

    async def _flood(self) -> None:
        self.log.write("warn", "log level of cart.cache is now DEBUG", logger="cart.cache")
        while True:
            self.log.flood(140)
            await asyncio.sleep(0.1)
