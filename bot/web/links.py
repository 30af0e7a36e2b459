"""Links that open one timeline page for a while: whoever holds the link may read, nobody can make one."""

import hashlib
import hmac
import math
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from core.ports import Clock

LIFETIME = timedelta(hours=24)
_ROUND_SECONDS = 3600


def signed_link(
    public_url: str, secret: str, subject: str, now: datetime, *, lifetime: timedelta = LIFETIME, anchor: str = ""
) -> str:
    """Return an address that opens `subject` (an incident or report id) for `lifetime`, rounded up to a full hour."""
    # Rounded, so that a card that is shown again within the hour has not changed.
    expires = math.ceil((now + lifetime).timestamp() / _ROUND_SECONDS) * _ROUND_SECONDS
    query = urlencode({"expires": expires, "signature": _signature(secret, subject, expires)})
    fragment = f"#{quote(anchor)}" if anchor else ""
    return f"{public_url}/timeline/{quote(subject, safe='')}?{query}{fragment}"


def link_is_valid(secret: str, subject: str, expires: str, signature: str, now: datetime) -> bool:
    """True for an unexpired link that `signed_link` made with this secret for this subject."""
    if not (expires.isascii() and expires.isdigit() and len(expires) <= 12 and signature.isascii()):
        return False
    genuine = hmac.compare_digest(_signature(secret, subject, int(expires)), signature)
    return genuine and now.timestamp() < int(expires)


def _signature(secret: str, subject: str, expires: int) -> str:
    digest = hmac.new(secret.encode(), f"timeline\x1f{subject}\x1f{expires}".encode(), hashlib.sha256).digest()
    return urlsafe_b64encode(digest[:18]).decode()


@dataclass(frozen=True, slots=True)
class TimelineLinks:
    """Makes links for cards; `public_url` has no trailing slash. Without an address or a secret there are no links."""

    public_url: str
    secret: str
    clock: Clock

    def url(self, subject: str, anchor: str = "") -> str:
        """Return a link to a subject's page, or an empty text when the web side has no address."""
        if not (self.public_url and self.secret):
            return ""
        return signed_link(self.public_url, self.secret, subject, self.clock.now(), anchor=anchor)
