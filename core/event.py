"""What waits in the queue: an acknowledged thing from outside, or a job that we owe ourselves."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, JsonValue


class Event(BaseModel):
    """`id` de-duplicates, `key` keeps order (one after another within a key), `kind` picks the use case.

    Kinds: `slack.events_api`, `slack.interactive`, `slack.slash_commands` (body = the payload as Slack sent it),
    `alert` (body = Alert as JSON), `job.investigate`, `job.refresh`, `job.propose`, `job.resume` (body = ids),
    `job.ask` (body = question, requester, channel, thread_ts, message_ts: as Investigation.of_question takes them).
    """

    model_config = ConfigDict(frozen=True)

    id: str
    kind: str
    key: str
    body: dict[str, JsonValue]
    received_at: datetime
