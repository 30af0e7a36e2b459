"""Another system that may ask for changes, read requests, or hand in the word of certain people."""

from pydantic import BaseModel, ConfigDict

ASK_REFUSED = "AskRefused"
"""Kind of the audit event for what was asked over the API and never became a request."""

_PREFIX = "api:"


class ApiClient(BaseModel):
    """What one client of the API may do; nothing unless it is said. `may_vote_for` are Slack user ids."""

    model_config = ConfigDict(frozen=True)

    id: str
    may_ask: bool = False
    may_read: bool = True
    may_vote_for: tuple[str, ...] = ()

    @property
    def requester(self) -> str:
        """How its requests name whoever asked, and votes whoever handed them in."""
        return f"{_PREFIX}{self.id}"


def client_in(requester: str) -> str:
    """Return the id of the client that asked, or an empty text where a person or an alert did."""
    return requester.removeprefix(_PREFIX) if requester.startswith(_PREFIX) else ""
