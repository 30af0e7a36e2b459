"""How an address is named in a line that people read: without its credentials."""

from urllib.parse import urlsplit


def shown(url: str) -> str:
    """Return `host:port` (the port as far as it is given), or the path of an address without a host."""
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] or parts.path
