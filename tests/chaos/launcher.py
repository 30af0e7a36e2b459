"""A process that has imported the whole bot and forks a role on demand: a start costs a tenth of a second, not three.

Its four arguments are `roles.Spans` in seconds. It reads one JSON object a line on stdin: {"name", "role",
"environment", "log", "armed", "without"}, and writes one a line on stdout: {"started", "pid"} and {"ended", "pid",
"status"}. When stdin ends it kills what it has started and goes.
"""

import asyncio
import contextlib
import ctypes
import functools
import importlib
import json
import os
import selectors
import signal
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.chaos.crash_points import CrashPoint, Spot
from tests.chaos.weakened import WEAKENED

_PR_SET_PDEATHSIG = 1
_IMPORTED = ("bot.__main__", "bot.commands.run", "bot.bootstrap.web", "bot.bootstrap.worker", "bot.bootstrap.timeline")
_IN_FLIGHT = 0.05  # seconds into a call
_BETWEEN_COMMITS = 0.15  # seconds into it when the click's own rows are written: a paused writer keeps SQLite's lock


def arm(point: CrashPoint, number: int, spot: Spot, folder: Path) -> None:
    """Make the spot's method end this process as a power cut does, once, when `folder` holds the point's file.

    The file, which is taken first, bears the number of the spot that is meant. If it says "stop", the process is
    paused there instead, until somebody lets it go on."""
    owner_path, _, name = spot.path.rpartition(".")
    module, _, owner_name = owner_path.rpartition(".")
    owner = getattr(importlib.import_module(module), owner_name)
    method = getattr(owner, name)
    mark = folder / f"{point.name}.{number}"

    @functools.wraps(method)
    async def wrapped(*arguments: Any, **more: Any) -> Any:
        if spot.when == "before" and spot.applies(arguments, None):
            _die_if_armed(mark)
        if spot.when == "during" and mark.exists():
            pause = _BETWEEN_COMMITS if mark.read_text() == "stop" else _IN_FLIGHT
            asyncio.get_running_loop().call_later(pause, _die_if_armed, mark)
        result = await method(*arguments, **more)
        if spot.when == "after" and spot.applies(arguments, result):
            _die_if_armed(mark)
        return result

    setattr(owner, name, wrapped)


def _die_if_armed(mark: Path) -> None:
    try:
        fate = mark.read_text()
        mark.unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGSTOP if fate == "stop" else signal.SIGKILL)


class Launcher:
    """Forks roles and tells of their ends."""

    def __init__(self) -> None:
        self._children: dict[int, str] = {}
        self._wake, ring = os.pipe()
        os.set_blocking(ring, False)
        signal.set_wakeup_fd(ring)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> None:
        """Work until stdin ends."""
        selector = selectors.DefaultSelector()
        selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
        selector.register(self._wake, selectors.EVENT_READ)
        rest = b""
        while True:
            for key, _ in selector.select():
                data = os.read(key.fd, 65536)
                if key.fd == self._wake:
                    self._collect()
                    continue
                if not data:
                    return self._end()
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    self._fork(json.loads(line))

    def _fork(self, order: dict[str, Any]) -> None:
        pid = os.fork()
        if pid == 0:
            _become(order)
        self._children[pid] = order["name"]
        _tell(started=order["name"], pid=pid)

    def _collect(self) -> None:
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            _tell(ended=self._children.pop(pid), pid=pid, status=os.waitstatus_to_exitcode(status))

    def _end(self) -> None:
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)
        for pid in self._children:
            os.waitpid(pid, 0)


def _become(order: dict[str, Any]) -> None:
    """Be the role until it ends; never returns."""
    status = 1
    try:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for given, wanted in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(given, wanted)
        os.environ.clear()
        os.environ.update(order["environment"])
        _prepare(Path(order["armed"]), order["without"])
        status = _main()(["--env-file", os.devnull, "run", "--role", order["role"]])
    except BaseException:  # noqa: BLE001 - whatever it is: it must be in the log, and must not return into the fork's loop
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _prepare(armed: Path, without: list[str]) -> None:
    for name in without:
        WEAKENED[name]()
    for point in CrashPoint:
        for number, spot in enumerate(point.spots):
            with contextlib.suppress(ImportError):  # a point that is never reached fails the test that armed it
                arm(point, number, spot, armed)


def _main() -> Callable[[list[str]], int]:
    return importlib.import_module("bot.__main__").main


def _tell(**fact: Any) -> None:
    print(json.dumps(fact), flush=True)


def _shorten(act: float, settle: float, consumer: float, thread: float) -> None:
    """Put these seconds (0: leave the product's own) in place of an action's patience, of that with a lost answer, and
    of the spans after which a dead worker's entries and threads are free."""
    if act:  # the tools read it when they are imported
        setattr(importlib.import_module("tools.supervisor.operation"), "TIMEOUT", act)  # noqa: B010
    if settle:
        importlib.import_module("tools.guard").Guard.__init__.__kwdefaults__["settle_seconds"] = settle
    if consumer:
        queue = importlib.import_module("bot.adapters.redis.queue").RedisQueue
        queue.__init__.__kwdefaults__["lease"] = timedelta(seconds=consumer)
    if thread:
        setattr(importlib.import_module("bot.bootstrap.worker"), "_THREAD_LEASE", timedelta(seconds=thread))  # noqa: B010


if __name__ == "__main__":
    _shorten(*map(float, sys.argv[1:]))
    for each in _IMPORTED:
        importlib.import_module(each)
    assert threading.active_count() == 1, threading.enumerate()
    _tell(ready=True)
    Launcher().serve()
