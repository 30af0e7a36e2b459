"""What Slack must know for the bot to be of use: the channel of incident cards, and whom the policy names."""

import asyncio
from collections.abc import Sequence

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.cards.channels import ChannelBook
from bot.cards.faults import code_of
from bot.finding import Finding
from core.errors import ConfigurationError


async def check_channel(client: AsyncWebClient, channel: str) -> Sequence[Finding]:
    """Look up the channel of incident cards (an id or `#name`), and whether the bot is in it."""
    setting = f"SLACK_INCIDENT_CHANNEL {channel}"
    try:
        answer = await client.conversations_info(channel=await ChannelBook(client).id_of(channel))
    except ConfigurationError as error:
        return [Finding("fail", "channel", str(error))]
    except SlackApiError as error:
        return [Finding("fail", "channel", f"{setting}: Slack says {code_of(error)}; make it and invite the bot there")]
    found = answer.get("channel") or {}
    if found.get("is_archived"):
        return [Finding("fail", "channel", f"{setting} is archived: name another")]
    if not found.get("is_member"):
        return [Finding("fail", "channel", f"the bot is not in {setting}: /invite it there")]
    return [Finding("ok", "channel", f"the bot is in {channel}")]


async def check_members(client: AsyncWebClient, members: Sequence[str]) -> Sequence[Finding]:
    """Ask Slack for every user group id (S...) and user id that the policy names; one warning for each unknown one."""
    groups = [each for each in members if each.startswith("S")]
    people = [each for each in members if not each.startswith("S")]
    known: set[str] = set()
    if groups:
        try:
            known = {str(group["id"]) for group in (await client.usergroups_list()).get("usergroups") or ()}
        except SlackApiError as error:
            return [Finding("warn", "approvers", f"Slack does not list its user groups ({code_of(error)})")]
    unknown = [
        Finding("warn", "approvers", f"POLICY_FILE names the group {each}, which Slack does not know or has disabled")
        for each in groups
        if each not in known
    ]
    told = await asyncio.gather(*(_person(client, each) for each in people))
    unknown += [Finding("warn", "approvers", text) for text in told if text]
    return unknown or [Finding("ok", "approvers", f"Slack knows all {len(members)} that the policy names")]


async def _person(client: AsyncWebClient, user_id: str) -> str:
    try:
        user = (await client.users_info(user=user_id)).get("user") or {}
    except SlackApiError as error:
        return f"POLICY_FILE names {user_id}, about whom Slack says {code_of(error)}"
    return f"POLICY_FILE names {user_id}, whose account is deactivated" if user.get("deleted") else ""
