"""Tells whether messages are still what they were at the last put, for a tenth of what serialising them costs.

A portrait holds all that a message's own dump is made of, so equal portraits mean equal dumps. It is drawn anew at each
put and compared whole, since graphs change messages in place. Whatever it could not tell from something else (a type
that is no message of LangChain's own, content in blocks, an object, a tuple, a subclass) has no portrait.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import ormsgpack
from langchain_core import messages
from pydantic import BaseModel

_EXACT = (
    ormsgpack.OPT_PASSTHROUGH_DATACLASS
    | ormsgpack.OPT_PASSTHROUGH_DATETIME
    | ormsgpack.OPT_PASSTHROUGH_ENUM
    | ormsgpack.OPT_PASSTHROUGH_SUBCLASS
    | ormsgpack.OPT_PASSTHROUGH_TUPLE
    | ormsgpack.OPT_PASSTHROUGH_UUID
)
"""Everything but JSON's own types and bytes goes to the hook, and as there is none, is an error."""


_TEXTLESS = {"content": None}
_EXTRA = attrgetter("__pydantic_extra__")


@dataclass(frozen=True, slots=True)
class Portrait:
    """What some messages hold: the type of each, its text, and its other fields, one message after another.

    Texts are kept as they are, not copied: a text cannot change, and one that is the same object costs no reading."""

    kinds: Sequence[type]
    texts: Sequence[str]
    fields: bytes

    def continues(self, other: "Portrait") -> bool:
        """Return whether this begins with the same messages; each one's fields say where they end."""
        count = len(other.kinds)
        same = self.kinds[:count] == other.kinds and self.texts[:count] == other.texts
        return same and self.fields.startswith(other.fields)


def portrait(elements: Sequence[Any]) -> Portrait | None:
    """Return the portrait of a list of messages; None when there is one in it that none can be drawn of."""
    kinds = list(map(type, elements))
    if not _MESSAGES.issuperset(kinds) or any(map(_EXTRA, elements)):
        return None
    texts = [each.content for each in elements]
    if set(map(type, texts)) != {str}:
        return None
    try:
        packed = ormsgpack.packb([each.__dict__ | _TEXTLESS for each in elements], None, _EXACT)
    except ormsgpack.MsgpackEncodeError:
        return None
    return Portrait(kinds, texts, packed[_head(len(kinds)) :])


def _head(count: int) -> int:
    # What msgpack writes before the elements of a list: the shorter, the fewer these are.
    return 1 if count < 2**4 else 3 if count < 2**16 else 5


def _is_its_fields(kind: type[BaseModel]) -> bool:
    how = kind.__pydantic_decorators__
    own = how.field_serializers or how.model_serializers or how.computed_fields
    return not own and kind.model_dump is BaseModel.model_dump


_MESSAGES = frozenset(
    kind
    for kind in (messages.AIMessage, messages.HumanMessage, messages.SystemMessage, messages.ToolMessage)
    if _is_its_fields(kind)
)
