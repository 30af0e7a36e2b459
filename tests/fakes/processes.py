"""Child processes for tests: they die with the test run, and are ended by the very handle that started them."""

import ctypes
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def start(
    command: Sequence[str], log: Path, *, user: int | None = None, stop: int = signal.SIGTERM
) -> subprocess.Popen[bytes]:
    """Start a child that gets the signal `stop` when the test run dies; its output goes to the file `log`."""
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def tie() -> None:
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, stop)

    with log.open("ab") as output:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, preexec_fn=tie, user=user, group=user
        )


def end(child: subprocess.Popen[bytes], sign: int = signal.SIGTERM) -> None:
    """End a child of `start` and wait until it is gone."""
    if child.poll() is None:
        child.send_signal(sign)
    try:
        child.wait(10)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait(10)


def free_port() -> int:
    """Return a port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
