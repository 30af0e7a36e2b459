"""Work on many things of which none may keep the others from their turn."""

from collections.abc import Awaitable, Iterable


async def one_by_one(works: Iterable[Awaitable[object]]) -> list[Exception]:
    """Await one after the other and return what they raised, for the caller to raise once all had their turn."""
    faults: list[Exception] = []
    for work in works:
        try:
            await work
        except Exception as fault:  # noqa: BLE001 - kept for the caller, who raises it
            faults.append(fault)
    return faults
