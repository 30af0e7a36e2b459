"""Where in Slack an event belongs: whoever waits for it looks there."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue, ValidationError

from core.brief import Place, Proposal
from core.errors import NoDataError
from core.event import Event
from core.ports import Approvals, Incidents


@dataclass(frozen=True, slots=True)
class Places:
    """Finds threads for events of any age and any shape."""

    incidents: Incidents
    approvals: Approvals

    async def of(self, event: Event) -> Place | None:
        """Return the thread that the event belongs to, or None where there is none or it cannot be told."""
        try:
            return await self._of(event)
        except (NoDataError, ValidationError):
            return None

    async def incident_at(self, place: Place) -> str | None:
        """Return the id of the incident whose thread that is."""
        incident = await self.incidents.at(place.channel, place.thread_ts)
        return incident.id if incident else None

    async def _of(self, event: Event) -> Place | None:
        match event.kind:
            case "job.ask":
                return _place(event.body.get("channel"), event.body.get("thread_ts"))
            case "job.propose":
                return Proposal.model_validate(event.body).place
            case "job.investigate":
                incident = await self.incidents.load(str(event.body.get("incident_id")))
                return _place(incident.channel, incident.thread_ts)
            case "api.vote" | "job.resume" | "job.edit" | "job.reconsider":
                request = await self.approvals.load(str(event.body.get("approval_id")))
                return _place(request.channel, request.thread_ts)
            case "slack.events_api":
                message = _part(event.body, "event")
                return _place(message.get("channel"), message.get("thread_ts") or message.get("ts"))
            case "slack.interactive":
                shown = _part(event.body, "container")
                return _place(shown.get("channel_id"), shown.get("thread_ts") or shown.get("message_ts"))
            case _:
                return None


def _part(body: Mapping[str, JsonValue], name: str) -> Mapping[str, JsonValue]:
    part = body.get(name)
    return part if isinstance(part, Mapping) else {}


def _place(channel: JsonValue, thread_ts: JsonValue) -> Place | None:
    known = isinstance(channel, str) and isinstance(thread_ts, str) and channel and thread_ts
    return Place(channel=str(channel), thread_ts=str(thread_ts)) if known else None
