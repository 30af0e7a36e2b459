"""A killed server on a slow disk: what it has answered must be there when it comes back."""

import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

from bot.adapters.redis.embedded import embedded_server
from tests.fakes.processes import end, start
from tests.fakes.servers import start_redis

SLOW_DISK = (
    "strace",
    "-f",
    "-qq",
    "-o",
    "/dev/null",
    "-e",
    "trace=fdatasync",
    "-e",
    "inject=fdatasync:delay_enter=1200000",
)

pytestmark = pytest.mark.skipif(not shutil.which("strace"), reason="needs strace, which makes the disk slow")


def acknowledged_and_kept(folder: Path, *options: str) -> tuple[int, int]:
    """Append for three seconds on a disk that takes 1.2 s for each sync, kill the server, and count both."""
    server = embedded_server(folder)
    child = start([*SLOW_DISK, *server.command, *options], folder / "slow.log")
    acknowledged = 0
    try:
        client = _connected(child, server.url)
        pid = client.info("server")["process_id"]
        until = time.monotonic() + 3.0
        while time.monotonic() < until:
            client.xadd("events", {"number": acknowledged})
            acknowledged += 1
            time.sleep(0.001)
        subprocess.run(["kill", f"-{signal.SIGKILL.value}", str(pid)], check=True)
        child.wait(10)
        client.close()
    finally:
        end(child)
    again, url = start_redis(folder, "valkey")
    try:
        with Redis.from_url(url) as client:
            return acknowledged, client.xlen("events")
    finally:
        end(again)


def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    acknowledged, kept = acknowledged_and_kept(tmp_path)
    assert acknowledged > 500
    assert kept == acknowledged


def test_a_server_that_syncs_every_second_itself_loses_answers_it_gave(tmp_path: Path) -> None:
    acknowledged, kept = acknowledged_and_kept(tmp_path, "--appendfsync", "everysec")
    assert kept < acknowledged


def _connected(child: subprocess.Popen[bytes], url: str) -> Redis:
    client = Redis.from_url(url)
    deadline = time.monotonic() + 10
    while True:
        try:
            client.ping()
        except RedisError:
            assert child.poll() is None
            assert time.monotonic() < deadline, "the server did not get ready"
            time.sleep(0.02)
        else:
            return client
