"""Identifiers that look like Slack's."""

import secrets
import string

_UPPER = string.ascii_uppercase + string.digits
_MIXED = string.ascii_letters + string.digits


def new_id(prefix: str) -> str:
    """`prefix` and ten capitals or digits, as in `Ev0123ABCDEF`."""
    return prefix + "0" + "".join(secrets.choice(_UPPER) for _ in range(9))


def short_id(length: int = 5) -> str:
    """The form Slack gives to a missing block_id or action_id."""
    return "".join(secrets.choice(_MIXED) for _ in range(length))


def slug(name: str) -> str:
    """Capitals and digits of a display name, for the stable id of a bot that nobody registered."""
    return "".join(c for c in name.upper() if c in _UPPER)[:9] or "BOT"
