"""Which of Slack's faults are worth another try, and which mean that a feature is missing here."""

import asyncio

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError

FAULTS = (SlackClientError, aiohttp.ClientError, asyncio.TimeoutError, OSError)
_PASSING = {
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
    "ratelimited",
    "team_added_to_org",
}
_MISSING = {"unknown_method", "missing_scope", "not_allowed_token_type", "method_deprecated", "feature_not_enabled"}
_SHUT = {
    "is_archived",
    "channel_not_found",
    "not_in_channel",
    "no_permission",
    "access_denied",
    "ekm_access_denied",
    "team_access_not_granted",
    "thread_not_found",
    "invalid_thread_ts",
    "cant_update_message",
    "edit_window_closed",
}


def code_of(error: BaseException) -> str:
    """Return Slack's error code, or an empty text for a fault of the transport."""
    return str(error.response.get("error") or "") if isinstance(error, SlackApiError) and _is_dict(error) else ""


def is_passing(error: BaseException) -> bool:
    """True for a fault that may be gone in a moment; the call may nevertheless have had its effect."""
    if isinstance(error, SlackApiError):
        return _status(error) in (429, 500, 502, 503, 504) or code_of(error) in _PASSING or not _is_dict(error)
    return isinstance(error, FAULTS)


def is_missing(error: BaseException) -> bool:
    """True when this workspace, plan or app has no such feature."""
    return code_of(error) in _MISSING


def is_shut(error: BaseException) -> bool:
    """True when nothing can be shown there, however often it is tried; a person has to change the channel first."""
    return code_of(error) in _SHUT or code_of(error).startswith("restricted_action")


def pause_of(error: BaseException, otherwise: float) -> float:
    """Return the seconds that Slack asks to wait, or `otherwise`."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    asked = str(headers.get("Retry-After", ""))
    return float(asked) if asked.isdigit() else otherwise


def _status(error: SlackApiError) -> int:
    return int(getattr(error.response, "status_code", 200))


def _is_dict(error: SlackApiError) -> bool:
    return isinstance(getattr(error.response, "data", error.response), dict)
