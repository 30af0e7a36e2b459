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
        """Return the seconds until there is a turn; 0 when there is one now. Names are few: those of our clients."""
        return max(0.0, (1 - self._left(name)) / self.per_second)

    def take(self, name: str) -> None:
        """Take a turn."""
        self._buckets[name] = (self._left(name) - 1, self.now())

    def _left(self, name: str) -> float:
        left, since = self._buckets.get(name, (float(self.burst), 0.0))
        return min(float(self.burst), left + (self.now() - since) * self.per_second)
