"""Work that waits in a list."""

from collections.abc import Awaitable, Callable, Sequence

from core.event import Event


class InMemoryQueue:
    """Implements core.ports.Queue and Inbox; `waiting` is what nobody has handled yet."""

    def __init__(self) -> None:
        self.waiting: list[Event] = []
        self._seen: set[str] = set()
        self._signatures: set[str] = set()

    async def put(self, event: Event, signature: str = "") -> bool:
        """Append the event; False when its id or its request's signature was seen before."""
        fresh = event.id not in self._seen and signature not in self._signatures
        if signature:
            self._signatures.add(signature)
        if fresh:
            self._seen.add(event.id)
            self.waiting.append(event)
        return fresh

    async def put_many(self, events: Sequence[Event]) -> list[bool]:
        """Put one after another."""
        return [await self.put(event) for event in events]

    async def drain(self, handler: Callable[[Event], Awaitable[None]]) -> list[Event]:
        """Hand every event to `handler`, also those that it puts meanwhile; returns them in order."""
        handled: list[Event] = []
        while self.waiting:
            await handler(event := self.waiting.pop(0))
            handled.append(event)
        return handled
