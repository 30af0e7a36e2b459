"""What of a line can be drawn at all."""

import math

from core.series import Series


def drawable(line: Series) -> Series:
    """Return the line without points that are no numbers (a metric may well be NaN)."""
    points = tuple(point for point in line.points if math.isfinite(point[0]) and math.isfinite(point[1]))
    threshold = line.threshold if line.threshold is not None and math.isfinite(line.threshold) else None
    return line.model_copy(update={"points": points, "threshold": threshold})
