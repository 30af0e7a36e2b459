"""/ops: reads are for the asker's eyes only, a question is for everybody in the channel."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks import ops_answers, rich
from bot.blocks.note import build_note
from bot.blocks.text import Block, inert, mention
from bot.cards.card_links import card_link
from bot.cards.poster import Poster
from bot.identifiers import COMMAND, QUESTION
from bot.listeners.asking import Asking, Question
from bot.listeners.commands.deciding import Deciding
from bot.listeners.commands.freezing import Freezing
from bot.listeners.commands.grants import GrantsVerb
from bot.listeners.commands.status import Status
from bot.listeners.members import check_may_ask
from bot.listeners.pending import Pending
from bot.listeners.wording import written
from bot.open_cards import OpenCards
from bot.services import Services
from core.brief import Place
from core.errors import RefusedError
from core.ports import Directory, Incidents

Verb = Callable[[dict[str, Any], str, AsyncWebClient], Awaitable[list[Block]]]
_SHUT_OUT = "I cannot write in this channel. Invite me, or ask me in Messages."


@dataclass(frozen=True, slots=True)
class OpsCommand:
    """One method a verb; each returns what only the asker sees."""

    asking: Asking
    directory: Directory
    incidents: Incidents
    pending: Pending
    poster: Poster
    approvers: Callable[[], tuple[str, ...]] = tuple
    more: Mapping[str, Verb] = field(default_factory=dict[str, Verb])

    async def handle_ops(
        self, ack: AsyncAck, command: dict[str, Any], respond: AsyncRespond, client: AsyncWebClient
    ) -> None:
        """Pick the verb; an unknown one is answered with the nearest."""
        await ack()
        verb, _, rest = (command.get("text") or "").strip().partition(" ")
        handle = self._verbs().get(verb.lower() or "help")
        try:
            if handle is None:
                nearest = get_close_matches(verb.lower(), ops_answers.VERBS, n=1, cutoff=0.5)
                blocks = ops_answers.build_did_you_mean(verb, nearest[0] if nearest else "", rest.strip())
            else:
                await check_may_ask(self.directory, command["user_id"])
                blocks = await handle(command, rest.strip(), client)
        except RefusedError as refusal:
            blocks = build_note(str(refusal), mentions=True)
        if blocks:
            await respond(text=_spoken(blocks), blocks=blocks, response_type="ephemeral")

    def _verbs(self) -> Mapping[str, Verb]:
        return {
            **self.more,
            "help": self._help,
            "ask": self._ask,
            "incidents": self._incidents,
            "approvals": self._approvals,
        }

    async def _help(self, command: dict[str, Any], rest: str, client: AsyncWebClient) -> list[Block]:
        person = await self.directory.person(command["user_id"])
        decides = person.may_decide and person.id in await self.directory.members(self.approvers())
        return ops_answers.build_help(decides)

    async def _ask(self, command: dict[str, Any], rest: str, client: AsyncWebClient) -> list[Block]:
        text = written(rest, "")
        if not text:
            raise RefusedError("Ask what? For example: /ops ask why is checkout slow?")
        root = Place(channel=command["channel_id"], thread_ts="")
        asker = command["user_id"]
        blocks = [rich.block(rich.line(rich.person(asker), rich.words(" asks")), rich.quote(text[:2500]))]
        try:
            async with self.poster.turn(QUESTION, command["trigger_id"]):
                spoken = f"{mention(asker)} asks: {inert(text)}"
                ts = await self.poster.show(QUESTION, command["trigger_id"], spoken, blocks, root)
        except SlackApiError as error:
            raise RefusedError(_SHUT_OUT) from error
        if not ts:
            raise RefusedError(_SHUT_OUT)
        place = Place(channel=root.channel, thread_ts=ts)
        await self.asking.ask(client, Question(text, asker, place, ts, ts))
        return []

    async def _incidents(self, command: dict[str, Any], rest: str, client: AsyncWebClient) -> list[Block]:
        incidents = list(await self.incidents.open())[:20]
        links = await asyncio.gather(*(card_link(client, each.channel, each.thread_ts) for each in incidents))
        return ops_answers.build_incidents(list(zip(incidents, links, strict=True)))

    async def _approvals(self, command: dict[str, Any], rest: str, client: AsyncWebClient) -> list[Block]:
        return ops_answers.build_approvals(*await self.pending.of(command["user_id"], client))


def _spoken(blocks: list[Block]) -> str:
    first = blocks[0]
    return first["text"]["text"] if "text" in first else "Watchkeeper"


def register(app: AsyncApp, services: Services) -> None:
    """Listen to /ops."""
    asking = Asking(services.directory, services.incidents, services.queue, services.clock)
    poster = Poster(app.client)
    pending = Pending.of_services(services)
    deciding = Deciding(services.desk, services.approvals, services.cards)
    cards = OpenCards(services.approval_queue, services.incidents, services.queue, services.clock)
    freezing = Freezing(services.freeze, cards, poster, services.incident_channel)
    status = Status(services.incidents, pending, services.freeze, services.unfit, services.notes)
    more = {
        "status": status.status,
        "approve": deciding.approve,
        "reject": deciding.reject,
        "freeze": freezing.freeze,
        "grants": GrantsVerb(services.granting, services.freeze).grants,
    }
    ops = OpsCommand(asking, services.directory, services.incidents, pending, poster, services.approvers, more)
    app.command(COMMAND)(ops.handle_ops)
