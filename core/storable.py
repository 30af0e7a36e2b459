"""The form in which every database of ours keeps words and JSON, so that what is hashed is what is stored."""

import json
from typing import Any


def storable_words(value: str) -> str:
    """Return the text with what PostgreSQL cannot hold (NUL, lone surrogates) replaced; twice is as good as once."""
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def storable_json(value: Any) -> str:
    """Return JSON in ASCII without spaces, its keys in their given order; TypeError for what JSON has no form for."""
    return json.dumps(value, separators=(",", ":"))
