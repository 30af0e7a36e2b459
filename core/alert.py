"""One signal from a monitoring system, in one shape whatever sent it."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class AlertStatus(StrEnum):
    """Alertmanager's two states."""

    FIRING = "firing"
    RESOLVED = "resolved"


class Alert(BaseModel):
    """One alert; labels and annotations are untrusted text, to be shown and compared, never obeyed."""

    model_config = ConfigDict(frozen=True)

    fingerprint: str = Field(min_length=1, max_length=128)
    status: AlertStatus
    name: str = Field(min_length=1, max_length=256)
    service: str = Field(default="", max_length=128)
    env: str = Field(default="", max_length=64)
    severity: str = Field(default="", max_length=64)
    summary: str = Field(default="", max_length=2000)
    description: str = Field(default="", max_length=4000)
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    expr: str = Field(default="", max_length=2000)
    starts_at: datetime
    ends_at: datetime | None = None
    generator_url: str = Field(default="", max_length=2000)
    source: str = Field(default="alertmanager", max_length=64)

    @property
    def group_key(self) -> str:
        """What decides whether two alerts are one incident: the same service in the same environment."""
        return f"{self.env}/{self.service or self.name}"
