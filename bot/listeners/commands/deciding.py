"""/ops approve and reject: the same desk and the same checks as the buttons, for whoever is at a keyboard."""

from dataclasses import dataclass
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.blocks.needs import still_needs
from bot.blocks.reminder import what
from bot.blocks.text import Block, inert, section
from bot.blocks.wording import STATUS_SIGNS, STATUS_TITLES
from bot.listeners.wording import written
from core.approval import ApprovalRequest, ApprovalStatus, Choice
from core.decided import said_of
from core.errors import AlreadyDecidedError, AlreadyVotedError, NoDataError, RefusedError
from core.ports import Approvals, Cards
from core.services.approval_desk import ApprovalDesk

_REASON = 1000


@dataclass(frozen=True, slots=True)
class Deciding:
    """Each verb casts one vote of whoever typed it, shows the card as it is then, and answers them alone."""

    desk: ApprovalDesk
    approvals: Approvals
    cards: Cards

    async def approve(self, command: dict[str, Any], rest: str, client: AsyncWebClient) -> list[Block]:
        """`/ops approve <id>`, with the target's name behind it where the request asks for that."""
        approval_id, _, typed = rest.partition(" ")
        if not approval_id:
            raise RefusedError("Approve which? `/ops approvals` lists what waits for you, with ids.")
        before = await self._find(approval_id)
        now = await self._vote(before, command["user_id"], "approve", typed=typed.strip())
        if before.status is not ApprovalStatus.PENDING:
            raise AlreadyDecidedError(f"That is already {said_of(now.status)}, and stays so: {what(now)}.")
        if now.status is ApprovalStatus.PENDING and now.votes == before.votes:
            raise AlreadyVotedError("You have voted on this request already; it waits for others.")
        if now.status is ApprovalStatus.PENDING:
            return [section(f"Your approval is counted: {what(now)}. It still needs {still_needs(now)}.")]
        return [section(f"{STATUS_SIGNS[now.status]} *{STATUS_TITLES[now.status]}:* {what(now)}.")]

    async def reject(self, command: dict[str, Any], rest: str, client: AsyncWebClient) -> list[Block]:
        """`/ops reject <id> <reason>`."""
        approval_id, _, reason = rest.partition(" ")
        reason = written(reason, "")
        if not approval_id or not reason:
            raise RefusedError("A rejection needs an id and a reason: /ops reject apr_... wrong cause")
        before = await self._find(approval_id)
        now = await self._vote(before, command["user_id"], "reject", reason[:_REASON])
        return [section(f"{STATUS_SIGNS[now.status]} *{STATUS_TITLES[now.status]}:* {what(now)}: {inert(reason, 300)}")]

    async def _find(self, approval_id: str) -> ApprovalRequest:
        try:
            return await self.approvals.load(approval_id.strip("`"))
        except NoDataError as unknown:
            raise RefusedError(f"I know no request {approval_id[:40]}.") from unknown

    async def _vote(
        self, request: ApprovalRequest, person: str, choice: Choice, reason: str = "", typed: str = ""
    ) -> ApprovalRequest:
        try:
            return await self.desk.vote_on(request, person, choice, reason, typed=typed)
        finally:
            await self.cards.show_approval(request.id)
