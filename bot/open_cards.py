"""Every card that is open, queued to be drawn again: for news that concern all of them."""

from dataclasses import dataclass

from core.event import Event
from core.ports import ApprovalQueue, Clock, Incidents, Queue
from core.services.alert_intake import REFRESH_SPAN


@dataclass(frozen=True, slots=True)
class OpenCards:
    """The worker draws them one after another, as fast as Slack takes them."""

    approvals: ApprovalQueue
    incidents: Incidents
    queue: Queue
    clock: Clock

    async def refresh(self) -> None:
        """Queue one refresh for each open card; doing it twice within two seconds queues it once."""
        requests = await self.approvals.pending()
        for request in requests:
            await self.refresh_request(request.id)
        # A request's card draws its incident's along.
        drawn = {request.incident_id for request in requests}
        for incident in await self.incidents.open():
            if incident.id not in drawn:
                await self._refresh("incident_id", incident.id)

    async def refresh_request(self, approval_id: str) -> None:
        """Queue one refresh of a request's card."""
        await self._refresh("approval_id", approval_id)

    async def _refresh(self, kind: str, subject: str) -> None:
        now = self.clock.now()
        span = int(now.timestamp() // REFRESH_SPAN.total_seconds())
        await self.queue.put(
            Event(
                id=f"refresh:{subject}:{span}",
                kind="job.refresh",
                key=f"card:{subject}",
                body={kind: subject},
                received_at=now,
            )
        )
