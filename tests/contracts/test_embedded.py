"""The server that the bot brings along: durable, private, and where nobody else can reach it."""

import asyncio
import os
import stat
from pathlib import Path

import pytest

from bot.adapters.redis.connection import connect
from bot.adapters.redis.embedded import embedded_server, keep_on_disk, wait_ready
from core.errors import ConfigurationError, TransientError
from tests.fakes.processes import end
from tests.fakes.servers import start_redis
from tests.fakes.waiting import wait_until

WANTED = {
    "appendonly": "yes",
    "appendfsync": "no",
    "maxmemory-policy": "noeviction",
    "maxmemory": "0",
    "port": "0",
    "save": "",
}


async def test_it_keeps_what_it_is_told_and_has_no_port(tmp_path: Path) -> None:
    folder = tmp_path / 'with a "quoted" space'
    child, url = start_redis(folder, "valkey")
    client = connect(url)
    try:
        await wait_ready(url)
        assert await client.config_get(*WANTED) == WANTED
        assert await client.config_get("dir") == {"dir": str(folder)}
    finally:
        await client.aclose()
        end(child)
    assert (folder / "appendonlydir").is_dir()


def test_its_folder_is_for_one_user(tmp_path: Path) -> None:
    (tmp_path / "redis").mkdir(mode=0o755)
    embedded_server(tmp_path / "redis")
    assert stat.S_IMODE((tmp_path / "redis").stat().st_mode) == 0o700


async def test_a_deep_folder_gets_a_short_socket(tmp_path: Path) -> None:
    child, url = start_redis(tmp_path / ("deep" * 25) / ("deeper" * 10), "valkey")
    try:
        await wait_ready(url)
        assert len(url) < 110
    finally:
        end(child)


def test_a_link_in_place_of_its_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "redis").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigurationError, match="DATA_DIR"):
        embedded_server(tmp_path / "redis")


async def test_a_server_that_does_not_come_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    with pytest.raises(TransientError):
        await wait_ready(f"unix://{tmp_path}/nothing.sock", within=0.2)


async def test_what_it_has_written_is_brought_to_disk_without_being_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fdatasync = os.fdatasync

    def noting(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fdatasync(descriptor)

    monkeypatch.setattr(os, "fdatasync", noting)
    child, _ = start_redis(tmp_path, "valkey")
    syncing = asyncio.create_task(keep_on_disk(tmp_path, every=0.01))
    try:
        await wait_until(lambda: len(synced) > 2)
        assert set(synced) == {"appendonly.aof.1.incr.aof"}
    finally:
        syncing.cancel()
        end(child)


async def test_a_folder_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(keep_on_disk(tmp_path / "later", every=0.01), timeout=0.1)
