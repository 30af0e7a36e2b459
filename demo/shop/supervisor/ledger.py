"""The ledger of effects: at most one per action id, whoever asks and however often at once."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from demo.shop.supervisor.desired import Desired, now_text
from demo.shop.supervisor.managed_service import ManagedService
from demo.shop.supervisor.operations import Arguments, BadArgumentsError, plan


class ConflictError(Exception):
    """The service has changed since the caller looked; nothing was done."""

    def __init__(self, resource_version: int) -> None:
        super().__init__("conflict")
        self.resource_version = resource_version


@dataclass(frozen=True)
class Request:
    """One wish to change a service."""

    service: ManagedService
    operation: str
    arguments: Arguments
    by: str
    resource_version: int | None

    def same_as(self, row: "Row") -> bool:
        # Compared as JSON, because in Python 1 == True == 1.0.
        mine, theirs = [self.service.name, self.operation, self.arguments], [row.service, row.operation, row.args]
        return json.dumps(mine, sort_keys=True) == json.dumps(theirs, sort_keys=True)


@dataclass
class Row:
    """One effect. It enters the ledger in the same step in which the desired state changes."""

    action_id: str
    service: str
    operation: str
    args: Arguments
    by: str
    at: str
    before: dict[str, Any]
    after: dict[str, Any]
    resource_version: int
    rollout: asyncio.Task[None] = field(repr=False)

    def as_dict(self) -> dict[str, Any]:
        names = ("action_id", "service", "operation", "args", "by", "at", "before", "after", "resource_version")
        return {name: getattr(self, name) for name in names} | {"status": "done"}


class Ledger:
    """Carries out requests and keeps a row for each, oldest first."""

    def __init__(self) -> None:
        self._rows: dict[str, Row] = {}

    def rows(self) -> list[dict[str, Any]]:
        return [row.as_dict() for row in self._rows.values()]

    def find(self, action_id: str) -> dict[str, Any] | None:
        row = self._rows.get(action_id)
        return row.as_dict() if row is not None else None

    async def settle(self) -> None:
        """Wait until no roll-out is under way."""
        await asyncio.gather(*(row.rollout for row in self._rows.values()), return_exceptions=True)

    async def carry_out(self, action_id: str, request: Request) -> dict[str, Any]:
        """Do it once, and answer when the roll-out is over.

        A known action id gets the stored result with `replayed` true. Raises BadArgumentsError when the id stands for
        something else or the arguments are bad, ConflictError when the resource version is not the current one.
        """
        row = self._rows.get(action_id)
        replayed = row is not None
        if row is None:
            row = self._record(action_id, request)
        elif not request.same_as(row):
            raise BadArgumentsError(f"action id {action_id} stands for another operation")
        # The roll-out is its own task: a caller that hangs up does not undo what the ledger says was done.
        await asyncio.shield(row.rollout)
        return row.as_dict() | {"replayed": replayed}

    def _record(self, action_id: str, request: Request) -> Row:
        """Check, change the desired state and write the row without giving up the event loop in between."""
        service = request.service
        before, after = preview(request)
        service.commit(after, request.by)
        row = Row(
            action_id, service.name, request.operation, request.arguments, request.by, now_text(),
            before.as_dict(), after.as_dict(), service.resource_version,
            asyncio.create_task(service.roll_out(before)),
        )  # fmt: skip
        self._rows[action_id] = row
        return row


def preview(request: Request) -> tuple[Desired, Desired]:
    """The desired states before and after; changes nothing. Raises ConflictError, BadArgumentsError."""
    service = request.service
    if request.resource_version not in (None, service.resource_version):
        raise ConflictError(service.resource_version)
    return service.desired, plan(request.operation, service.desired, service.histories, request.arguments)
