"""A signed link opens one page for a day; nobody else can make one."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.web.links import LIFETIME, TimelineLinks, link_is_valid, signed_link
from tests.fakes.clock import START, FakeClock

SECRET = "a secret of this test"


def parts(link: str) -> tuple[str, str, str]:
    """Return subject, expiry and signature of a link."""
    address = urlsplit(link)
    query = parse_qs(address.query)
    return address.path.rsplit("/", 1)[1], query["expires"][0], query["signature"][0]


def test_a_link_opens_until_it_runs_out() -> None:
    subject, expires, signature = parts(signed_link("https://bot.example", SECRET, "INC-1", START))
    assert link_is_valid(SECRET, subject, expires, signature, START)
    assert link_is_valid(SECRET, subject, expires, signature, START + LIFETIME - timedelta(seconds=1))
    assert not link_is_valid(SECRET, subject, expires, signature, START + LIFETIME + timedelta(hours=1))


@given(st.text(max_size=30), st.text(max_size=14), st.text(max_size=40))
def test_a_made_up_link_never_opens_and_never_raises(subject: str, expires: str, signature: str) -> None:
    assert not link_is_valid(SECRET, subject, expires, signature, START)


@pytest.mark.parametrize("changed", ["subject", "expires", "signature", "secret"])
def test_a_link_with_one_part_changed_does_not_open(changed: str) -> None:
    subject, expires, signature = parts(signed_link("https://bot.example", SECRET, "INC-1", START))
    given_ = {"secret": SECRET, "subject": subject, "expires": expires, "signature": signature}
    other = {"secret": "other", "subject": "INC-2", "expires": str(int(expires) + 1), "signature": signature[::-1]}
    assert link_is_valid(**given_, now=START)
    assert not link_is_valid(**(given_ | {changed: other[changed]}), now=START)


def test_a_card_that_is_shown_again_within_the_hour_has_the_same_link() -> None:
    clock = FakeClock(START + timedelta(minutes=5))
    links = TimelineLinks("https://bot.example", SECRET, clock)
    first = links.url("INC-1", anchor="E1")
    clock.advance(minutes=50)
    assert links.url("INC-1", anchor="E1") == first
    assert first.endswith("#E1")


def test_without_an_address_or_a_secret_there_are_no_links() -> None:
    assert TimelineLinks("", SECRET, FakeClock()).url("INC-1") == ""
    assert TimelineLinks("https://bot.example", "", FakeClock()).url("INC-1") == ""
