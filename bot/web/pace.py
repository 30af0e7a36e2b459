"""How often one caller may come: a bucket that fills by the second, so that bursts pass and floods do not."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic


@dataclass(slots=True)
class Pace:
    """At most `burst` at once and `per_second` in the long run, for each name and in this process."""

    per_second: float = 5.0
    burst: int = 50
    now: Callable[[], float] = monotonic
    _buckets: dict[str, tuple[float, float]] = field(default_factory=dict[str, tuple[float, float]])

    def wait(self, name: str) -> float:
        """Take one turn and return 0, or return the seconds until there is one. Names are few: those of our clients."""
        now = self.now()
        left, since = self._buckets.get(name, (float(self.burst), now))
        left = min(float(self.burst), left + (now - since) * self.per_second)
        if left < 1:
            return (1 - left) / self.per_second
        self._buckets[name] = (left - 1, now)
        return 0.0
