"""`python -m demo` as a newcomer runs it: one ready line, a page, and nothing left behind."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.timeout(90)


@pytest.fixture
def demo() -> Iterator[subprocess.Popen[str]]:
    """The demo as a child process on a free port; whatever is left of its family, and of its files, is removed."""
    with tempfile.TemporaryDirectory() as folder:  # a short one, as a socket's path may not be long
        process = subprocess.Popen(
            [sys.executable, "-m", "demo", "--port", "0"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "TMPDIR": folder},
        )
        yield process
        for each in [*family(process.pid), *([psutil.Process(process.pid)] if process.poll() is None else [])]:
            each.kill()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()


def family(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def ready_url(process: subprocess.Popen[str]) -> str:
    """Read its output to the ready line; returns the page's address."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("ready: "):
            return line.removeprefix("ready: ").strip()
    raise AssertionError("the demo ended before it was ready")


def told_command(process: subprocess.Popen[str]) -> list[str]:
    """Read on to what may be typed in another terminal."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("In another terminal"):
            return shlex.split(process.stdout.readline())
    raise AssertionError("the demo ended before it said so")


def all_gone(processes: list[psutil.Process], within: float) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=within)
    return not alive


def ends_at(process: subprocess.Popen[str], sign: signal.Signals) -> None:
    """Ask the demo to end; AssertionError unless it does so soon, content, and takes everything with it."""
    children = family(process.pid)
    assert children
    started = time.monotonic()
    process.send_signal(sign)
    assert process.wait(20) == 0
    assert all_gone(children, within=10)
    assert time.monotonic() - started < 15


def test_the_demo_shows_a_page_and_a_line_for_another_terminal_and_ctrl_c_leaves_no_process(
    demo: subprocess.Popen[str], tmp_path: Path
) -> None:
    assert "Watchkeeper" in httpx.get(ready_url(demo)).text
    assert len(family(demo.pid)) >= 6
    *given, act, what = told_command(demo)
    assert (act, what) == ("dead", "list")
    plain = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    for verb, said in [
        (("dead", "list"), "no dead letters"),
        (("audit", "verify"), "audit: intact, "),
        (("policy", "check"), "demo/policy.yaml: valid"),
        (("tools",), "restart_service"),
    ]:
        done = subprocess.run([*given, *verb], cwd=ROOT, env=plain, capture_output=True, text=True, timeout=30)
        assert (done.returncode, said in done.stdout) == (0, True), done
    ends_at(demo, signal.SIGINT)


def test_a_demo_that_is_killed_takes_its_family_with_it(demo: subprocess.Popen[str]) -> None:
    ready_url(demo)
    children = family(demo.pid)
    demo.kill()
    assert all_gone(children, within=15)


def test_a_port_that_is_taken_is_said_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-m", "demo", "--port", str(port)], cwd=ROOT, capture_output=True, text=True, timeout=60
        )
    assert ended.returncode == 1
    assert f"is port {port} taken?" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("port", ["abc", "99999", "-1"])
def test_a_port_that_is_none_is_said_in_one_line(port: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "demo"],
        cwd=ROOT,
        env={**os.environ, "DEMO_PORT": port},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert "DEMO_PORT" in line
    assert repr(port) in line


def test_a_bot_that_ends_by_itself_is_told_of_and_the_rest_still_ends_when_asked(demo: subprocess.Popen[str]) -> None:
    ready_url(demo)
    assert demo.stdout is not None
    (bot,) = (child for child in psutil.Process(demo.pid).children() if child.cmdline()[-1] == "run")
    bot.kill()
    assert any("The bot ended by itself" in line for line in demo.stdout)
    ends_at(demo, signal.SIGTERM)
