"""One child process: started with its orders, told more over a pipe, stopped politely and then firmly."""

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[3]
READY_WITHIN_S = 15.0
STOP_WITHIN_S = 4.0


class ChildProcess:
    """A running service process. Its stdin is its lifeline: it ends when the pipe closes."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.ready = asyncio.Event()
        self._exit = asyncio.create_task(process.wait())
        self._listen = asyncio.create_task(self._await_ready())

    @classmethod
    async def start(cls, arguments: list[str], stderr_path: Path) -> "ChildProcess":
        """Start `python -m demo.shop.service ARGUMENTS`; it waits for its first message."""
        with stderr_path.open("ab") as stderr:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "demo.shop.service", *arguments,
                stdin=PIPE, stdout=PIPE, stderr=stderr, cwd=REPOSITORY,
            )  # fmt: skip
        return cls(process)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return not self._exit.done()

    async def exited(self) -> int:
        """Wait for the end of the process; returns its exit code."""
        return await asyncio.shield(self._exit)

    def send(self, message: dict[str, Any]) -> None:
        """Send one JSON line; a process that is already gone does not get it."""
        if self.alive and (stdin := self._process.stdin) is not None:
            stdin.write(json.dumps(message).encode() + b"\n")

    async def until_ready(self) -> bool:
        """Wait until the process serves; False when it ended or took more than READY_WITHIN_S."""
        ready = asyncio.create_task(self.ready.wait())
        await asyncio.wait({ready, self._exit}, timeout=READY_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        return self.ready.is_set()

    async def stop(self) -> None:
        """SIGTERM, then SIGKILL after STOP_WITHIN_S seconds; returns when the process is gone."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        done, _ = await asyncio.wait({self._exit}, timeout=STOP_WITHIN_S)
        if not done:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._exit
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._listen

    async def _await_ready(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            if line.strip() == b"ready":
                self.ready.set()
