"""What the API's two sides keep for each other: the web side asks and waits, the worker answers."""

from typing import Protocol


class ApiNonces(Protocol):
    """Which signed requests came before."""

    async def is_first(self, client: str, nonce: str) -> bool:
        """True for one request of that client under that nonce; any other within fifteen minutes is a replay."""
        ...


class ApiMemory(Protocol):
    """Requests under an Idempotency-Key, and their answers, for a day."""

    async def is_same(self, event_id: str, digest: str) -> bool:
        """True for the first digest under that id, and for the same one again."""
        ...

    async def note_asked(self, approval_id: str) -> None:
        """Remember that this may become a request."""
        ...

    async def was_asked(self, approval_id: str) -> bool:
        """True when it was asked for, whatever became of it."""
        ...

    async def give(self, event_id: str, answer: str) -> None:
        """Leave the answer; the first one stands."""
        ...

    async def wait(self, event_id: str, seconds: float) -> str:
        """Return the answer, or an empty text when there is none in time; it may still come later."""
        ...
