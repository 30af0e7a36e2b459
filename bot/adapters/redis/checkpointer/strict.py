"""A serializer that revives what is allowed, and refuses the rest aloud.

LangGraph's own, when strict, gives back a plain dict or list in the place of a type that it blocks or cannot rebuild.
A graph takes that for its state and goes on; here it is an error that whoever runs the graph can act on.
"""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

import ormsgpack
from langgraph.checkpoint.serde import _msgpack as known  # pyright: ignore[reportPrivateUsage]
from langgraph.checkpoint.serde.jsonplus import (
    EXT_CONSTRUCTOR_KW_ARGS,
    EXT_CONSTRUCTOR_POS_ARGS,
    EXT_CONSTRUCTOR_SINGLE_ARG,
    EXT_DELTA_SNAPSHOT,
    EXT_METHOD_SINGLE_ARG,
    EXT_NUMPY_ARRAY,
    EXT_PYDANTIC_V1,
    EXT_PYDANTIC_V2,
    JsonPlusSerializer,
)
from langgraph.checkpoint.serde.types import _DeltaSnapshot  # pyright: ignore[reportPrivateUsage]

from core.errors import CorruptCheckpointError

_KINDS = {"null", "bytes", "bytearray", "msgpack"}


class StrictSerializer(JsonPlusSerializer):
    """Writes what JsonPlusSerializer writes; reads only types that are on LangGraph's safe list or were allowed.

    `allowed_msgpack_modules` are more of them, as (module, name) or classes; a graph that is compiled while
    LANGGRAPH_STRICT_MSGPACK is set adds those that its state declares. Nothing is imported but allowed types."""

    def __init__(self, *, allowed_msgpack_modules: Any = None) -> None:
        super().__init__(allowed_msgpack_modules=allowed_msgpack_modules)

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """Return the value; CorruptCheckpointError for bytes that do not decode and for types that are not allowed."""
        kind, raw = data
        if kind not in _KINDS:
            raise CorruptCheckpointError(f"a checkpoint holds a value of the refused kind {kind!r}")
        if kind != "msgpack":
            return super().loads_typed(data)
        reviver = _Reviver(self._is_allowed)
        try:
            return reviver.unpack(raw)
        except Exception as error:
            raise CorruptCheckpointError(f"a checkpoint does not decode: {reviver.fault or error}") from error

    def _is_allowed(self, module: str, name: str) -> bool:
        allowed = self._allowed_msgpack_modules
        if (module, name) in known.SAFE_MSGPACK_TYPES or allowed is True:
            return True
        return bool(allowed) and (module, name) in allowed


class _Reviver:
    """Decodes one value; ormsgpack drops what its hook raises, so the first fault is kept here."""

    def __init__(self, is_allowed: Callable[[str, str], bool]) -> None:
        self._is_allowed = is_allowed
        self.fault = ""

    def unpack(self, raw: bytes) -> Any:
        return ormsgpack.unpackb(raw, ext_hook=self._hook, option=ormsgpack.OPT_NON_STR_KEYS)

    def _hook(self, code: int, raw: bytes) -> Any:
        try:
            return self._revive(code, raw)
        except Exception as error:
            self.fault = self.fault or f"{type(error).__name__}: {error}"
            raise

    def _revive(self, code: int, raw: bytes) -> Any:
        if code == EXT_DELTA_SNAPSHOT:
            return _DeltaSnapshot(self.unpack(raw))
        if code == EXT_NUMPY_ARRAY:
            return _array(*self.unpack(raw))
        build = _BUILDERS.get(code)
        if build is None:
            raise ValueError(f"extension {code} is unknown")
        module, name, payload, *rest = self.unpack(raw)
        if code == EXT_METHOD_SINGLE_ARG:
            if (module, name, rest[0]) not in known.SAFE_MSGPACK_METHODS:
                raise TypeError(f"the method {module}.{name}.{rest[0]} is not allowed")
            return getattr(_imported(module, name), rest[0])(payload)
        if not self._is_allowed(module, name):
            raise TypeError(f"the type {module}.{name} is not allowed")
        return build(_imported(module, name), payload)


@cache
def _imported(module: str, name: str) -> Any:
    return getattr(import_module(module), name)


def _single(made: Callable[..., Any], payload: Any) -> Any:
    # msgpack has no tuples: what was hashable when it was put into a set comes back as a list.
    return made(map(_hashable, payload)) if made in (set, frozenset) else made(payload)


def _hashable(value: Any) -> Any:
    return tuple(map(_hashable, value)) if isinstance(value, list) else value


def _positional(made: Callable[..., Any], payload: Any) -> Any:
    if len(payload) == 3 and getattr(made, "__name__", "") == "Send":
        return made(payload[0], payload[1], timeout=payload[2])
    return made(*payload)


def _named(made: Callable[..., Any], payload: Any) -> Any:
    return made(**payload)


def _pydantic(made: Any, payload: Any) -> Any:
    try:
        return made(**payload)
    except Exception:  # noqa: BLE001 - as LangGraph does: what a model no longer accepts is taken as it was written
        build = made.model_construct if hasattr(made, "model_construct") else made.construct
        return build(**payload)


def _array(kind: str, shape: list[int], order: Any, raw: bytes) -> Any:
    numpy = import_module("numpy")
    return numpy.frombuffer(raw, dtype=numpy.dtype(kind)).reshape(shape, order=order)


_BUILDERS: dict[int, Callable[[Any, Any], Any]] = {
    EXT_CONSTRUCTOR_SINGLE_ARG: _single,
    EXT_CONSTRUCTOR_POS_ARGS: _positional,
    EXT_CONSTRUCTOR_KW_ARGS: _named,
    EXT_METHOD_SINGLE_ARG: _single,
    EXT_PYDANTIC_V1: _pydantic,
    EXT_PYDANTIC_V2: _pydantic,
}
