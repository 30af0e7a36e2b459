"""Posting is not idempotent: each card carries its subject as metadata, and is looked for before it is posted."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from weakref import WeakValueDictionary

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks.budget import as_json
from bot.blocks.text import Block
from bot.cards.faults import FAULTS, code_of, is_missing, is_passing, is_shut, pause_of
from core.brief import Place
from core.errors import TransientError

_log = structlog.get_logger(__name__)
Json = dict[str, Any]
_PAUSES = (0.5, 2.0, 5.0, 10.0)
_REMEMBERED = 2000
_GONE = {"message_not_found", "thread_not_found"}


class Poster:
    """Posts each (kind, subject) once and edits it afterwards; its memory is only a short cut past the read-back."""

    def __init__(self, client: AsyncWebClient, pauses: Sequence[float] = _PAUSES) -> None:
        self._client = client
        self._pauses = pauses
        self._shown: OrderedDict[tuple[str, str], tuple[str, str]] = OrderedDict()
        self._turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()
        self._me: frozenset[str] = frozenset()
        self._shut: set[str] = set()

    def turn(self, kind: str, subject: str) -> asyncio.Lock:
        """The card's lock: hold it from reading the row until it is shown, or an older state may overwrite a newer."""
        return self._turns.setdefault((kind, subject), asyncio.Lock())

    async def show(
        self,
        kind: str,
        subject: str,
        text: str,
        blocks: list[Block],
        place: Place,
        ts: str = "",
        facts: Mapping[str, str] | None = None,
    ) -> str:
        """Post or edit the card and return its ts; `place.thread_ts` is empty for a root. Call it within `turn`.

        Where nothing can be shown (an archived channel, or one that we were removed from) the old ts comes back, which
        is empty for a card that never stood: what the card tells of goes on without it.

        `facts` are for other programs that read the channel: they stand in the message's metadata beside the subject,
        so they may hold ids and states, never a secret.
        """
        metadata = {"event_type": kind, "event_payload": {"subject": subject, **(facts or {})}}
        face = f"{text}\n{as_json(blocks)}\n{metadata}"
        ts = ts or await self.find(kind, subject, place)
        if ts and self._shown.get((kind, subject)) == (ts, face):
            return ts
        try:
            if not ts or not await self._update(place.channel, ts, text, blocks, metadata):
                ts = await self._post(kind, subject, text, blocks, place, metadata)
        except FAULTS as error:
            if not is_shut(error):
                raise
            self._warn_once(place.channel, error)
            return ts
        self._shut.discard(place.channel)
        self._remember(kind, subject, ts, face)
        return ts

    async def find(self, kind: str, subject: str, place: Place) -> str:
        """Return the ts of our card of that subject, or an empty text."""
        if known := self._shown.get((kind, subject)):
            return known[0]
        mine = await self._who_am_i()
        async for message in self.messages(place):
            metadata = message.get("metadata") or {}
            named = (metadata.get("event_type"), (metadata.get("event_payload") or {}).get("subject"))
            # Anybody can write metadata: only our own message counts.
            if named == (kind, subject) and mine & {message.get("user"), message.get("bot_id")}:
                self._remember(kind, subject, message["ts"], "")
                return message["ts"]
        return ""

    async def messages(self, place: Place) -> AsyncIterator[Json]:
        """Yield the thread's messages, or a channel's latest hundred when there is no thread."""
        cursor = ""
        while True:
            try:
                page = await self._page(place, cursor)
            except FAULTS as error:
                if is_missing(error) or is_shut(error):
                    return
                raise
            for message in page.get("messages") or []:
                yield message
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor or not place.thread_ts:
                return

    async def _page(self, place: Place, cursor: str) -> Json:
        if place.thread_ts:
            answer = await self.patiently(
                self._client.conversations_replies,
                channel=place.channel,
                ts=place.thread_ts,
                include_all_metadata=True,
                limit=200,
                cursor=cursor or None,
            )
        else:
            answer = await self.patiently(
                self._client.conversations_history, channel=place.channel, include_all_metadata=True, limit=100
            )
        return answer

    async def patiently(self, method: Any, **arguments: Any) -> Any:
        """Call a method that may be repeated; TransientError when Slack stays away."""
        for pause in (*self._pauses, None):
            try:
                return await method(**arguments)
            except FAULTS as error:
                if not is_passing(error):
                    raise
                if pause is None:
                    raise TransientError(f"Slack does not answer: {error}") from error
                await asyncio.sleep(pause_of(error, pause))
        raise AssertionError("unreachable")

    async def _post(self, kind: str, subject: str, text: str, blocks: list[Block], place: Place, metadata: Json) -> str:
        for pause in (*self._pauses, None):
            try:
                answer = await self._client.chat_postMessage(
                    channel=place.channel,
                    thread_ts=place.thread_ts or None,
                    text=text,
                    blocks=blocks or None,
                    unfurl_links=False,
                    unfurl_media=False,
                    metadata=metadata,
                )
                return str(answer["ts"])
            except FAULTS as error:
                if not is_passing(error):
                    raise
                if pause is None:
                    raise TransientError(f"Slack does not take messages: {error}") from error
                await asyncio.sleep(pause_of(error, pause))
            # A timeout may hide a success: look before posting again.
            if ts := await self.find(kind, subject, place):
                return ts
        raise AssertionError("unreachable")

    async def _update(self, channel: str, ts: str, text: str, blocks: list[Block], metadata: Json) -> bool:
        update = self._client.chat_update
        try:
            await self.patiently(update, channel=channel, ts=ts, text=text, blocks=blocks, metadata=metadata)
        except FAULTS as error:
            if code_of(error) in _GONE:
                return False
            raise
        return True

    async def _who_am_i(self) -> frozenset[str]:
        if not self._me:
            answer = await self.patiently(self._client.auth_test)
            self._me = frozenset(str(answer[key]) for key in ("user_id", "bot_id") if answer.get(key))
        return self._me

    def _warn_once(self, channel: str, error: Exception) -> None:
        if channel not in self._shut:
            self._shut.add(channel)
            _log.warning("channel_takes_no_cards", channel=channel, error=code_of(error))

    def _remember(self, kind: str, subject: str, ts: str, face: str) -> None:
        self._shown[kind, subject] = (ts, face)
        self._shown.move_to_end((kind, subject))
        if len(self._shown) > _REMEMBERED:
            self._shown.popitem(last=False)
