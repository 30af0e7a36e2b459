"""/ops grants: what is approved ahead, one more, and one less."""

from dataclasses import dataclass
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks.grants import build_grants
from bot.blocks.text import Block, section
from bot.listeners.grant_modal import open_grant_form
from core.errors import RefusedError
from core.services.freeze import FreezeSwitch
from core.services.granting import Granting


@dataclass(frozen=True, slots=True)
class GrantsVerb:
    """Lists for everybody who may ask; who may give and revoke is checked where that is done."""

    granting: Granting
    freeze: FreezeSwitch

    async def grants(self, command: dict[str, Any], rest: str, client: AsyncWebClient) -> list[Block]:
        """`/ops grants`, `/ops grants allow <request>`, `/ops grants revoke <grant>`."""
        act, _, subject = (part.strip() for part in rest.partition(" "))
        person, subject = command["user_id"], subject.strip("`")
        match act.lower(), bool(subject):
            case "", _:
                return build_grants(await self.granting.open(), frozen=await self.freeze.frozen())
            case "allow", True:
                await open_grant_form(self.granting, client, command["trigger_id"], subject, person, approve=False)
                return []
            case "revoke", True:
                grant = await self.granting.revoke(subject, person)
                return [section(f"🎫 Grant `{grant.id}` is revoked: it lets nothing through any more.")]
            case _:
                raise RefusedError("Say /ops grants, /ops grants allow apr_... or /ops grants revoke grt_...")
