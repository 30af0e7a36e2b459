"""A workspace's people as a test lists them."""

from collections.abc import Sequence

from core.errors import NoDataError
from core.person import Person


class InMemoryDirectory:
    """Implements core.ports.Directory: `InMemoryDirectory(people, groups={"S0SRE": {"U0ALICE"}})`."""

    def __init__(self, people: Sequence[Person], groups: dict[str, set[str]] | None = None) -> None:
        self.people = {person.id: person for person in people}
        self.groups = groups or {}

    async def person(self, user_id: str, *, fresh: bool = False) -> Person:
        """Return who that is; NoDataError for an unknown id."""
        if user_id not in self.people:
            raise NoDataError(f"Slack does not know {user_id}.")
        return self.people[user_id]

    async def members(self, ids: Sequence[str], *, fresh: bool = False) -> frozenset[str]:
        """Return the user ids behind user ids and group ids."""
        return frozenset(user for each in ids for user in self.groups.get(each, {each}))
