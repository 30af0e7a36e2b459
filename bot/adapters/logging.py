"""Structured logs on standard error: one shape for our events and for libraries, with secrets cut out of both."""

import logging
import sys
from collections.abc import Sequence

import structlog
from structlog.dev import plain_traceback
from structlog.typing import EventDict, Processor, WrappedLogger

_QUIET = ("uvicorn", "slack_sdk", "httpx", "httpcore", "alembic", "aiosqlite", "asyncio", "matplotlib")


def configure_logging(level: str, form: str, secrets: Sequence[str], role: str = "") -> None:
    """Log from `level` up, as `console` or `json` lines; any of `secrets` in any value is replaced by [secret]."""
    structlog.contextvars.clear_contextvars()
    if role:
        structlog.contextvars.bind_contextvars(role=role)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _formatter(form, [*shared, structlog.stdlib.add_logger_name, structlog.stdlib.ExtraAdder()], _Redactor(secrets))
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    # Bolt warns of every payload without a listener, and a worker hears all messages of a channel but wants few;
    # APScheduler warns of every tick that is left out while another worker holds the lease.
    for name in ("slack_bolt", "apscheduler"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _formatter(form: str, foreign: list[Processor], redact: "_Redactor") -> logging.Formatter:
    renderer: Processor
    if form == "json":
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), pad_event_to=0, exception_formatter=plain_traceback
        )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=foreign,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redact,
            renderer,
        ],
    )


class _Redactor:
    """Runs last but for the renderer, so that tracebacks and bound values pass through it too."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets = sorted({secret for secret in secrets if len(secret) >= 6}, key=len, reverse=True)

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {key: self._clean(value) for key, value in event.items()}

    def _clean(self, value: object) -> object:
        if value is None or isinstance(value, bool | int | float):
            return value
        shown = value if isinstance(value, str) else repr(value)
        for secret in self._secrets:
            shown = shown.replace(secret, "[secret]")
        return shown
