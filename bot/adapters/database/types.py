"""Column types that give back exactly what went in, on SQLite and on PostgreSQL."""

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator

from core.storable import storable_json, storable_words


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment, kept in UTC; a naive one is a programming error."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn any zone into UTC; SQLite keeps text and knows no zones."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return it aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Json(TypeDecorator[Any]):
    """A JSON value as text; the engines' own JSON types refuse NUL, lone surrogates and NaN, which logs contain."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        """Write ASCII only."""
        return storable_json(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Return the value; None stands for JSON null."""
        return None if value is None else json.loads(value)


class Words(TypeDecorator[str]):
    """Text that people wrote, with what PostgreSQL cannot hold (NUL, lone surrogates) replaced."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Replace what cannot be stored."""
        if value is None:
            return None
        return storable_words(value)
