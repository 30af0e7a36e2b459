"""Where the machine stops for good: a person is told in the thread what cannot go on and why, and history keeps it."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.audit import AuditEvent
from core.brief import Place
from core.ports import Audit, Cards, Clock

KIND = "NeedsHuman"


@dataclass(frozen=True, slots=True)
class NeedsHuman:
    """The end of whatever cannot be known or must not be guessed; never a pause, nothing is tried again by itself."""

    cards: Cards
    audit: Audit
    clock: Clock

    async def tell(self, place: Place, what: str, why: str, incident_id: str | None, key: str) -> None:
        """Say it in the thread, write it down and show it on the incident's card, once for each `key`.

        `what` and `why` are sentences without and with their full stop. Each step is safe to repeat, so a crash between
        them is mended by telling again. Without a channel there is no thread: the history alone has it then.
        """
        if place.channel:
            await self.cards.say(place, f"🙋 A human has to look: {what}. {why}", key=key)
        subject = subject_of(place, incident_id)
        if not await self.audit.has(KIND, subject, {"key": key}):
            details: dict[str, str] = {"key": key, "what": what, "why": why}
            await self.audit.append(
                AuditEvent(
                    kind=KIND,
                    actor="watchkeeper",
                    subject=subject,
                    incident_id=incident_id,
                    at=self.clock.now(),
                    details=dict(details),
                )
            )
        if incident_id is not None:
            await self.cards.show_incident(incident_id)


def subject_of(place: Place, incident_id: str | None) -> str:
    """Return what such an event is filed under: the incident, or the thread of a conversation."""
    return incident_id or f"{place.channel}:{place.thread_ts}"


async def calls_for_humans(audit: Audit, subject: str) -> Sequence[AuditEvent]:
    """Return the calls filed under a subject of `subject_of`, oldest first."""
    return [event for event in await audit.of_subject(subject) if event.kind == KIND]
