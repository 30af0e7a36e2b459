"""What people and the monitoring send us, as it comes to the edge."""

from typing import Any

from bot.identifiers import (
    APPROVE,
    EDIT_VALUE,
    EDIT_VIEW,
    FIELD_BLOCK,
    REASON_BLOCK,
    REASON_INPUT,
    REJECT_VIEW,
    UNDO,
)
from bot.intake import event_of
from core.approval import ApprovalRequest
from core.event import Event
from core.ids import stable_id
from core.ports import Clock
from tests.chaos.history import Run
from tests.chaos.inside.board import OPS, Board
from tests.fakes.examples import an_alert


class Stimuli:
    """Makes events; `runs` are the answers that are owed to some of them."""

    def __init__(self, board: Board, clock: Clock) -> None:
        self._board, self._clock = board, clock
        self.runs: list[Run] = []

    def asks(self, person: str, text: str, thread: str = "") -> Event:
        """Return somebody's words to us in #ops; a run that owes a report."""
        ts = self._board.stamp()
        inner = {"type": "app_mention", "user": person, "text": f"<@U0BOT> {text}", "ts": ts, "channel": OPS}
        inner |= {"thread_ts": thread} if thread else {}
        self.runs.append(Run("question", stable_id("rep", OPS, ts), notes=sentences(f"ask:{OPS}:{ts}")))
        payload = {"type": "event_callback", "event_id": f"Ev{ts}", "team_id": "T0", "event": inner}
        return event_of(payload, self._clock)

    def rings(self, service: str, number: int, firing: bool) -> Event:
        """Return an alert's word from the monitoring."""
        status = "firing" if firing else "resolved"
        alert = an_alert(fingerprint=f"{service}-{number}", service=service, status=status)
        body = alert.model_dump(mode="json")
        name = f"alert:{service}:{number}:{status}"
        return Event(id=name, kind="alert", key=alert.group_key, body=body, received_at=self._clock.now())

    def clicks(self, request: ApprovalRequest, person: str, button: str) -> Event:
        """Return a press of a card's button."""
        payload: dict[str, Any] = self._interaction(person) | {
            "type": "block_actions",
            "container": {"channel_id": request.channel, "message_ts": request.card_ts, "thread_ts": request.thread_ts},
            "channel": {"id": request.channel},
            "actions": [{"action_id": button, "value": request.id, "block_id": "b", "type": "button"}],
        }
        return event_of(payload, self._clock)

    def approves(self, request: ApprovalRequest, person: str) -> Event:
        """Return a press of Approve."""
        return self.clicks(request, person, APPROVE)

    def undoes(self, request: ApprovalRequest, person: str) -> Event:
        """Return a press of Undo."""
        return self.clicks(request, person, UNDO)

    def rejects(self, request: ApprovalRequest, person: str) -> Event:
        """Return the submission of a reason to reject."""
        typed = {REASON_BLOCK: {REASON_INPUT: {"value": "wrong remedy"}}}
        return self._submits(request, person, REJECT_VIEW, typed)

    def edits(self, request: ApprovalRequest, person: str, service: str, workers: int) -> Event:
        """Return the submission of the edit form, for another service or another number of workers."""
        wanted = {"service": {"selected_option": {"value": f'"{service}"'}}, "workers": {"value": str(workers)}}
        typed = {f"{FIELD_BLOCK}{name}": {EDIT_VALUE: wanted[name]} for name in request.plan.call.args}
        return self._submits(request, person, EDIT_VIEW, typed)

    def _submits(self, request: ApprovalRequest, person: str, form: str, typed: dict[str, Any]) -> Event:
        view = {
            "id": f"V{self._board.stamp()}", "hash": "h", "callback_id": form, "private_metadata": request.id,
            "type": "modal", "state": {"values": typed},
            "blocks": [{"type": "input", "block_id": each} for each in typed],
        }  # fmt: skip
        return event_of(self._interaction(person) | {"type": "view_submission", "view": view}, self._clock)

    def _interaction(self, person: str) -> dict[str, Any]:
        trigger = self._board.stamp()
        return {"user": {"id": person}, "team": {"id": "T0"}, "api_app_id": "A0", "trigger_id": trigger}


def sentences(event_id: str) -> tuple[str, ...]:
    """Return the keys of what may be said in place of what an event was to bring about."""
    return (f"failed:{event_id}", f"dead:{event_id}")
