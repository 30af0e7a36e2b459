"""/ops freeze: stops every effect at once; everybody sees who did it and why."""

from dataclasses import dataclass
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks.freeze import build_freeze_answer, freeze_line
from bot.blocks.text import Block, section
from bot.cards.channels import ChannelBook
from bot.cards.faults import code_of
from bot.cards.poster import Poster
from bot.identifiers import NOTE
from bot.listeners.wording import written
from bot.open_cards import OpenCards
from core.brief import Place
from core.errors import ConfigurationError, RefusedError
from core.freeze import Freeze
from core.services.freeze import FreezeSwitch

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Freezing:
    """The switch comes first; whom it can be told is another matter and stops nothing."""

    switch: FreezeSwitch
    cards: OpenCards
    poster: Poster
    incident_channel: str

    async def freeze(self, command: dict[str, Any], rest: str, client: AsyncWebClient) -> list[Block]:
        """`/ops freeze on [reason]`, `/ops freeze off`, and without a word: is it?"""
        wanted, _, reason = rest.partition(" ")
        match wanted.lower():
            case "on":
                await self._turn_on(command, written(reason, ""), client)
            case "off":
                await self._turn_off(command, client)
            case "":
                pass
            case _:
                raise RefusedError("Freeze on, or off? For example: /ops freeze on checkout is being moved")
        return build_freeze_answer(await self.switch.state())

    async def _turn_on(self, command: dict[str, Any], reason: str, client: AsyncWebClient) -> None:
        try:
            now = await self.switch.turn_on(command["user_id"], reason)
        finally:
            await self.cards.refresh()  # whoever was quicker may have died before this
        text = f"🧊 *FROZEN: nothing will run.* {freeze_line(now)}"
        await self._announce(command, now, text, client)

    async def _turn_off(self, command: dict[str, Any], client: AsyncWebClient) -> None:
        try:
            now = await self.switch.turn_off(command["user_id"])
        finally:
            await self.cards.refresh()
        await self._announce(command, now, f"🟢 *Thawed:* <@{now.person}> lets changes go on.", client)

    async def _announce(self, command: dict[str, Any], now: Freeze, text: str, client: AsyncWebClient) -> None:
        moment = now.since.isoformat() if now.since else ""
        try:
            everybody = await ChannelBook(client).id_of(self.incident_channel)
        except (ConfigurationError, SlackApiError) as error:
            _log.warning("freeze_not_announced", error=str(error))
            everybody = ""
        for channel in dict.fromkeys((everybody, command["channel_id"])):
            try:
                if channel:
                    key, place = f"freeze:{moment}:{channel}", Place(channel=channel, thread_ts="")
                    async with self.poster.turn(NOTE, key):
                        await self.poster.show(NOTE, key, text.replace("*", ""), [section(text)], place)
            except SlackApiError as error:
                _log.info("freeze_not_announced", channel=channel, error=code_of(error))
