"""The switch that stops every effect, on all workers, from the next last look on: nothing of it is remembered."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.audit import AuditEvent
from core.errors import NoDataError, NotAnApproverError, RefusedError
from core.freeze import SUBJECT, Freeze
from core.ports import Audit, Clock, Directory

_REASON = 500
_BY_FILE = "an operator has put the file `freeze` into the data folder"


class Switches(Protocol):
    """The switch in SQL, which all workers share."""

    async def load(self) -> Freeze:
        """Return it as it stands this moment."""
        ...

    async def turn(self, wanted: Freeze, event: AuditEvent) -> bool:
        """Turn it, unless it stands like that already, with its event in the history: both or neither; True for the one
        who did."""
        ...


def _no_file() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class FreezeSwitch:
    """`by_file` tells of the operator's file, which holds everything even while nobody can reach Slack or SQL;
    `freezers` are the groups whose members may turn the switch."""

    switches: Switches
    directory: Directory
    audit: Audit
    clock: Clock
    freezers: Callable[[], Mapping[str, Sequence[str]]]
    by_file: Callable[[], bool] = _no_file

    async def frozen(self) -> bool:
        """True while nothing may be changed; TransientError when nobody can tell, which the guard takes for frozen."""
        return self.by_file() or (await self.switches.load()).is_on

    async def state(self) -> Freeze:
        """Return who holds everything since when; a file counts as nobody."""
        found = await self.switches.load()
        if not found.is_on and self.by_file():
            return Freeze(is_on=True, reason=_BY_FILE)
        return found

    async def why(self) -> str:
        """Return why nothing may be approved, or an empty text."""
        found = await self.state()
        if not found.is_on:
            return ""
        by = f" by <@{found.person}>" if found.person else ""
        return f"everything was frozen{by}" + (f" ({found.reason})" if found.reason else "")

    async def turn_on(self, person: str, reason: str) -> Freeze:
        """Stop every effect; RefusedError (audited) for whoever may not, or when it is on already."""
        return await self._turn(Freeze(is_on=True, person=person, reason=reason[:_REASON], since=self.clock.now()))

    async def turn_off(self, person: str) -> Freeze:
        """Let effects go on; RefusedError (audited) for whoever may not, or when it is off already."""
        return await self._turn(Freeze(is_on=False, person=person, since=self.clock.now()))

    async def _turn(self, wanted: Freeze) -> Freeze:
        try:
            await self._check(wanted.person)
        except RefusedError:
            await self.audit.append(self._event("FreezeRefused", wanted))
            raise
        if not await self.switches.turn(wanted, self._event("Frozen" if wanted.is_on else "Thawed", wanted)):
            present = await self.switches.load()
            if not wanted.is_on and self.by_file():
                raise RefusedError(f"Still frozen: {_BY_FILE}. It holds until it is taken away there.")
            # The same command delivered twice, or somebody was quicker: either way it is as they wish.
            by = f" by <@{present.person}>" if present.person else ""
            raise RefusedError(f"Everything is frozen already{by}." if wanted.is_on else "Nothing is frozen.")
        return wanted

    async def _check(self, person: str) -> None:
        groups = self.freezers()
        try:
            may = (await self.directory.person(person, fresh=True)).may_decide
        except NoDataError:
            may = False
        ids = tuple(dict.fromkeys(each for members in groups.values() for each in members))
        if not may or person not in await self.directory.members(ids, fresh=True):
            raise NotAnApproverError(f"Only members of {', '.join(groups)} may freeze and thaw.")

    def _event(self, kind: str, wanted: Freeze) -> AuditEvent:
        now: datetime = self.clock.now()
        details = {"wanted": "on" if wanted.is_on else "off", "reason": wanted.reason}
        return AuditEvent(kind=kind, actor=wanted.person, subject=SUBJECT, at=now, details={**details})
