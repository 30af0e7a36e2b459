"""The two ways a request is refused."""

from typing import Any


class SlackError(Exception):
    """A Web API refusal: becomes `{"ok": false, "error": code, ...}`."""

    def __init__(self, code: str, **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.extra = extra


class ControlError(Exception):
    """A refusal of the control API, with a sentence and an HTTP status."""

    def __init__(self, code: str, detail: str, status: int = 400, **extra: Any) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.status = status
        self.extra = extra


def missing_field(name: str) -> SlackError:
    """The refusal of a call that lacks a required argument."""
    return SlackError("invalid_arguments", response_metadata={"messages": [f"[ERROR] missing required field: {name}"]})
