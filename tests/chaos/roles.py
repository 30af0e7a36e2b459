"""The bot's processes as the tests drive them: forked by the launcher, killed, stopped, and started again."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Self

from tests.fakes.running_bot import ROOT
from tests.fakes.waiting import wait_until

_AGAIN_AFTER = 0.2  # seconds, as our own supervisor waits after a first crash
_PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR")


@dataclass
class Role:
    """One process of ours: `kept` means that it is started again when it ends."""

    name: str
    kind: str
    kept: bool = True
    pid: int = 0
    starts: int = 0
    killed_at: list[float] = field(default_factory=list[float])


class Roles:
    """Keeps roles running in `folder`; `environment` is theirs, `without` names the protections that are removed."""

    def __init__(self, folder: Path, environment: Mapping[str, str], without: tuple[str, ...] = ()) -> None:
        self._environment = dict(environment)
        self._without = without
        self.log = folder / "roles.log"
        self.armed = folder / "armed"
        self.armed.mkdir(exist_ok=True)
        self._roles: dict[str, Role] = {}
        self._ready = asyncio.Event()
        self._stopping = False

    async def __aenter__(self) -> Self:
        given = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        with self.log.open("ab") as log:
            self._launcher = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.chaos.launcher", cwd=ROOT, stderr=log,
                env=given | {"LANGGRAPH_STRICT_MSGPACK": "true"},
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
        self._listening = asyncio.create_task(self._listen())
        await wait_until(lambda: self._ready.is_set() or self._listening.done(), 25)
        assert self._ready.is_set(), self.log.read_text()[-3000:]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopping = True
        assert self._launcher.stdin is not None
        self._launcher.stdin.close()
        await self._launcher.wait()
        await self._listening

    def keep(self, name: str, kind: str, *, kept: bool = True) -> Role:
        """Start a role of that kind (`web` or `worker`) under a name of our own."""
        role = self._roles[name] = Role(name, kind, kept)
        self._start(role)
        return role

    def kill(self, name: str) -> None:
        """End it as a power cut does; it is started again if it is kept."""
        os.kill(self._roles[name].pid, signal.SIGKILL)

    async def end(self, name: str) -> None:
        """End it for good."""
        role = self._roles[name]
        role.kept = False
        before = len(role.killed_at)
        with contextlib.suppress(ProcessLookupError):
            os.kill(role.pid, signal.SIGKILL)
        await wait_until(lambda: len(role.killed_at) > before or not role.pid)

    @contextlib.asynccontextmanager
    async def paused(self, name: str) -> Any:
        """Stop it in the middle of whatever it does, and let it go on when the block ends."""
        pid = self._roles[name].pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def role(self, name: str) -> Role:
        """Return it."""
        return self._roles[name]

    def ends(self) -> int:
        """Return how often any of them ended."""
        return sum(len(role.killed_at) for role in self._roles.values())

    def _start(self, role: Role) -> None:
        assert self._launcher.stdin is not None
        order = {"name": role.name, "role": role.kind, "environment": self._environment, "log": str(self.log)}
        line = json.dumps(order | {"armed": str(self.armed), "without": self._without})
        self._launcher.stdin.write(line.encode() + b"\n")
        role.starts += 1

    async def _listen(self) -> None:
        assert self._launcher.stdout is not None
        async for line in self._launcher.stdout:
            fact = json.loads(line) if line.startswith(b"{") else {}
            if "ready" in fact:
                self._ready.set()
            elif "started" in fact:
                self._roles[fact["started"]].pid = fact["pid"]
            elif "ended" in fact:
                role = self._roles[fact["ended"]]
                role.killed_at.append(monotonic())
                role.pid = 0
                if role.kept and not self._stopping:
                    asyncio.get_running_loop().call_later(_AGAIN_AFTER, self._again, role)

    def _again(self, role: Role) -> None:
        if role.kept and not self._stopping:
            self._start(role)
