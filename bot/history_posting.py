"""Tells a channel of every signed head, once: what stands there cannot be put back together with the database."""

import asyncio
from typing import Protocol

import structlog

from bot.adapters.audit_heads import HeadsFile
from bot.history_watch import HistoryWatch
from core.audit_head import SignedHead

_log = structlog.get_logger(__name__)
_AT_ONCE = 20


class HeadChannel(Protocol):
    """Where heads are posted."""

    @property
    def name(self) -> str:
        """The channel as it is configured."""
        ...

    async def post(self, head: SignedHead) -> bool:
        """Show the head there, once; False while nothing can be shown there."""
        ...

    async def posted(self) -> list[SignedHead]:
        """Return what stands there, as far back as one look reaches."""
        ...


class HistoryPosting:
    """One tick posts what the channel has not been told of, oldest first; what fails is tried again at the next."""

    def __init__(self, heads: HeadsFile, channel: HeadChannel, watch: HistoryWatch) -> None:
        self._heads = heads
        self._channel = channel
        self._watch = watch
        self._has_asked = False

    async def tick(self) -> None:
        """Post at most twenty heads, so that the lease is not held for long."""
        if not self._has_asked:
            await self._watch.remember(await self._channel.posted())
            self._has_asked = True
        for head in (await self._untold())[:_AT_ONCE]:
            if not await self._channel.post(head):
                return
            await asyncio.to_thread(self._heads.note_posted, self._channel.name, head)

    async def _untold(self) -> list[SignedHead]:
        heads = [head for head in await asyncio.to_thread(self._heads.latest) if head is not None]
        told = await asyncio.to_thread(self._heads.posted, self._channel.name)
        if told is None:  # a channel that is new to us has no use for what was signed before
            return heads[-1:]
        return [head for head in heads if head.sequence > told]
