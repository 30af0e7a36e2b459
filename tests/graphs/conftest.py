"""Strict deserialisation for every graph test; langgraph reads this when it is first imported."""

import os

os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"
