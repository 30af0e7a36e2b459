"""What the API remembers, in dicts."""


class InMemoryApiMemory:
    """Implements bot.api_memory.ApiNonces and ApiMemory; waits for nobody."""

    def __init__(self) -> None:
        self.nonces: set[tuple[str, str]] = set()
        self.digests: dict[str, str] = {}
        self.asked: set[str] = set()
        self.answers: dict[str, str] = {}

    async def is_first(self, client: str, nonce: str) -> bool:
        """True for the first."""
        seen = (client, nonce) in self.nonces
        self.nonces.add((client, nonce))
        return not seen

    async def is_same(self, event_id: str, digest: str) -> bool:
        """True for the first digest and its repetitions."""
        return self.digests.setdefault(event_id, digest) == digest

    async def note_asked(self, approval_id: str) -> None:
        """Remember it."""
        self.asked.add(approval_id)

    async def was_asked(self, approval_id: str) -> bool:
        """True when it was noted."""
        return approval_id in self.asked

    async def give(self, event_id: str, answer: str) -> None:
        """Leave it; the first one stands."""
        self.answers.setdefault(event_id, answer)

    async def wait(self, event_id: str, seconds: float) -> str:
        """Return what is there."""
        return self.answers.get(event_id, "")
