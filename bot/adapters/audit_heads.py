"""The file of signed heads: lines that are only ever added, on the disk before anybody is told of them."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from core.audit_head import SignedHead
from core.errors import TransientError

_TAIL = 65_536  # bytes: some two hundred heads


class HeadsFile:
    """`audit-heads.jsonl`, for one writer at a time; beside it the newest head (`.last`), which is always written over,
    and how far the channel has been told (`.posted`)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._last = path.with_suffix(".last")
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

    def keep(self, head: SignedHead) -> None:
        """Put the head in the place of the last one and return once it is on the disk; TransientError as for append."""
        try:
            _put(self._last, f"{head.as_json()}\n", durable=True)
        except OSError as error:
            raise TransientError(f"{self._last} cannot be written ({error.strerror})") from error

    def kept(self) -> SignedHead | None:
        """Return what `keep` was given last; None without one, or when it is older than the file: then it belongs to a
        history that an operator has ended. ValueError when it is no head."""
        try:
            head = SignedHead.parse(self._last.read_text(encoding="utf-8", errors="replace"))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TransientError(f"{self._last} cannot be read ({error.strerror})") from error
        except ValueError as error:
            raise ValueError(f"{self._last} is no signed head") from error
        first = self.first()
        return head if first and head.at >= first.at else None

    def posted(self, channel: str) -> int | None:
        """Return the sequence number of the last head that this channel was told of; None when that is not known."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            kept = json.loads(self._told.read_text(encoding="utf-8"))
            return int(kept["sequence"]) if kept["channel"] == channel else None
        return None

    def note_posted(self, channel: str, head: SignedHead) -> None:
        """Remember that this channel was told of that head."""
        try:
            _put(self._told, json.dumps({"channel": channel, "sequence": head.sequence}), durable=False)
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


def _put(path: Path, text: str, *, durable: bool) -> None:
    """Write aside and put in place, so that whoever reads finds the old text or the new one."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        if durable:
            os.fsync(file.fileno())
    draft.replace(path)


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
