"""How a client is opened: every wait is bounded, so that an edge can say "not recorded" before its caller gives up."""

from contextlib import AbstractContextManager
from types import TracebackType

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import RedisError

from core.errors import TransientError

_POOL = 64


def connect(url: str, *, timeout: float = 10.0) -> Redis:
    """Return a client for `redis://`, `rediss://` or `unix://` that answers in bytes; connects on first use.

    `timeout` bounds one answer, in seconds, and has to be longer than any blocking read. A lost connection is tried
    twice more, so a command may arrive twice: whatever is sent must be safe to repeat."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=_POOL,
        timeout=5,
        socket_timeout=timeout,
        socket_connect_timeout=2,
        health_check_interval=15,
        retry=Retry(ExponentialWithJitterBackoff(base=0.02, cap=0.2), 2),
        client_name="watchkeeper",
        driver_info=None,  # else each connection reads the package's metadata from the disk, in the middle of the loop
    )
    return Redis.from_pool(pool)


class _Outages:
    """A class, as a generator would cost an acknowledgement more than the check of its signature."""

    __slots__ = ()

    def __enter__(self) -> None: ...

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        if isinstance(error, RedisError | OSError | TimeoutError):
            raise TransientError(f"redis: {type(error).__name__}: {error}") from error


_OUTAGES = _Outages()


def outages() -> AbstractContextManager[None]:
    """Say TransientError for whatever keeps Redis from doing what it was told."""
    return _OUTAGES
