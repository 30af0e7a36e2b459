"""Progress is one message, edited no more often than Slack likes, until the report takes its place."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import structlog

from bot.blocks.progress_message import build_progress, progress_text
from bot.cards.faults import FAULTS
from bot.cards.poster import Poster
from bot.identifiers import REPORT_CARD
from core.brief import Brief
from core.errors import TransientError

_log = structlog.get_logger(__name__)
PACE_SECONDS = 1.2
_REMEMBERED = 500


@dataclass(slots=True)
class _State:
    due: float = 0.0
    steps: tuple[Sequence[str], Sequence[str]] = ((), ())
    later: asyncio.Task[None] | None = None
    ended: bool = field(default=False)


class ProgressMessages:
    """Coalesces progress: the newest state is shown at the latest one pace after it was told.

    `has_report` says whether a report stands already: after an outage another worker may have finished the run."""

    def __init__(
        self, poster: Poster, has_report: Callable[[str], Awaitable[bool]], pace: float = PACE_SECONDS
    ) -> None:
        self._poster = poster
        self._has_report = has_report
        self._pace = pace
        self._states: OrderedDict[str, _State] = OrderedDict()

    async def tell(self, brief: Brief, done: Sequence[str], doing: Sequence[str]) -> None:
        """Show the progress now, or soon when something was shown just before."""
        state = self._state(brief.report_id)
        state.steps = (tuple(done), tuple(doing))
        now = asyncio.get_running_loop().time()
        wait = state.due - now
        if wait <= 0:
            # Set before anything is awaited: parallel steps tell of themselves in the same moment.
            state.due = now + self._pace
            await self._show(brief, state)
        elif state.later is None or state.later.done():
            state.later = asyncio.create_task(self._show_later(brief, state, wait))

    def end(self, report_id: str) -> None:
        """Say that the report stands; call it while holding the report's turn."""
        state = self._state(report_id)
        state.ended = True
        if state.later is not None:
            state.later.cancel()

    async def _show_later(self, brief: Brief, state: _State, wait: float) -> None:
        await asyncio.sleep(wait)
        await self._show(brief, state)

    async def _show(self, brief: Brief, state: _State) -> None:
        async with self._poster.turn(REPORT_CARD, brief.report_id):
            # Looked at only inside the turn: the report may have come meanwhile.
            if state.ended:
                return
            state.due = asyncio.get_running_loop().time() + self._pace
            done, doing = state.steps
            blocks = build_progress(done, doing)
            try:
                if await self._has_report(brief.report_id):
                    return  # a report must not turn into progress again
                await self._poster.show(REPORT_CARD, brief.report_id, progress_text(doing), blocks, brief.place)
            except (TransientError, *FAULTS) as error:
                # A courtesy: the investigation goes on, and the report is posted with more patience.
                _log.info("progress_not_shown", report_id=brief.report_id, error=str(error))

    def _state(self, report_id: str) -> _State:
        state = self._states.setdefault(report_id, _State())
        self._states.move_to_end(report_id)
        if len(self._states) > _REMEMBERED:
            self._states.popitem(last=False)
        return state
