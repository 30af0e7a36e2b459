"""One service under supervision: its desired state, its process, and what happens when that process ends."""

import asyncio
import socket
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from demo.shop.supervisor.desired import Desired, Histories, now_text
from demo.shop.supervisor.process import ChildProcess

CRASH_BACKOFF_S = 0.8


@dataclass(frozen=True)
class Place:
    """Where a service lives: its address, which stays the same over restarts, and its files."""

    name: str
    host: str
    port: int
    log_dir: Path
    dependencies: dict[str, str]  # name -> base URL
    team: str

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def stderr_path(self) -> Path:
        return self.log_dir.parent / f"{self.name}.stderr.log"

    @property
    def log_files(self) -> list[str]:
        files = [self.log_dir / f"{self.name}.log", self.log_dir / f"{self.name}.debug.log", self.stderr_path]
        return [str(path) for path in files]


def reserve_port(host: str) -> socket.socket:
    """A bound socket that never listens: it keeps the port ours while no process of the service is up."""
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    holder.bind((host, 0))
    return holder


class ManagedService:
    """Keeps one process running as desired. Restarts are rolling: the new process serves before the old one goes."""

    def __init__(self, place: Place, desired: Desired, histories: Histories) -> None:
        self.place = place
        self.name = place.name
        self.desired = desired
        self.histories = histories
        self.resource_version = 1
        self.restarts = 0
        self.started_at = now_text()
        self.last_exit: dict[str, Any] | None = None
        self.defects: dict[str, str] = {}  # version -> what is wrong with that build
        self.extra_work_s = 0.0
        self.launches = 0
        self._child: ChildProcess | None = None
        self._retiring: ChildProcess | None = None
        self._stopping = False
        self._rollout = asyncio.Lock()
        self._watchers: set[asyncio.Task[None]] = set()

    @property
    def status(self) -> str:
        """running | starting | crashed | stopped."""
        if self._retiring is not None and self._retiring.alive:
            return "running"
        if self._child is None or self._stopping:
            return "stopped"
        if not self._child.alive:
            return "crashed"
        return "running" if self._child.ready.is_set() else "starting"

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child is not None and self._child.alive else None

    async def start(self) -> None:
        """Start the first process and wait until it serves."""
        async with self._rollout:
            await self._launch()

    async def stop(self) -> None:
        """Stop the process for good."""
        self._stopping = True
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        for child in (self._retiring, self._child):
            if child is not None:
                await child.stop()

    def commit(self, after: Desired, by: str, change: str | None = None) -> None:
        """Make `after` the desired state, with history and a new resource version; synchronous, so never half done."""
        if after == self.desired:
            return
        before, self.desired = self.desired, after
        self.resource_version += 1
        self.histories.record(before, after, by, change)

    async def roll_out(self, before: Desired) -> None:
        """Bring the process in line with the desired state: a restart where one is needed, else new orders."""
        needs_restart = (before.version, before.restart_generation) != (
            self.desired.version,
            self.desired.restart_generation,
        )
        if needs_restart:
            await self.replace()
        else:
            self.send_orders()

    def send_orders(self) -> None:
        if self._child is not None:
            self._child.send({"orders": self._orders()})

    def make_ill(self, fault: str) -> None:
        """Start an in-process fault; it ends with the process."""
        assert self._child is not None
        self._child.send({"fault": fault})

    async def replace(self) -> None:
        """Start a new process, and stop the old one once the new one serves (or has failed to)."""
        async with self._rollout:
            old, self._retiring = self._child, self._child
            try:
                await self._launch()
            finally:
                if old is not None:
                    await old.stop()
                self._retiring = None

    async def _launch(self) -> None:
        arguments = [self.name, "--host", self.place.host, "--port", str(self.place.port)]
        arguments += ["--log-dir", str(self.place.log_dir)]
        child = await ChildProcess.start(arguments, self.place.stderr_path)
        # Orders are read only now: what was committed while the process was being made must not pass it by.
        child.send({"orders": self._orders(), "dependencies": self.place.dependencies})
        self._child = child
        self.launches += 1
        self.started_at = now_text()
        watcher = asyncio.create_task(self._watch(child))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)
        await child.until_ready()

    async def _watch(self, child: ChildProcess) -> None:
        """Start the service again after an exit that nobody asked for."""
        code = await child.exited()
        if child is not self._child or self._stopping:
            return
        self.restarts += 1
        self.last_exit = {"code": code, "at": now_text()}
        await child.stop()
        await asyncio.sleep(CRASH_BACKOFF_S)
        async with self._rollout:
            # A deliberate replacement may have won the lock meanwhile; then this process is history.
            if child is self._child and not self._stopping:
                await self._launch()

    def _orders(self) -> dict[str, Any]:
        desired = self.desired
        return {
            "version": desired.version,
            "workers": desired.workers,
            "config": desired.config,
            "defect": self.defects.get(desired.version),
            "extra_work_s": self.extra_work_s,
        }

    def summary(self) -> dict[str, Any]:
        """The service as GET /services/{name} shows it."""
        place, desired, status = self.place, self.desired, self.status
        return {
            "name": self.name,
            "env": "prod",
            "version": desired.version,
            "workers": desired.workers,
            "ready_workers": desired.workers if status == "running" else 0,
            "status": status,
            "restarts": self.restarts,
            "started_at": self.started_at,
            "last_exit": self.last_exit,
            "config": desired.config,
            "config_revision": self.histories.config_revision,
            "resource_version": self.resource_version,
            "depends_on": list(place.dependencies),
            "url": place.url,
            "health_url": f"{place.url}/healthz",
            "metrics_url": f"{place.url}/metrics",
            "log_file": place.log_files[0],
        }

    def deploy_rows(self) -> list[dict[str, Any]]:
        return [asdict(deploy) for deploy in self.histories.deploys]

    def config_rows(self) -> list[dict[str, Any]]:
        return [asdict(change) for change in self.histories.config_changes]
