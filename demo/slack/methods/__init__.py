"""The Web API, one module a family; importing them fills the registry."""

from demo.slack.methods import (
    agents,
    basics,
    chat,
    conversations,
    files,
    functions,
    pins_and_bookmarks,
    reactions,
    scheduled,
    streams,
    usergroups,
    users,
    views,
)
from demo.slack.methods.registry import METHODS, Method

_FAMILIES = (
    agents,
    basics,
    chat,
    conversations,
    files,
    functions,
    pins_and_bookmarks,
    reactions,
    scheduled,
    streams,
    usergroups,
    users,
    views,
)
__all__ = ["METHODS", "Method"]
