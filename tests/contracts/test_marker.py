"""A Redis is known again by its mark until it is emptied."""

from bot.adapters.redis import keys
from bot.adapters.redis.connection import connect
from bot.adapters.redis.marker import Marker


async def test_the_first_mark_stays_until_everything_is_lost(any_redis_url: str) -> None:
    redis = connect(any_redis_url)
    marker = Marker(redis)
    assert [await marker.mark(each) for each in ("one", "two")] == ["one", "one"]
    assert 0 < await redis.ttl(keys.MARK) <= keys.MARK_FOR.total_seconds()
    await redis.flushall()
    assert await Marker(redis).mark("three") == "three"
    await redis.aclose()
