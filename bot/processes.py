"""Keeps the roles running as children of one supervisor: started, restarted after a crash, never left behind."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import structlog

_log = structlog.get_logger(__name__)
_PR_SET_PDEATHSIG = 1
_FIRST_PAUSE, _LONGEST_PAUSE, _PROVEN_AFTER = 0.2, 10.0, 30.0
_GRACE = 8.0
CONFIGURATION_FAULT = 2


def die_with(parent: int) -> Callable[[], None]:
    """Return what a child runs before exec, so that it gets SIGTERM when its parent dies, however that dies (Linux)."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None

    def tie() -> None:
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
            if os.getppid() != parent:  # the parent died before the line above
                os._exit(1)

    return tie


@dataclass(slots=True)
class Child:
    """One role: what to start, and how often it had to be started."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path | None = None
    process: Process | None = None
    started_at: float = 0.0
    pause: float = _FIRST_PAUSE

    async def start(self) -> None:
        """Start the process; its output goes into `log`, or where ours goes."""
        self.started_at = time.monotonic()
        with contextlib.ExitStack() as stack:
            output = stack.enter_context(self.log.open("ab")) if self.log else None
            self.process = await asyncio.create_subprocess_exec(
                *self.command,
                env=dict(self.environment),
                preexec_fn=die_with(os.getpid()),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    async def stop(self, grace: float = _GRACE) -> None:
        """Ask it to end, and after `grace` seconds end it."""
        if self.process is None or self.process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        try:
            async with asyncio.timeout(grace):
                await self.process.wait()
        except TimeoutError:
            _log.warning("child_killed", name=self.name, pid=self.process.pid)
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()


@dataclass(slots=True)
class Supervisor:
    """Keeps children until it is told to stop or one of them says that its configuration is wrong."""

    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    status: int = 0
    _layers: list[Sequence[Child]] = field(default_factory=list)
    _keepers: list[asyncio.Task[None]] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop every layer, the last kept first."""
        self.stopping.set()
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        for layer in reversed(self._layers):
            await asyncio.gather(*(child.stop() for child in layer))

    def keep(self, *layer: Child) -> None:
        """Start these children, and start them again whenever they end."""
        self._layers.append(layer)
        for child in layer:
            self.run(self._keep(child))

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run this beside the children, until the end."""
        self._keepers.append(asyncio.create_task(work))

    async def _keep(self, child: Child) -> None:
        worked = False
        while not self.stopping.is_set():
            await child.start()
            assert child.process is not None
            status = await child.process.wait()
            # What worked and cannot be read any more (a file half edited) is waited for: the others go on meanwhile.
            worked = worked or status != CONFIGURATION_FAULT
            if not worked:
                self.status = CONFIGURATION_FAULT
                self.stopping.set()
            if self.stopping.is_set():
                return
            if time.monotonic() - child.started_at > _PROVEN_AFTER:
                child.pause = _FIRST_PAUSE
            _log.warning("child_ended", name=child.name, status=status, again_in=child.pause)
            await asyncio.sleep(child.pause)
            child.pause = min(child.pause * 2, _LONGEST_PAUSE)


def stop_on_signals(stopping: asyncio.Event) -> None:
    """Set the event on SIGTERM or SIGINT, in place of ending at once."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
