"""May anything be changed at all: asked before a vote to approve counts, and again in the last look before an act."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

SKEW = timedelta(seconds=10)
"""By how much a worker's clock may differ from Slack's, Redis's or the database's, so two workers' by twice that; more
than the seconds that these may take to answer."""

Unfit = Callable[[], Awaitable[str]]
"""Returns why nothing may be changed at the moment, in a sentence without its full stop, or an empty text."""


async def fit() -> str:
    """Nothing stands in the way: for whoever has no self-check to ask."""
    return ""
