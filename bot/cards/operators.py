"""Where those who run the bot are told what nobody else has a thread for: the audit channel, or that of incidents."""

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.cards.channels import ChannelBook
from core.brief import Place
from core.errors import ConfigurationError
from core.ports import Cards

_log = structlog.get_logger(__name__)


class Operators:
    """`name` is a channel's id or #name."""

    def __init__(self, client: AsyncWebClient, name: str, cards: Cards) -> None:
        self._channels = ChannelBook(client)
        self._name = name
        self._cards = cards

    async def tell(self, text: str, key: str) -> None:
        """Say it there, once for each `key`; a channel that is not there is in the log alone."""
        try:
            channel = await self._channels.id_of(self._name)
        except ConfigurationError as error:
            _log.warning("operators_not_told", error=str(error), text=text)
            return
        await self._cards.say(Place(channel=channel, thread_ts=""), text, key=key)
