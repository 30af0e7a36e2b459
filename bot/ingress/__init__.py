"""What monitoring systems send, each kind in its own parser: untrusted JSON in, alerts out."""
