"""Makes known what was given up, and brings back what somebody wants to be tried again."""

from dataclasses import dataclass
from typing import Protocol

import structlog

from bot.cards.dead_letters import DeadLetterCards
from bot.places import Places
from core.brief import Place
from core.dead_letter import DeadLetter
from core.errors import TransientError
from core.ports import DeadLetters, Retries

_log = structlog.get_logger(__name__)
_MANY = 20
"""More than so many at once are told in one message: after a long outage nobody reads a hundred cards."""


class NeedsHuman(Protocol):
    """Where a run ends in front of a person."""

    async def tell(self, place: Place, what: str, why: str, incident_id: str | None, key: str) -> None:
        """Say it in the thread, once for each `key`."""
        ...


@dataclass(frozen=True, slots=True)
class DeadLetterOffice:
    """One tick brings cards, threads and queue up to what the rows say; every step is safe to repeat."""

    letters: DeadLetters
    retries: Retries
    cards: DeadLetterCards
    humans: NeedsHuman
    places: Places

    async def tick(self) -> None:
        """Do what is due; what fails for one letter keeps the others from nothing, an outage ends the tick."""
        due = await self.letters.untold()
        dead = [letter for letter in due if letter.status == "dead"]
        many = len(dead) > _MANY
        if many:
            await self.cards.show_many(dead)
        for letter in due:
            try:
                await self._tell(letter, with_card=not (many and letter.status == "dead"))
            except TransientError:
                raise
            except Exception:  # noqa: BLE001 - the next one must not wait for this one
                _log.exception("dead_letter_not_told", letter=letter.id)
                await self.letters.not_told(letter)

    async def _tell(self, letter: DeadLetter, *, with_card: bool) -> None:
        if letter.status == "taken" and letter.event is not None:
            moment = letter.ended_at.isoformat() if letter.ended_at else ""
            await self.retries.put_again(letter.event, f"retry:{letter.id}:{moment}")
        if with_card:
            await self.cards.show(letter)
        if letter.status == "dead":
            await self._call_a_human(letter)
        await self.letters.told(letter)

    async def _call_a_human(self, letter: DeadLetter) -> None:
        place = await self.places.of(letter.event) if letter.event else None
        place = place or Place(channel="", thread_ts="")
        incident_id = await self.places.incident_at(place) if place.channel else None
        why = f"I gave it up after {letter.attempts} attempts: {letter.error}."
        moment = letter.ended_at.isoformat() if letter.ended_at else ""
        await self.humans.tell(place, WORDS.get(letter.kind, WORDS[""]), why, incident_id, f"dead:{letter.id}:{moment}")


WORDS = {
    "api.ask": "I could not take in what another system asked for",
    "api.vote": "I could not take in a vote over the API",
    "job.ask": "I could not answer this question",
    "job.investigate": "I could not finish this investigation",
    "job.propose": "I could not prepare this proposal",
    "job.resume": "I could not carry out this decision",
    "slack.events_api": "I could not take in this message",
    "slack.interactive": "I could not take in this click",
    "": "I could not handle an event",
}
