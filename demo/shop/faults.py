"""The faults one can inject: what each does, whether it is still there, and what the right remedy would be.

Which alerts each raises (alertname service), and what tells it apart:

memory_leak      HighMemory checkout
                 memory climbs; no errors, no slowness, no deploy, no configuration change
bad_deploy       HighErrorRate checkout, HighErrorRate front
                 500s from the new version only; a deploy by bob just before
pool_exhausted   ConnectionPoolExhausted payments, HighErrorRate payments, HighErrorRate front
                 pool in use = pool size; PoolTimeout and open transactions in the log
slow_dependency  HighLatency payments, HighLatency front
                 all workers of payments busy and requests waiting for one; no errors, no deploy, no change
crash_loop       CrashLooping payments, HighErrorRate front
                 exit code 1 again and again, a fatal line in the log; a deploy by bob just before
disk_full        LogVolumeFull checkout, HighErrorRate checkout, HighErrorRate front
                 log volume used = its size; ENOSPC in the stderr log; a flood of debug lines
wrong_config     HighErrorRate checkout, HighErrorRate front
                 504s: payments "did not answer within 5 ms"; a change of payments_timeout_ms by bob
false_alarm      HighLatency front
                 the expression of the alert compares with 10 ms; every other sign is healthy
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any

from demo.shop.alerts.engine import AlertEngine
from demo.shop.supervisor.managed_service import ManagedService

SLOW_WORK_S = 0.30
ENOUGH_WORKERS = 4
WRONG_TIMEOUT_MS = 5
HEALER = "demo"
CULPRIT = "bob"


@dataclass(frozen=True)
class Remedy:
    """The call that cures a fault; None as a tool means that nothing should be done."""

    tool: str | None
    args: dict[str, Any]


class Fault(ABC):
    """One thing that can go wrong with one service."""

    def __init__(self, name: str, cause: str, title: str, description: str, service: ManagedService) -> None:
        self.name = name
        self.cause = cause
        self.title = title
        self.description = description
        self.service = service

    @property
    @abstractmethod
    def active(self) -> bool:
        """Whether the cause is present and not remedied."""

    @abstractmethod
    async def inject(self) -> None: ...

    @abstractmethod
    async def heal(self) -> None: ...

    @abstractmethod
    def remedy(self) -> Remedy: ...

    def as_dict(self) -> dict[str, Any]:
        remedy = self.remedy()
        service = self.service.name
        args = {"service": service, **remedy.args} if remedy.tool else {}
        expected = {"cause": self.cause, "service": service, "tool": remedy.tool, "args": args}
        fields = {"name": self.name, "title": self.title, "description": self.description, "service": service}
        return fields | {"active": self.active, "expected": expected}


class ProcessFault(Fault):
    """Lives in one process and is gone with it, so a restart is the cure."""

    _ill_since_launch: int | None = None

    @property
    def active(self) -> bool:
        return self._ill_since_launch == self.service.launches

    async def inject(self) -> None:
        self.service.make_ill(self.name)
        self._ill_since_launch = self.service.launches

    async def heal(self) -> None:
        await self.service.replace()

    def remedy(self) -> Remedy:
        return Remedy("restart_service", {})


class BuildFault(Fault):
    """A deploy of a build with a defect; the version before it is the cure."""

    def __init__(self, *about: Any, defect: str, change: str) -> None:
        super().__init__(*about)
        self._defect = defect
        self._change = change
        self._good = self.service.desired.version

    @property
    def active(self) -> bool:
        return self.service.defects.get(self.service.desired.version) == self._defect

    async def inject(self) -> None:
        self._good = self.service.desired.version
        version = self._next_version()
        self.service.defects[version] = self._defect
        await self._deploy(version, CULPRIT, self._change)

    async def heal(self) -> None:
        await self._deploy(self._good, HEALER, None)

    def remedy(self) -> Remedy:
        return Remedy("rollback_deploy", {"to_version": self._good})

    async def _deploy(self, version: str, by: str, change: str | None) -> None:
        before = self.service.desired
        self.service.commit(replace(before, version=version), by, change)
        await self.service.roll_out(before)

    def _next_version(self) -> str:
        newest = max(tuple(map(int, version.split("."))) for version in self.service.histories.versions())
        return f"{newest[0]}.{newest[1]}.{newest[2] + 1}"


class SlowWorkFault(Fault):
    """Each request takes longer, whatever process serves it; only more workers help."""

    def __init__(self, *about: Any) -> None:
        super().__init__(*about)
        self._usual = self.service.desired

    @property
    def active(self) -> bool:
        return self.service.extra_work_s > 0 and self.service.desired.workers < ENOUGH_WORKERS

    async def inject(self) -> None:
        self.service.extra_work_s = SLOW_WORK_S
        self._set_workers(self._usual.workers)

    async def heal(self) -> None:
        self.service.extra_work_s = 0.0
        self._set_workers(self._usual.workers)

    def remedy(self) -> Remedy:
        return Remedy("scale_workers", {"workers": ENOUGH_WORKERS})

    def _set_workers(self, workers: int) -> None:
        self.service.commit(replace(self.service.desired, workers=workers), HEALER)
        self.service.send_orders()


class ConfigFault(Fault):
    """A setting changed to a value that cannot work; the old value is the cure."""

    def __init__(self, *about: Any, key: str, wrong: int) -> None:
        super().__init__(*about)
        self._key = key
        self._wrong = wrong
        self._right = self.service.desired.config[key]

    @property
    def active(self) -> bool:
        return self.service.desired.config[self._key] == self._wrong

    async def inject(self) -> None:
        self._set(self._wrong, CULPRIT)

    async def heal(self) -> None:
        self._set(self._right, HEALER)

    def remedy(self) -> Remedy:
        return Remedy("set_config", {"key": self._key, "value": self._right})

    def _set(self, value: str | int | bool, by: str) -> None:
        desired = self.service.desired
        self.service.commit(replace(desired, config={**desired.config, self._key: value}), by)
        self.service.send_orders()


class FalseAlarm(Fault):
    """Nothing is wrong but the alert rule."""

    def __init__(self, *about: Any, engine: AlertEngine) -> None:
        super().__init__(*about)
        self._engine = engine

    @property
    def active(self) -> bool:
        return self._engine.false_alarm

    async def inject(self) -> None:
        self._engine.false_alarm = True

    async def heal(self) -> None:
        self._engine.false_alarm = False

    def remedy(self) -> Remedy:
        return Remedy(None, {})


class Faults:
    """All faults of the shop, by name."""

    def __init__(self, services: dict[str, ManagedService], engine: AlertEngine) -> None:
        checkout, payments, front = services["checkout"], services["payments"], services["front"]
        self._slow = SlowWorkFault(
            "slow_dependency", "slow_dependency", "Slow payments",
            "A charge takes twenty times as long; two workers cannot keep up.", payments,
        )  # fmt: skip
        every: list[Fault] = [
            BuildFault(
                "bad_deploy", "bad_deploy", "Bad deploy",
                "bob ships a version that answers 500 to six orders in ten.", checkout,
                defect="errors", change="New discount engine",
            ),
            ProcessFault(
                "memory_leak", "memory_leak", "Memory leak",
                "A piece of every request stays in memory.", checkout,
            ),
            ProcessFault(
                "pool_exhausted", "connection_pool_exhausted", "Exhausted pool",
                "Stuck transactions keep every database connection.", payments,
            ),
            self._slow,
            BuildFault(
                "crash_loop", "crash_loop", "Crash loop",
                "bob ships a version that exits two seconds after its start.", payments,
                defect="exits", change="Move the settlement scheduler in-process",
            ),
            ProcessFault(
                "disk_full", "log_disk_full", "Full log disk",
                "Debug lines fill the log volume; orders cannot be journalled.", checkout,
            ),
            ConfigFault(
                "wrong_config", "wrong_config", "Wrong setting",
                "bob sets the timeout for payments from 2000 ms to 5 ms.", checkout,
                key="payments_timeout_ms", wrong=WRONG_TIMEOUT_MS,
            ),
            FalseAlarm(
                "false_alarm", "none", "False alarm",
                "A rule with a silly threshold fires; everything is healthy.", front, engine=engine,
            ),
        ]  # fmt: skip
        self._by_name = {fault.name: fault for fault in every}

    def rows(self) -> list[dict[str, Any]]:
        return [fault.as_dict() for fault in self._by_name.values()]

    async def inject(self, name: str) -> None:
        """Inject a fault; one that is active already is left alone. Raises KeyError for an unknown name."""
        fault = self._by_name[name]
        if not fault.active:
            await fault.inject()

    async def clear(self) -> None:
        """Heal whatever is active, and take back the surroundings of what was remedied."""
        for fault in self._by_name.values():
            if fault.active or fault is self._slow:
                await fault.heal()
