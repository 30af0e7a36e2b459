"""A line that can be drawn on a card."""

from pydantic import BaseModel, ConfigDict


class Series(BaseModel):
    """A line that can be drawn: points are (unix seconds, value); `unit` is "s", "bytes", "ratio", "1/s" or ""."""

    model_config = ConfigDict(frozen=True)

    title: str
    unit: str = ""
    points: tuple[tuple[float, float], ...]
    threshold: float | None = None
    marks: tuple[tuple[float, str], ...] = ()
