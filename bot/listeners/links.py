"""Addresses of our own cards in Slack."""

from slack_sdk.web.async_client import AsyncWebClient

from bot.cards.faults import FAULTS


async def card_link(client: AsyncWebClient, channel: str, ts: str) -> str:
    """Return the permalink of a message, or an empty text when there is none (yet)."""
    if not channel or not ts:
        return ""
    try:
        answer = await client.chat_getPermalink(channel=channel, message_ts=ts)
    except FAULTS:
        return ""
    return str(answer.get("permalink") or "")
