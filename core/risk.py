"""How much harm a tool can do: a property of its spec, never of the model's opinion."""

from enum import StrEnum


class Risk(StrEnum):
    """Tiers in rising order; compare with `at_most`, not with `<` (which would compare the words)."""

    READ = "read"
    REVERSIBLE = "reversible"
    DISRUPTIVE = "disruptive"
    DESTRUCTIVE = "destructive"

    @property
    def rank(self) -> int:
        """Position from 0 (read) to 3 (destructive)."""
        return list(Risk).index(self)

    def at_most(self, other: "Risk") -> bool:
        """True when this tier is not above `other`."""
        return self.rank <= other.rank
