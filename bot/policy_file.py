"""Reads the policy file: one that cannot be made sense of stops the start, and never replaces one that works."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog

from bot.conditions import compile_condition
from core.audit import AuditEvent
from core.errors import ConfigurationError
from core.policy import Policy
from core.policy_rules import Asker, GrantRight
from core.ports import Audit, Clock
from core.requirement import Requirement
from core.tool_call import Plan
from tools.operator_file import read_yaml

SUBJECT, REFUSED = "policy", "PolicyRefused"
"""What the history files it under, and how it tells of a file that was no use."""
_SWEEP = timedelta(minutes=1)
_log = structlog.get_logger(__name__)


def load_policy(path: Path, kept_waiting: timedelta) -> Policy:
    """Return the validated policy; ConfigurationError in one line names the first fault.

    A graph that waits at its gate must be kept (`kept_waiting`) for longer than any request may wait.
    """
    raw, parsed = read_yaml(path, "POLICY_FILE")
    try:
        policy = Policy.parse(raw, parsed, compile_condition)
    except ConfigurationError as error:
        raise ConfigurationError(f"POLICY_FILE {path}: {str(error).removeprefix('policy file: ')}") from error
    if policy.longest_wait + _SWEEP >= kept_waiting:
        raise ConfigurationError(
            f"CHECKPOINT_INTERRUPTED_TTL_SECONDS is {kept_waiting.total_seconds():g}, but by {path} a request may wait "
            f"for {policy.longest_wait.total_seconds():g} s: raise the first or lower the second"
        )
    return policy


@dataclass(slots=True)
class LivePolicy:
    """Implements core.ports.Rules with the newest file that was whole; `load` raises ConfigurationError for another.

    A request keeps the hash of the policy it was made under, so that one made under an older file is asked anew."""

    load: Callable[[], Policy]
    audit: Audit
    clock: Clock
    current: Policy
    fault: str = ""

    @property
    def sha256(self) -> str:
        """The hash of the file's bytes."""
        return self.current.sha256

    @property
    def groups(self) -> Mapping[str, Sequence[str]]:
        """Slack ids and handles behind each group's name."""
        return self.current.groups

    @property
    def members(self) -> tuple[str, ...]:
        """Every id and handle that some rule waits for."""
        return self.current.members

    @property
    def freezers(self) -> Mapping[str, Sequence[str]]:
        """Those groups whose members may freeze and thaw."""
        return self.current.freezers

    def requirement(self, plan: Plan, asker: Asker) -> Requirement:
        """Return what the first matching rule asks for."""
        return self.current.requirement(plan, asker)

    def grant_rights(self, plan: Plan, asker: Asker) -> Sequence[GrantRight]:
        """Return who may approve such a call ahead, and within which bounds."""
        return self.current.grant_rights(plan, asker)

    async def refresh(self) -> None:
        """Read the file again; a change is written down, and so is a fault, once for each."""
        try:
            found = self.load()
        except ConfigurationError as error:
            if str(error) != self.fault:
                self.fault = str(error)
                _log.error("policy_refused", error=self.fault, kept=self.sha256)
                await self._note(REFUSED, why=self.fault, kept=self.sha256)
            return
        before, self.fault = self.sha256, ""
        if found.sha256 != before:
            self.current = found
            _log.info("policy_changed", sha256=found.sha256, before=before)
            await self._note("PolicyChanged", sha256=found.sha256, before=before)

    async def _note(self, kind: str, **details: str) -> None:
        await self.audit.append(
            AuditEvent(kind=kind, actor="policy", subject=SUBJECT, at=self.clock.now(), details={**details})
        )
