"""What leaves a tool: without secrets, and never larger than a card, a model or a row can take."""

from core.series import Series
from core.tool_call import ToolResult, canonical_json
from tools.secrets import SecretFilter

MAX_TEXT = 2000
MAX_DATA_BYTES = 96 * 1024
MAX_SERIES = 8
MAX_POINTS = 240


def cleaned(result: ToolResult, secrets: SecretFilter) -> ToolResult:
    """Return the result filtered first and cut afterwards; data that is too large is left out, and the text says so."""
    text, data = secrets.text(result.text), secrets.json(result.data)
    try:
        size = len(canonical_json(data))
    except (ValueError, RecursionError):  # NaN and the like
        size, data = 0, None
        text += " (data left out: it is not JSON)"
    if size > MAX_DATA_BYTES:
        data = None
        text += f" (data left out: {size} bytes)"
    series = tuple(_drawable(one, secrets) for one in result.series[:MAX_SERIES])
    return ToolResult(status=result.status, text=shortened(text), data=data, series=series)


def shortened(text: str) -> str:
    """Return at most MAX_TEXT characters; an ellipsis tells that there were more."""
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


def _drawable(series: Series, secrets: SecretFilter) -> Series:
    marks = tuple((at, secrets.text(label)[:80]) for at, label in series.marks[:10])
    return series.model_copy(
        update={"title": secrets.text(series.title)[:120], "points": series.points[-MAX_POINTS:], "marks": marks}
    )
