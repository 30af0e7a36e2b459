"""What waits in the queue: an acknowledged thing from outside, or a job that we owe ourselves."""

from datetime import datetime
from typing import Final, Literal, NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict, JsonValue

UNREADABLE: Final = "unreadable"
"""Kind of an entry that holds no event: its body has the fields as text, its id the place where they stood."""


class Start(NamedTuple):
    """What came of beginning an attempt at an event.

    `begun`: it may run, as attempt `number`, tried since `since`. `over`: it is done or dead; strike it off.
    `suspect`: so far it ended without a word, as when it kills its process; its last attempt has to be `alone`.
    `spent`: it has had all its attempts. `attempt` is the word under which its last one was begun.
    """

    state: Literal["begun", "over", "suspect", "spent"]
    number: int
    since: datetime
    attempt: str = ""


class Event(BaseModel):
    """`id` de-duplicates, `key` keeps order (one after another within a key), `kind` picks the use case.

    Kinds: `slack.events_api`, `slack.interactive`, `slack.slash_commands` (body = the payload as Slack sent it),
    `alert` (body = Alert as JSON), `api.ask`, `api.vote` (body = AskJob or VoteJob as JSON),
    `job.investigate`, `job.refresh`, `job.propose`, `job.resume` (body = ids), `job.reconsider` (body = approval_id),
    `job.edit` (body = core.brief.Edit as JSON),
    `job.ask` (body = question, requester, channel, thread_ts, message_ts: as Investigation.of_question takes them).
    """

    model_config = ConfigDict(frozen=True)

    id: str
    kind: str
    key: str
    body: dict[str, JsonValue]
    received_at: AwareDatetime
