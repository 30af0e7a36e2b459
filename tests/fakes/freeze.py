"""The freeze switch in memory."""

from core.audit import AuditEvent
from core.freeze import Freeze
from core.ports import Audit
from tests.fakes.audit import InMemoryAudit


class InMemorySwitches:
    """Implements core.services.freeze.Switches."""

    def __init__(self, audit: Audit | None = None) -> None:
        self.audit = InMemoryAudit() if audit is None else audit
        self.now = Freeze()

    async def load(self) -> Freeze:
        """Return it."""
        return self.now

    async def turn(self, wanted: Freeze, event: AuditEvent) -> bool:
        """Turn it, unless it stands like that."""
        if self.now.is_on == wanted.is_on:
            return False
        await self.audit.append(event)
        self.now = wanted
        return True
