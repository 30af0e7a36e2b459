"""Slack's rate tiers as token buckets, one per method, app and (for posts) channel."""

import math
import time

from demo.slack.faults import Faults

TIER_1, TIER_2, TIER_3, TIER_4 = 1, 20, 50, 100
SPECIAL = 600
POST_PER_MINUTE, POST_BURST = 60, 10


class RateLimiter:
    """A bucket holds one minute's calls and refills steadily; `faults.rate_limits` scales it, 0 turns it off."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._buckets: dict[tuple[str, ...], tuple[float, float]] = {}

    def take(self, key: tuple[str, ...], per_minute: int, burst: int | None = None) -> int:
        """0 when the call may pass, else whole seconds for Retry-After."""
        scale = self._faults.rate_limits
        if scale <= 0:
            return 0
        rate = per_minute * scale / 60
        capacity = (burst or per_minute) * max(scale, 1.0)
        now = time.monotonic()
        level, since = self._buckets.get(key, (capacity, now))
        level = min(capacity, level + (now - since) * rate)
        if level < 1:
            self._buckets[key] = (level, now)
            return max(1, math.ceil((1 - level) / rate))
        self._buckets[key] = (level - 1, now)
        return 0
