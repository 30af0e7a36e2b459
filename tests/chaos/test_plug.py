"""A worker in the test's own process dies at the call that was named, and at no other."""

import pytest

from tests.chaos.inside.plug import Plug, Unplugged


async def test_a_call_that_is_to_be_the_last_is_made_and_kills() -> None:
    plug = Plug()
    plug.burn(2, after=True)
    made: list[str] = []
    async with plug.port("first"):
        made.append("first")
    with pytest.raises(Unplugged, match="after second"):
        async with plug.port("second"):
            made.append("second")
    with pytest.raises(Unplugged):
        async with plug.port("third"):
            made.append("third")
    assert made == ["first", "second"]


async def test_a_call_that_waits_for_its_answer_kills_nobody_who_was_mended_meanwhile() -> None:
    plug = Plug()
    plug.burn(1, after=True)
    async with plug.port("waits"):
        plug.mend()
    assert not plug.pulled
