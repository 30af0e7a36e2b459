"""What happened, in the past tense, appended and never changed."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, JsonValue


class AuditEvent(BaseModel):
    """One audit row, e.g. kind `ApprovalRequested`, actor `U0ALICE`, subject `apr_...`."""

    model_config = ConfigDict(frozen=True)

    kind: str
    actor: str
    subject: str
    incident_id: str | None = None
    at: datetime
    details: dict[str, JsonValue] = {}
