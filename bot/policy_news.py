"""Tells operators that a policy file was refused, and that it is whole again: the old policy goes on in silence."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from hashlib import sha256

from bot.policy_file import REFUSED, SUBJECT, LivePolicy
from core.audit import AuditEvent

_MENDED = "PolicyMended"
Tell = Callable[[str, str], Awaitable[None]]


@dataclass(slots=True)
class PolicyNews:
    """One tick reads the file again and tells of a change, once, whichever of the workers sees it first; `tell` takes a
    text and a key under which it is said once."""

    policy: LivePolicy
    tell: Tell
    _told: str | None = field(default=None)
    _key: str = ""

    async def tick(self) -> None:
        """Read and tell; what cannot be told now is told at a later tick."""
        await self.policy.refresh()
        if self._told is None:
            self._told = await self._remembered()
        fault = self.policy.fault
        if fault == self._told:
            return
        await (self._tell_fault(fault) if fault else self._tell_mended())
        self._told = fault

    def note(self) -> str:
        """Return what App Home, /ops status and /readyz say of it meanwhile; an empty text while all is well."""
        fault = self.policy.fault
        return f"the policy file was refused, and the one before it stays in force: {fault}" if fault else ""

    async def _tell_fault(self, fault: str) -> None:
        self._key = await self._key_of(fault)
        await self.tell(
            f"⚠️ The policy file was refused, so the policy before it stays in force: {fault}. Mend the file: I read it "
            "again by myself, and `python -m bot policy check` says whether it is whole.",
            self._key,
        )

    async def _tell_mended(self) -> None:
        policy, audit = self.policy, self.policy.audit
        await self.tell("✅ The policy file is whole again, and in force as it stands.", f"{self._key}:mended")
        if not await audit.has(_MENDED, SUBJECT, {"key": self._key}):
            details = {"key": self._key, "sha256": policy.sha256}
            event = AuditEvent(
                kind=_MENDED, actor="policy", subject=SUBJECT, at=policy.clock.now(), details={**details}
            )
            await audit.append(event)

    async def _remembered(self) -> str:
        """Return what people were told last: the process that told it may have ended before the file was mended."""
        last = next(iter(reversed(await self.policy.audit.of_subject(SUBJECT))), None)
        fault = str(last.details.get("why", "")) if last is not None and last.kind == REFUSED else ""
        if fault and fault != self.policy.fault:
            self._key = await self._key_of(fault)
            return fault
        return ""

    async def _key_of(self, fault: str) -> str:
        # The same fault, mended and made again, is told again.
        times = sum(event.kind == _MENDED for event in await self.policy.audit.of_subject(SUBJECT))
        return f"policy:{times}:{sha256(fault.encode()).hexdigest()[:16]}"
