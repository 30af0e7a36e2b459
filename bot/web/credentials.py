"""Who may post alerts: a bearer token or a user and password, compared in constant time; with neither set, nobody."""

import base64
import binascii
import hmac
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AlertCredentials:
    """What senders of alerts must show; empty means that this way is closed."""

    bearer: str = ""
    basic: str = ""

    def accept(self, header: str) -> bool:
        """True when an Authorization header holds one of the two."""
        scheme, _, shown = header.partition(" ")
        if scheme.lower() == "bearer":
            return _same(shown.strip(), self.bearer)
        if scheme.lower() == "basic":
            try:
                return _same(base64.b64decode(shown.strip(), validate=True).decode(), self.basic)
            except (binascii.Error, ValueError):
                return False
        return False

    def __repr__(self) -> str:
        return "AlertCredentials(...)"


def _same(shown: str, expected: str) -> bool:
    return bool(expected) and hmac.compare_digest(shown.encode(), expected.encode())
