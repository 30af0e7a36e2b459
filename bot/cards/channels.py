"""Operators write #incidents, Slack's methods want an id."""

from slack_sdk.web.async_client import AsyncWebClient

from core.errors import ConfigurationError


class ChannelBook:
    """Looks a channel's id up by its name, once; `setting` is where operators wrote the name."""

    def __init__(self, client: AsyncWebClient, setting: str = "SLACK_INCIDENT_CHANNEL") -> None:
        self._client = client
        self._setting = setting
        self._ids: dict[str, str] = {}

    async def id_of(self, channel: str) -> str:
        """Return an id for `#name`; ids pass. ConfigurationError when the bot sees no such channel."""
        if not channel.startswith("#"):
            return channel
        if channel not in self._ids:
            await self._look_up(channel)
        return self._ids[channel]

    async def _look_up(self, channel: str) -> None:
        cursor = ""
        while True:
            page = await self._client.conversations_list(
                types="public_channel,private_channel", exclude_archived=True, limit=200, cursor=cursor or None
            )
            for found in page.get("channels") or []:
                if f"#{found['name']}" == channel:
                    self._ids[channel] = str(found["id"])
                    return
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                raise ConfigurationError(f"{self._setting}: the bot sees no channel {channel}; invite it there")
