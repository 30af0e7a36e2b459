"""Is a request Slack's own: signed with our secret, a moment ago. Bolt's check would raise where it should refuse."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from core.ports import Clock

WINDOW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class SlackVerifier:
    """Knows the signing secret; without one, nobody is Slack."""

    secret: str = field(repr=False)
    clock: Clock

    def genuine(self, timestamps: Sequence[str], signatures: Sequence[str], body: bytes) -> bool:
        """True when Slack signed these bytes within five minutes of now; whatever stands in the headers, never raises.

        The two are all values of X-Slack-Request-Timestamp and X-Slack-Signature that came: exactly one of each is
        needed, as what stands between us and Slack may read another one than we do."""
        if not self.secret or len(timestamps) != 1 or len(signatures) != 1:
            return False
        stamp, shown = timestamps[0], signatures[0]
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
            return False
        if abs(self.clock.now().timestamp() - int(stamp)) > WINDOW.total_seconds():
            return False
        # Bytes, not texts: compare_digest raises on texts that are not ASCII.
        return hmac.compare_digest(sign(self.secret, stamp, body).encode(), shown.encode(errors="surrogatepass"))


def sign(secret: str, stamp: str, body: bytes) -> str:
    """Return version v0 of Slack's signature over a body at that time (seconds since 1970, in digits)."""
    return f"v0={hmac.new(secret.encode(), b'v0:' + stamp.encode() + b':' + body, hashlib.sha256).hexdigest()}"
