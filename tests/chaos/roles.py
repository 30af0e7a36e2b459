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
from typing import NamedTuple, Self

import psutil

from tests.fakes.running_bot import ROOT
from tests.fakes.waiting import wait_until

_AGAIN_AFTER = 0.2  # seconds, as our own supervisor waits after a first crash
_PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR")


class Spans(NamedTuple):
    """Seconds that tests wait for; 0 is the product's own (25, 5, 3 and 5)."""

    act: float
    settle: float
    consumer: float
    thread: float


SHORT = Spans(2.0, 0.5, 1.0, 1.5)
OWN_LEASES = Spans(2.0, 0.5, 0, 0)


@dataclass
class Role:
    """One process of ours: `kept` means that it is started again when it ends, `without` which protections it lacks."""

    name: str
    kind: str
    kept: bool
    without: tuple[str, ...]
    pid: int = 0
    starts: int = 0
    killed_at: list[float] = field(default_factory=list[float])


class Roles:
    """Keeps roles running in `folder`; `environment` is theirs, `without` names the protections that are removed."""

    def __init__(self, folder: Path, environment: Mapping[str, str], without: tuple[str, ...], spans: Spans) -> None:
        self._spans = spans
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
                sys.executable, "-m", "tests.chaos.launcher", *map(str, self._spans), cwd=ROOT, stderr=log,
                env=given | {"LANGGRAPH_STRICT_MSGPACK": "true"},
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
        self._listening = asyncio.create_task(self._listen())
        try:
            await wait_until(lambda: self._ready.is_set() or self._listening.done(), 40)
            assert self._ready.is_set(), self.log.read_text()[-3000:]
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopping = True
        assert self._launcher.stdin is not None
        self._launcher.stdin.close()
        await self._launcher.wait()
        await self._listening

    def keep(self, name: str, kind: str, *, kept: bool = True) -> Role:
        """Start a role of that kind (`web` or `worker`) under a name of our own."""
        role = self._roles[name] = Role(name, kind, kept, self._without)
        self._start(role)
        return role

    def kill(self, name: str) -> None:
        """End it as a power cut does; it is started again if it is kept."""
        os.kill(self._roles[name].pid, signal.SIGKILL)

    async def deploy(self, name: str, without: tuple[str, ...]) -> None:
        """Stop it in good order, and have it started again as a version that lacks those protections."""
        role = self._roles[name]
        before, role.without = role.starts, without
        os.kill(role.pid, signal.SIGTERM)
        await wait_until(lambda: role.starts > before, 20)

    async def end(self, name: str) -> None:
        """End it for good."""
        role = self._roles[name]
        role.kept = False
        before = len(role.killed_at)
        with contextlib.suppress(ProcessLookupError):
            os.kill(role.pid, signal.SIGKILL)
        await wait_until(lambda: len(role.killed_at) > before or not role.pid)

    async def stopped(self, name: str, within: float = 20.0) -> None:
        """Wait until it is paused at a point that was armed with "stop"."""
        process = psutil.Process(self._roles[name].pid)
        await wait_until(lambda: process.status() == psutil.STATUS_STOPPED, within)

    def go_on(self, name: str) -> None:
        """Let a paused process go on."""
        os.kill(self._roles[name].pid, signal.SIGCONT)

    def role(self, name: str) -> Role:
        """Return it."""
        return self._roles[name]

    def ends(self) -> list[float]:
        """Return when one of them ended, for each time."""
        return sorted(at for role in self._roles.values() for at in role.killed_at)

    def all_there(self) -> bool:
        """True when none of those that are kept is down."""
        return all(role.pid for role in self._roles.values() if role.kept)

    def _start(self, role: Role) -> None:
        assert self._launcher.stdin is not None
        order = {"name": role.name, "role": role.kind, "environment": self._environment, "log": str(self.log)}
        line = json.dumps(order | {"armed": str(self.armed), "without": role.without})
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
