"""A vote on its way into a request's row."""

from typing import NamedTuple

from core.approval import Vote
from core.audit import AuditEvent


class Ballot(NamedTuple):
    """A vote with its line of the history: both are written, or neither."""

    vote: Vote
    event: AuditEvent
