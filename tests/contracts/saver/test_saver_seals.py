"""With a key, only what was stored in a place is read from it, and little is told to who can look."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bot.adapters.redis.checkpointer import CorruptCheckpointError, RedisSaver
from bot.adapters.redis.checkpointer.cipher import PlainSeal, sealing
from tests.contracts.saver.graphs import asking, chorus, config
from tests.contracts.saver.grounds import Ground
from tests.contracts.saver.savers import DAY
from tests.contracts.saver.talk import talking

KEY, OTHER = b"k" * 32, b"o" * 32
SECRET = "the password is swordfish"


@pytest.fixture
async def client(any_ground: Ground) -> AsyncIterator[Any]:
    """Yield a client of an empty server."""
    async with any_ground.client() as opened:
        yield opened


def sealed(client: Any, key: bytes | None = KEY) -> RedisSaver:
    """Return a saver with that key."""
    return RedisSaver(client, ttl=DAY, encryption_key=key)


async def fill(saver: RedisSaver, thread: str = "t") -> None:
    """Store a conversation, a secret in its metadata, and a question."""
    where = config(thread) | {"metadata": {"who": SECRET}}
    for number in range(3):
        await talking(saver).ainvoke({"messages": [f"{SECRET} {number} " * 9]}, where, durability="sync")
    await asking(saver, [SECRET]).ainvoke({}, where, durability="sync")


async def read(saver: RedisSaver, thread: str = "t") -> Any:
    """Return all that is readable of a thread."""
    return [each async for each in saver.alist(config(thread))]


async def data_of(client: Any, thread: str = "t") -> bytes:
    """Return the key of a thread's hash."""
    return (await client.keys(f"*={thread}}}:d"))[0]


async def test_nothing_that_was_said_is_readable_by_who_can_look(client: Any, any_ground: Ground) -> None:
    await fill(sealed(client))
    text = await any_ground.text()
    assert b"swordfish" not in text
    assert b"apr" not in text
    await client.flushall()
    await fill(sealed(client, None))
    assert b"swordfish" in await any_ground.text()


async def test_it_reads_like_one_without_a_key(client: Any) -> None:
    await fill(sealed(client))
    found = await read(sealed(client))
    assert found[-1].metadata["who"] == SECRET
    latest = await talking(sealed(client)).aget_state(config())
    assert len(latest.values["messages"]) == 6


@pytest.mark.parametrize(("stored", "asked"), [(None, KEY), (KEY, None), (KEY, OTHER)])
async def test_what_was_stored_under_another_key_or_none_is_refused(client: Any, stored: Any, asked: Any) -> None:
    await fill(sealed(client, stored))
    with pytest.raises(CorruptCheckpointError):
        await sealed(client, asked).aget_tuple(config())


def swapped(fields: dict[bytes, bytes], kind: bytes) -> dict[bytes, bytes]:
    """Return two fields of a kind, each with what the other holds."""
    one, two = sorted(name for name in fields if name.startswith(kind))[-2:]
    return {one: fields[two], two: fields[one]}


def shortened(fields: dict[bytes, bytes], kind: bytes) -> dict[bytes, bytes]:
    """Return the lists without their first element."""
    lists = {name: value for name, value in fields.items() if name.startswith(kind)}
    return {
        name: (int.from_bytes(value[:4], "big") - 1).to_bytes(4, "big") + value[20:] for name, value in lists.items()
    }


TAMPERED: list[tuple[Callable[..., dict[bytes, bytes]], bytes]] = [
    (swapped, b"h"),
    (swapped, b"w"),
    (swapped, b"#"),
    (swapped, b"l"),
    (shortened, b"l"),
]


@pytest.mark.parametrize("key", [KEY, None], ids=["encrypted", "plain"])
@pytest.mark.parametrize(("tampered", "kind"), TAMPERED)
async def test_what_was_moved_or_cut_is_refused(client: Any, tampered: Any, kind: bytes, key: bytes | None) -> None:
    await fill(sealed(client, key))
    data = await data_of(client)
    fields = await client.hgetall(data)
    await client.hset(data, mapping=tampered(fields, kind))
    with pytest.raises(CorruptCheckpointError):
        await read(sealed(client, key))


@pytest.mark.parametrize(("tampered", "kind"), TAMPERED[1:2])
async def test_a_saver_that_binds_no_place_is_caught(
    client: Any, tampered: Any, kind: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PlainSeal, "close", lambda self, plain, name: b"\0" + plain)
    monkeypatch.setattr(PlainSeal, "open", lambda self, stored, name: stored[1:])
    await fill(sealed(client, None))
    data = await data_of(client)
    await client.hset(data, mapping=tampered(await client.hgetall(data), kind))
    assert await read(sealed(client, None))


async def test_equal_texts_of_two_threads_look_different(client: Any) -> None:
    for thread in ("t", "u"):
        await fill(sealed(client), thread)
    mine, others = [await client.hkeys(await data_of(client, thread)) for thread in ("t", "u")]
    assert not {name for name in mine if name.startswith(b"#")} & {name for name in others if name.startswith(b"#")}


@pytest.mark.parametrize("key", [KEY, None], ids=["encrypted", "plain"])
async def test_a_copy_reads_as_the_thread_it_is_of(client: Any, key: bytes | None) -> None:
    saver = sealed(client, key)
    await fill(saver)
    await chorus(saver, ["ann", "bob"], 3).ainvoke({"rounds": 0}, config("delta"), durability="sync")
    for thread in ("t", "delta"):
        await saver.acopy_thread(thread, f"{thread}-copy")
        original, copy = await read(saver, thread), await read(saver, f"{thread}-copy")
        assert [each[1:3] + each[4:] for each in copy] == [each[1:3] + each[4:] for each in original]
    graph = chorus(saver, ["ann", "bob"], 3)
    told = [(await graph.aget_state(config(thread))).values["told"] for thread in ("delta", "delta-copy")]
    assert told[0] == told[1] != []
    state = await asking(saver, [SECRET]).aget_state(config("t-copy"))
    assert state.interrupts[0].value == {"act": SECRET}


async def test_a_copy_of_a_fenced_thread_is_free(client: Any) -> None:
    saver = sealed(client)
    await asking(saver, ["restart"]).ainvoke({}, config(__fencing_epoch=3), durability="sync")
    await saver.acopy_thread("t", "copy")
    assert b"e" not in await client.hkeys(await data_of(client, "copy"))


def test_the_same_text_is_sealed_differently_each_time_and_opens_in_its_place_alone() -> None:
    seal = sealing(KEY)(b"thread")
    one, two = seal.close(b"text", b"name"), seal.close(b"text", b"name")
    assert one != two
    assert seal.open(one, b"name") == seal.open(two, b"name") == b"text"
    for other, name in ((seal, b"other"), (sealing(KEY)(b"another"), b"name"), (sealing(OTHER)(b"thread"), b"name")):
        with pytest.raises(CorruptCheckpointError):
            other.open(one, name)
    for torn in (b"", b"\1", one[:-1], one[:13], b"\2" + one[1:], b"\0" + one[1:]):
        with pytest.raises(CorruptCheckpointError):
            seal.open(torn, b"name")


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        sealing(b"k" * length)
