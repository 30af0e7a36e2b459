"""What the saver raises beside core's CorruptCheckpointError: an outage is TransientError, a lost lease FencedError."""

from types import TracebackType

from redis.exceptions import RedisClusterException, RedisError, ResponseError

from core.errors import CorruptCheckpointError, TransientError


class FencedError(TransientError):
    """Somebody with a later epoch has taken the thread: what was asked for did not happen, and must not be tried again
    under this epoch."""

    def __init__(self, thread_id: str, epoch: int | None, stored: int) -> None:
        asked = "without an epoch" if epoch is None else f"under epoch {epoch}"
        super().__init__(f"thread {thread_id!r} belongs to epoch {stored}; it was asked for {asked}")
        self.epoch = epoch
        self.stored = stored


_TORN = ("WRONGTYPE", "attempt to ", "bad argument", "Bad data format", "Missing bytes", "not an integer")
"""What Redis says when a script meets a key or a field that no script of ours has written."""


class outages:
    """Says TransientError for whatever keeps Redis from answering, and CorruptCheckpointError for what no saver wrote.

    A read that fails is never taken for a thread that is empty: a graph would start over from nothing. A class, as a
    generator in its place is a thirtieth of a put."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if isinstance(error, ResponseError) and any(sign in str(error) for sign in _TORN):
            raise CorruptCheckpointError(f"redis: what is stored of the thread is torn: {error}") from error
        if isinstance(error, RedisError | RedisClusterException | OSError | TimeoutError):
            raise TransientError(f"redis: {type(error).__name__}: {error}") from error
