"""Reminders in Slack: each looks for itself before it is posted, so that a retry finds what an outage hid."""

from collections.abc import Sequence

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks.reminder import (
    build_direct_reminder,
    build_settled_reminder,
    build_thread_reminder,
    reminder_text,
    settled_text,
)
from bot.blocks.text import Block
from bot.cards.faults import FAULTS, code_of, is_passing
from bot.cards.poster import Poster
from bot.identifiers import REMINDER
from core.approval import ApprovalRequest
from core.brief import Place

_log = structlog.get_logger(__name__)


class SlackReminders:
    """Implements core.services.reminders.Nudges and settled_reminders.Corrections; where nothing can be posted for
    good, the reminder counts as sent."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._poster = Poster(client)

    async def in_thread(self, request: ApprovalRequest, number: int) -> None:
        """Say under the card what is still missing; TransientError while Slack is away."""
        place = Place(channel=request.channel, thread_ts=request.thread_ts)
        await self._once(f"{request.id}:{number}", request, number, build_thread_reminder(request), place)

    async def directly(self, request: ApprovalRequest, number: int, person: str, group: str) -> None:
        """Write to that person; TransientError while Slack is away."""
        try:
            opened = await self._poster.patiently(self._client.conversations_open, users=person)
            channel = str((opened.get("channel") or {}).get("id"))
            link = await self._link(request)
            blocks = build_direct_reminder(request, number, group, link)
            place = Place(channel=channel, thread_ts="")
            await self._once(f"{request.id}:{number}:{person}", request, number, blocks, place)
        except FAULTS as error:
            # Somebody who takes no messages must not keep the next group from hearing of it.
            _log.warning("reminder_not_possible", approval_id=request.id, person=person, error=code_of(error))

    async def settle(self, request: ApprovalRequest, number: int, people: Sequence[str]) -> None:
        """Edit what stands, and post nothing; TransientError while Slack is away."""
        link = await self._link(request)
        if not people:
            place = Place(channel=request.channel, thread_ts=request.thread_ts)
            await self._correct(f"{request.id}:{number}", request, link, place)
        for person in people:
            try:
                opened = await self._poster.patiently(self._client.conversations_open, users=person)
                place = Place(channel=str((opened.get("channel") or {}).get("id")), thread_ts="")
                await self._correct(f"{request.id}:{number}:{person}", request, link, place)
            except FAULTS as error:
                _log.warning("reminder_not_corrected", approval_id=request.id, person=person, error=code_of(error))

    async def _correct(self, key: str, request: ApprovalRequest, link: str, place: Place) -> None:
        async with self._poster.turn(REMINDER, key):
            if ts := await self._poster.find(REMINDER, key, place):
                blocks = build_settled_reminder(request, link)
                await self._poster.show(REMINDER, key, settled_text(request), blocks, place, ts)

    async def _once(self, key: str, request: ApprovalRequest, number: int, blocks: list[Block], place: Place) -> None:
        try:
            async with self._poster.turn(REMINDER, key):
                if not await self._poster.find(REMINDER, key, place):
                    await self._poster.show(REMINDER, key, reminder_text(request, number), blocks, place)
        except FAULTS as error:
            _log.warning("reminder_not_possible", approval_id=request.id, number=number, error=code_of(error))

    async def _link(self, request: ApprovalRequest) -> str:
        try:
            ask = self._client.chat_getPermalink
            answer = await self._poster.patiently(ask, channel=request.channel, message_ts=request.card_ts)
        except FAULTS as error:
            if is_passing(error):
                raise
            return ""
        return str(answer.get("permalink") or "")
