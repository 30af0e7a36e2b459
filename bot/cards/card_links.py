"""Addresses of our own cards in Slack."""

from collections import OrderedDict

from slack_sdk.web.async_client import AsyncWebClient

from bot.cards.faults import FAULTS
from core.approval import ApprovalRequest

_REMEMBERED = 2000


async def card_link(client: AsyncWebClient, channel: str, ts: str) -> str:
    """Return the permalink of a message, or an empty text when there is none (yet)."""
    if not channel or not ts:
        return ""
    try:
        answer = await client.chat_getPermalink(channel=channel, message_ts=ts)
    except FAULTS:
        return ""
    return str(answer.get("permalink") or "")


class CardLinks:
    """Asks Slack once for each request's card: cards that name others are refreshed often."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client
        self._known: OrderedDict[tuple[str, str], str] = OrderedDict()

    async def url(self, request: ApprovalRequest) -> str:
        """Return the address of the request's card, or an empty text while it has none."""
        return await self.at(request.channel, request.card_ts)

    async def at(self, channel: str, ts: str) -> str:
        """Return the address of that message, or an empty text where there is none."""
        where = (channel, ts)
        if where not in self._known:
            if not (url := await card_link(self._client, channel, ts)):
                return ""
            self._known[where] = url
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return self._known[where]
