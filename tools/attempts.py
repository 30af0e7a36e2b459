"""One attempt on the outside world: the intent written before, the outcome after, and a lost answer looked for."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from pydantic import JsonValue

from core.approval import ApprovalRequest
from core.audit import AuditEvent
from core.effect import Effect, EffectStatus, output_sha256
from core.errors import ApprovalExpiredError, RefusedError, StaleApprovalError, ToolError, ToolTimeoutError
from core.ports import Clock, Effects
from core.refusal import NOTHING_RAN, RAN_OUT, SUPERSEDED
from core.stepped_plan import VERSION
from core.tool_call import ToolResult
from tools.arguments import accept
from tools.registry import Registry
from tools.results import cleaned
from tools.spec import Action, Arguments, OutcomeUnknownError, Stamp, ToolSpec

_POLL_SECONDS = 0.1
_LOOK_TIMEOUT = 5.0
_EVENTS = {
    EffectStatus.DONE: "EffectDone",
    EffectStatus.FAILED: "EffectFailed",
    EffectStatus.UNKNOWN: "EffectUnknown",
}
logger = logging.getLogger(__name__)


class ChosenTool(NamedTuple):
    """A tool with the arguments that it accepted."""

    spec: ToolSpec[Any]
    action: Action[Any]
    args: Arguments


class Attempts:
    """Carries approved requests out, at most once each; the guard has checked everything before it comes here."""

    def __init__(
        self, registry: Registry, effects: Effects, clock: Clock, settle_seconds: float, skew_seconds: float
    ) -> None:
        self._registry = registry
        self._effects = effects
        self._clock = clock
        self._settle_seconds = settle_seconds
        self._skew_seconds = skew_seconds

    async def find(self, row: ApprovalRequest) -> Effect | None:
        """Return the request's earlier attempt; StaleApprovalError when that was made for something else."""
        effect = await self.ledger(row)
        if effect is not None and effect.digest != row.digest:
            raise StaleApprovalError(f"{SUPERSEDED}another action was carried out under this request's id.")
        return effect

    async def ledger(self, row: ApprovalRequest) -> Effect | None:
        """Return the request's row in the ledger as it stands, whatever it was made for."""
        return await self._effects.load(row.action_id)

    async def is_seen(self, row: ApprovalRequest, effect: Effect | None) -> bool:
        """True when the request's row of the ledger says that its action was done, and its target says so too."""
        if effect is None or effect.status is not EffectStatus.DONE:
            return False
        return await self._read_back(self.tool(row), row.action_id) is not None

    def tool(self, row: ApprovalRequest) -> ChosenTool:
        """Return what would carry the request out; ToolError when there is no such tool any more."""
        spec = self._registry.find(row.plan.call.name)
        if spec.action is None:
            raise ToolError(f"`{spec.name}` is not something that can be carried out.")
        return ChosenTool(spec, spec.action, accept(spec, row.plan.call, self._registry.environment))

    async def carry_out(
        self, row: ApprovalRequest, tool: ChosenTool, check_may_run: Callable[[], Awaitable[None]]
    ) -> ToolResult:
        """Write the intent, run the tool, write the outcome. Without an intent row nothing runs; ApprovalExpiredError
        when the request was ended, or has run out, since it was checked.

        `check_may_run` is awaited when everything is written; its RefusedError or ToolError ends the attempt unrun.
        """
        intent = Effect(
            action_id=row.action_id,
            approval_id=row.id,
            tool=tool.spec.name,
            args=row.plan.call.args,
            digest=row.digest,
            status=EffectStatus.INTENT,
            intent_at=self._clock.now(),
        )
        # With its line of the history, or not at all: an intent left behind would have to be called unknown by a retry.
        if not await self._effects.intend(intent, self._event(row, "EffectIntended", args=row.plan.call.args)):
            earlier = await self._effects.load(row.action_id)
            if earlier is None:
                raise ApprovalExpiredError(f"{RAN_OUT}the request had ended when it was about to begin.")
            # Somebody else came first between our look and now: their outcome is ours.
            return await self.settle(row, earlier)
        try:
            await check_may_run()  # the write may have waited for a lock, past the deadline or a freeze
        except (RefusedError, ToolError) as refusal:
            return await self._conclude(row, EffectStatus.FAILED, f"{NOTHING_RAN}{refusal}")
        return await self._run(row, tool)

    async def _run(self, row: ApprovalRequest, tool: ChosenTool) -> ToolResult:
        stamp = Stamp(action_id=row.action_id, by=_author(row), precondition=row.plan.precondition)
        try:
            async with asyncio.timeout(tool.spec.timeout):
                result = await tool.action.run(tool.args, stamp)
        except StaleApprovalError as error:
            return await self._conclude(row, EffectStatus.FAILED, f"{SUPERSEDED}{error}")
        except (OutcomeUnknownError, ToolTimeoutError, TimeoutError) as error:
            doubt = str(error) or f"`{tool.spec.name}` took more than {tool.spec.timeout:g} s"
        except ToolError as error:
            return await self._conclude(row, EffectStatus.FAILED, str(error))
        except Exception as error:
            logger.exception("act_broke", extra={"tool": tool.spec.name, "action_id": row.action_id})
            doubt = f"`{tool.spec.name}` broke ({type(error).__name__})"
        else:
            return await self._conclude(row, EffectStatus.DONE, result.text, result.data)
        return await self._look_for_outcome(row, tool, self._settle_seconds, doubt)

    async def settle(self, row: ApprovalRequest, effect: Effect) -> ToolResult:
        """Return the outcome of an earlier attempt without a second one.

        An intent without outcome is either under way elsewhere or was cut off by a crash. The target is asked at once;
        while it knows nothing, the attempt may still be under way until its timeout has passed.
        """
        if effect.status is not EffectStatus.INTENT:
            return _stored(effect)
        if effect.digest != row.digest:
            text = "Nobody can tell whether this ran: another action was carried out under this request's id."
            return await self._conclude(row, EffectStatus.UNKNOWN, text)
        try:
            tool = self.tool(row)
        except ToolError as error:
            return await self._conclude(row, EffectStatus.UNKNOWN, f"Nobody can tell whether this ran: {error}")
        age = (self._clock.now() - effect.intent_at).total_seconds()
        # Another worker's clock may be behind ours, and its attempt younger than it looks.
        patience = tool.spec.timeout + self._settle_seconds + self._skew_seconds
        remaining = min(max(patience - age, 0.0), patience)
        return await self._look_for_outcome(row, tool, remaining, "the attempt was cut off")

    async def _look_for_outcome(self, row: ApprovalRequest, tool: ChosenTool, seconds: float, doubt: str) -> ToolResult:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            found = await self._read_back(tool, row.action_id)
            effect = await self._effects.load(row.action_id)
            if effect is not None and effect.status is not EffectStatus.INTENT and found is None:
                return _stored(effect)
            if found is not None:
                return await self._conclude(row, EffectStatus.DONE, f"{found.text} (read back: {doubt})", found.data)
            if loop.time() >= deadline:
                text = f"Nobody can tell whether this ran: {doubt}, and the target does not know it. Please look."
                return await self._conclude(row, EffectStatus.UNKNOWN, text)
            await asyncio.sleep(_POLL_SECONDS)

    async def _read_back(self, tool: ChosenTool, action_id: str) -> ToolResult | None:
        try:
            async with asyncio.timeout(_LOOK_TIMEOUT):
                return await tool.action.read_back(tool.args, action_id)
        except (ToolError, TimeoutError) as error:
            logger.warning("read_back_failed", extra={"action_id": action_id, "error": type(error).__name__})
        except Exception:
            logger.exception("read_back_broke", extra={"action_id": action_id})
        return None

    async def _conclude(
        self, row: ApprovalRequest, status: EffectStatus, text: str, data: JsonValue = None
    ) -> ToolResult:
        clean = cleaned(ToolResult(status="ok", text=text, data=data), self._registry.environment.secrets)
        digest = output_sha256(clean.text, clean.data)
        event = self._event(row, _EVENTS[status], text=clean.text, output_sha256=digest)
        if not await self._effects.conclude(
            row.action_id, status=status, text=clean.text, data=clean.data, now=event.at, event=event
        ):
            # Whoever looked for us while we were held up has written an end already: there is one, and it is that.
            standing = await self._effects.load(row.action_id)
            return _stored(standing) if standing is not None else clean.model_copy(update={"status": "unknown"})
        return clean.model_copy(update={"status": _result_status(status, clean.text)})

    def _event(self, row: ApprovalRequest, kind: str, **details: JsonValue) -> AuditEvent:
        return AuditEvent(
            kind=kind,
            actor="guard",
            subject=row.id,
            incident_id=row.incident_id,
            at=self._clock.now(),
            details={"action_id": row.action_id, "tool": row.plan.call.name, "digest": row.digest, **details},
        )


def left_behind(effect: Effect | None) -> JsonValue:
    """Return the version of its target that a done action left there; None when nothing is known."""
    if effect is None or effect.status is not EffectStatus.DONE or not isinstance(effect.data, dict):
        return None
    return effect.data.get(VERSION)


def _stored(effect: Effect) -> ToolResult:
    return ToolResult(status=_result_status(effect.status, effect.text), text=effect.text, data=effect.data)


def _result_status(status: EffectStatus, text: str) -> Any:
    if status is EffectStatus.FAILED:
        return "refused" if text.startswith((SUPERSEDED, NOTHING_RAN)) else "failed"
    return "ok" if status is EffectStatus.DONE else "unknown"


def _author(row: ApprovalRequest) -> str:
    approvers = ", ".join(vote.person for vote in row.votes if vote.choice == "approve")
    return f"watchkeeper for {row.requester}, approved by {approvers}"[:200]
