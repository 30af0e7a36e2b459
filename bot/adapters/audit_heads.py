"""The file of signed heads: lines that are only ever added, on the disk before anybody is told of them."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from core.audit_head import SignedHead
from core.errors import TransientError

_TAIL = 65_536  # bytes: some two hundred heads


class HeadsFile:
    """`audit-heads.jsonl`, and beside it how far the channel has been told; for one writer at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._told = path.with_suffix(".posted")

    def append(self, head: SignedHead) -> None:
        """Add a line and return once it is on the disk; TransientError when there is no room or no folder for it."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            new = not self.path.exists()
            with open(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "rb+") as file:
                _mend(file.fileno())
                file.write(f"{head.as_json()}\n".encode("ascii"))
                file.flush()
                os.fsync(file.fileno())
            if new:
                _sync_folder(self.path.parent)
        except OSError as error:
            raise TransientError(f"{self.path} cannot be written ({error.strerror})") from error

    def latest(self) -> list[SignedHead | None]:
        """Return the last heads, oldest first (at most two hundred or so); None stands for a line that is no head."""
        return list(self._lines(_TAIL))

    def first(self) -> SignedHead | None:
        """Return the oldest head; None without one."""
        with suppress(FileNotFoundError, ValueError), self.path.open(encoding="utf-8", errors="replace") as file:
            return SignedHead.parse(file.readline())
        return None

    def posted(self, channel: str) -> int | None:
        """Return the sequence number of the last head that this channel was told of; None when that is not known."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            kept = json.loads(self._told.read_text(encoding="utf-8"))
            return int(kept["sequence"]) if kept["channel"] == channel else None
        return None

    def note_posted(self, channel: str, head: SignedHead) -> None:
        """Remember that this channel was told of that head."""
        draft = self._told.with_name(f"{self._told.name}.{os.getpid()}")
        try:
            draft.write_text(json.dumps({"channel": channel, "sequence": head.sequence}), encoding="utf-8")
            draft.replace(self._told)
        except OSError as error:
            raise TransientError(f"{self._told} cannot be written ({error.strerror})") from error

    def _lines(self, tail: int) -> Iterator[SignedHead | None]:
        try:
            with self.path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                start = file.seek(max(0, size - tail))
                lines = file.read().split(b"\n")
        except FileNotFoundError:
            return
        except OSError as error:
            raise TransientError(f"{self.path} cannot be read ({error.strerror})") from error
        # What has no end was cut off by a crash; what has no beginning lies before the tail.
        for line in lines[1 if start else 0 : -1]:
            try:
                yield SignedHead.parse(line.decode("utf-8", "replace"))
            except ValueError:
                yield None


def _mend(file: int) -> None:
    """Take away a line without an end: nobody was told of what a crash cut off."""
    size = os.fstat(file).st_size
    tail = os.pread(file, min(size, _TAIL), max(0, size - _TAIL))
    if tail and not tail.endswith(b"\n"):
        os.ftruncate(file, size - len(tail) + tail.rfind(b"\n") + 1)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
