"""Where a process is killed, by name; nothing of this is in the product: its methods are wrapped from outside."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

Stage = Literal["ask", "click", "undo", "undo click"]
"""What a person does when the point is armed: asks, approves, presses Undo, approves the undo."""

When = Literal["before", "after", "during"]


@dataclass(frozen=True, slots=True)
class Spot:
    """One method of the product and when to die there: `applies(arguments by position, result)` picks among calls."""

    path: str
    when: When
    applies: Callable[[tuple[Any, ...], Any], bool] = lambda arguments, result: True


def _is_claimed(arguments: tuple[Any, ...], result: Any) -> bool:
    return bool(result)


def _of_approval_card(arguments: tuple[Any, ...], result: Any) -> bool:
    return "watchkeeper_approval" in arguments


def _of_resume(arguments: tuple[Any, ...], result: Any) -> bool:
    return arguments[1].kind == "job.resume"


_STREAM, _QUEUE = "bot.adapters.redis.stream.EventStream", "bot.adapters.redis.queue.RedisQueue"
_APPROVALS = "bot.adapters.database.approval_store.SqlApprovals"
_EFFECTS = "bot.adapters.database.effect_store.SqlEffects"
_DESK = "core.services.approval_desk.ApprovalDesk"


class CrashPoint(Enum):
    """The places of the durable core between two writes; `sentence` says what is there and what is not."""

    def __init__(self, sentence: str, stage: Stage, *spots: Spot) -> None:
        self.sentence = sentence
        self.stage: Stage = stage
        self.spots = spots

    REQUEST_READ = (
        "Slack's request was read and verified; nothing is written and nothing answered.",
        "ask",
        Spot(f"{_QUEUE}.put", "before"),
    )
    ADDED_UNANSWERED = (
        "The event stands in the stream; Slack has no 200 yet and will send it again.",
        "ask",
        Spot(f"{_QUEUE}.put", "after"),
    )
    CLAIMED = (
        "A worker has taken entries out of the stream and has done nothing with them.",
        "ask",
        Spot(f"{_STREAM}.fresh", "after", _is_claimed),
    )
    DEDUPE_ROW_WRITTEN = (
        "The event's unique row says taken; its handler has not begun.",
        "ask",
        Spot("bot.adapters.database.delivery_store.SqlDeliveries.begin", "after"),
    )
    BEFORE_PAUSE_CHECKPOINT = (
        "Mid-graph: the request's row and its card stand, the graph's pause is not in any checkpoint.",
        "ask",
        Spot(f"{_APPROVALS}.place", "after"),
        Spot(f"{_DESK}.request", "after"),
        Spot("tools.guard.Guard.plan", "after"),
    )
    BEFORE_CARD = (
        "The plan's checkpoint and the request's row are written; the card is not posted.",
        "ask",
        Spot("bot.cards.slack_cards.SlackCards.show_approval", "before"),
    )
    CARD_TS_UNSAVED = (
        "Slack has the card; its ts is in no row, so the next process has to find it by its metadata.",
        "ask",
        Spot("bot.cards.poster.Poster._post", "after", _of_approval_card),
    )
    CLICK_ACKED_UNDECIDED = (
        "The click was answered and taken off the queue; no decision is written.",
        "click",
        Spot(f"{_DESK}.vote_on", "before"),
    )
    DECIDED_RESUME_UNQUEUED = (
        "The decision is committed; no job tells the graph of it.",
        "click",
        Spot(f"{_APPROVALS}.claim", "after", _is_claimed),
    )
    RESUME_CLAIMED = (
        "A worker has the job that brings the verdict; the graph does not have it.",
        "click",
        Spot("core.services.remediation.Remediation.resume", "before"),
    )
    INTENT_WRITTEN = (
        "The intent row is committed; the target was not called.",
        "click",
        Spot(f"{_EFFECTS}.intend", "after"),
    )
    DURING_CALL = (
        "The target has the call and has not answered; it may act before, after or never.",
        "click",
        Spot("tools.supervisor.client.SupervisorClient.act", "during"),
    )
    OUTCOME_UNWRITTEN = (
        "The target has acted and answered; the outcome is in no row.",
        "click",
        Spot(f"{_EFFECTS}.conclude", "before"),
    )
    OUTCOME_WITHOUT_CHECKPOINT = (
        "The outcome row is committed; the graph still stands before the effect.",
        "click",
        Spot(f"{_EFFECTS}.conclude", "after"),
    )
    SLACK_NOT_UPDATED = (
        "The request's row says how it ended; its card still shows it under way.",
        "click",
        Spot(f"{_APPROVALS}.finish", "after", _is_claimed),
    )
    UPDATED_UNACKED = (
        "Everything is done and shown; the job is still in the stream.",
        "click",
        Spot("bot.worker.Worker.handle", "after", _of_resume),
    )
    ROLLBACK_REQUESTED = (
        "Undo: its request's row is written, no card and no checkpoint.",
        "undo",
        Spot(f"{_DESK}.request", "after"),
    )
    ROLLBACK_CARD_TS_UNSAVED = (
        "Undo: its card stands, its ts is in no row.",
        "undo",
        Spot("bot.cards.poster.Poster._post", "after", _of_approval_card),
    )
    ROLLBACK_DECIDED = (
        "Undo: approved in SQL, no job tells the graph.",
        "undo click",
        Spot(f"{_APPROVALS}.claim", "after", _is_claimed),
    )
    ROLLBACK_INTENT_WRITTEN = (
        "Undo: its intent row is committed, the target was not called.",
        "undo click",
        Spot(f"{_EFFECTS}.intend", "after"),
    )
    ROLLBACK_DURING_CALL = (
        "Undo: the target has the call and has not answered.",
        "undo click",
        Spot("tools.supervisor.client.SupervisorClient.act", "during"),
    )
    ROLLBACK_OUTCOME_UNWRITTEN = (
        "Undo: the target has acted, the outcome is in no row.",
        "undo click",
        Spot(f"{_EFFECTS}.conclude", "before"),
    )
    ROLLBACK_FINISHED_ALONE = (
        "Undo: its row says executed, the request that it undoes is not marked as rolled back.",
        "undo click",
        Spot(f"{_APPROVALS}.finish", "after", _is_claimed),
    )

    @property
    def undoes(self) -> bool:
        """True for the points of a rollback."""
        return self.stage.startswith("undo")


ASKED = tuple(point for point in CrashPoint if point.stage == "ask")
DECIDED = tuple(point for point in CrashPoint if point.stage == "click")
UNDONE = tuple(point for point in CrashPoint if point.undoes)
