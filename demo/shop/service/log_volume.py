"""The log volume of one service: JSON lines under a real quota, so that a full disk is a full disk."""

import errno
import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

VOLUME_BYTES = 2 * 1024 * 1024
ROTATE_BYTES = 384 * 1024
FLOOD_LINE_BYTES = 1000


class LogVolume:
    """Files in one directory whose sizes together may not pass the quota; a write beyond it raises ENOSPC."""

    def __init__(self, directory: Path, name: str, size: int = VOLUME_BYTES) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.size = size
        self.path = directory / f"{name}.log"
        self.debug_path = directory / f"{name}.debug.log"
        self._older = directory / f"{name}.log.1"
        self.used = self._measure()
        if self.used > size / 2:
            self._rotate()
            self.debug_path.unlink(missing_ok=True)
        self._main = self._open(self.path)
        self._debug = self._open(self.debug_path)
        self.used = self._measure()

    @property
    def full(self) -> bool:
        return self.size - self.used < FLOOD_LINE_BYTES * 4

    def append(self, line: bytes, *, debug: bool = False) -> None:
        """Append one or more whole lines. Raises OSError(ENOSPC) when the quota does not allow it."""
        if self.used + len(line) > self.size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path.parent))
        self.used += os.write(self._debug if debug else self._main, line)
        if not debug and os.fstat(self._main).st_size > ROTATE_BYTES:
            os.close(self._main)
            self._rotate()
            self._main = self._open(self.path)
            self.used = self._measure()

    def _rotate(self) -> None:
        if self.path.exists():
            self.path.replace(self._older)

    def _measure(self) -> int:
        return sum(path.stat().st_size for path in (self.path, self.debug_path, self._older) if path.exists())

    @staticmethod
    def _open(path: Path) -> int:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)


class ServiceLog:
    """Writes the service's JSON lines; what cannot be written is counted and mentioned on stderr."""

    def __init__(self, volume: LogVolume, service: str, version: str, on_write_error: Callable[[], None]) -> None:
        self.volume = volume
        self.service = service
        self.version = version
        self._on_write_error = on_write_error
        self._complained_at = 0.0

    def write(self, level: str, msg: str, **fields: Any) -> None:
        """Log one line; a full volume is survived."""
        try:
            self.journal(level, msg, **fields)
        except OSError as failure:
            self._complain(failure)

    def journal(self, level: str, msg: str, **fields: Any) -> None:
        """Log one line that must be kept. Raises OSError when it cannot be."""
        try:
            self.volume.append(self._encode(level, msg, fields))
        except OSError:
            self._on_write_error()
            raise

    def flood(self, lines: int) -> None:
        """Write `lines` needless debug lines of about 1 kB; what does not fit is counted as failed."""
        padding = "x" * (FLOOD_LINE_BYTES - 240)
        line = self._encode("debug", "cart cache dump", {"logger": "cart.cache", "dump": padding})
        for _ in range(lines):
            try:
                self.volume.append(line, debug=True)
            except OSError as failure:
                self._on_write_error()
                self._complain(failure)
                return

    def _encode(self, level: str, msg: str, fields: dict[str, Any]) -> bytes:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        record = {"ts": now, "level": level, "service": self.service, "version": self.version, "msg": msg, **fields}
        return json.dumps(record, separators=(",", ":")).encode() + b"\n"

    def _complain(self, failure: OSError) -> None:
        """Say it on stderr, which the supervisor keeps outside the volume, at most once a second."""
        if time.monotonic() - self._complained_at < 1.0:
            return
        self._complained_at = time.monotonic()
        line = self._encode("error", "log write failed", {"error": f"OSError: {failure}"})
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()
