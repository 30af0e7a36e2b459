"""Work that waits in a list."""

from collections.abc import Awaitable, Callable

from core.event import Event


class InMemoryQueue:
    """Implements core.ports.Queue; `waiting` is what nobody has handled yet."""

    def __init__(self) -> None:
        self.waiting: list[Event] = []
        self._seen: set[str] = set()

    async def put(self, event: Event) -> bool:
        """Append the event; False when its id was seen before."""
        if event.id in self._seen:
            return False
        self._seen.add(event.id)
        self.waiting.append(event)
        return True

    async def drain(self, handler: Callable[[Event], Awaitable[None]]) -> list[Event]:
        """Hand every event to `handler`, also those that it puts meanwhile; returns them in order."""
        handled: list[Event] = []
        while self.waiting:
            await handler(event := self.waiting.pop(0))
            handled.append(event)
        return handled
