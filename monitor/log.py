"""Structured logs on stderr: one event name, data beside it, secrets removed. Other libraries' logs pass through the same hands."""

import logging
import re
import sys
from collections.abc import Collection, Mapping
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor

from monitor.domain.text import one_line, visible

REMOVED = "[removed]"
LONGEST = 2000
SHORTEST_SECRET = 6
"""A shorter word would be cut out of innocent text."""

TELLING_NAMES = re.compile(
    r"authorization|token|password|passwd|secret|cookie|credential|api_?key|webhook", re.IGNORECASE
)
TELLING_VALUES = re.compile(
    r"(?P<scheme>\b(?:bearer|basic)\s+)[\w.~+/=-]{6,}"
    r"|\bxox[a-z]-[\w-]{6,}|\bgh[a-z]_\w{16,}|\bgithub_pat_\w{16,}|\bglpat-[\w-]{16,}|\bnpm_\w{20,}|\bATATT[\w=-]{16,}"
    r"|hooks\.slack\.com/(?:services|workflows)/[\w/]+"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)",
    re.IGNORECASE,
)
"""What looks like a credential wherever it stands: schemes, the vendors' prefixes, webhook addresses, user:password@host."""


class Redactor:
    """Removes the known secrets and whatever looks like one; the processor that every event passes."""

    def __init__(self, secrets: Collection[str]) -> None:
        """Take the secrets that this process holds."""
        long_first = sorted((secret for secret in secrets if len(secret) >= SHORTEST_SECRET), key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, long_first))) if long_first else None

    def text(self, text: str) -> str:
        """Return the text without secrets."""
        known = self._known.sub(REMOVED, text) if self._known else text
        return TELLING_VALUES.sub(lambda found: (found["scheme"] or "") + REMOVED, known)

    def __call__(self, _logger: object, _method: str, event: EventDict) -> EventDict:
        """Redact every value, by its name and by its look."""
        return {key: self._value(key, value) for key, value in event.items()}

    def _value(self, key: str, value: object) -> object:
        shown: object
        match value:
            case bool() | int() | float() | None:
                shown = value
            case _ if TELLING_NAMES.search(key):
                shown = REMOVED
            case Mapping():
                shown = {self.text(str(inner)): self._value(str(inner), each) for inner, each in value.items()}
            case list() | tuple() | set() | frozenset():
                shown = [self._value("", each) for each in value]
            case bytes():
                shown = f"[{len(value)} bytes]"
            case _:
                shown = self.text(str(value))
        return shown


def configure(
    *,
    format: Literal["auto", "json", "console"] = "auto",  # noqa: A002 the option's name
    level: str = "info",
    secrets: Collection[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Send everything that is logged to `stream` (default: stderr), one line an event."""
    target = stream or sys.stderr
    as_json = format == "json" or (format == "auto" and not target.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
        Redactor(secrets),
    ]
    last: Processor = structlog.processors.JSONRenderer(ensure_ascii=False) if as_json else _console
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(level.upper())
    for chatty in ("apscheduler", "httpx", "httpcore", "uvicorn", "slack_sdk", "alembic", "sqlalchemy"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.root.level))
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,  # a later configure() reaches loggers that were used before
    )


def _console(_logger: object, _method: str, event: EventDict) -> str:
    """Write a line for a person; control characters in the data cannot reach the terminal."""
    taken = {key: event.pop(key, "") for key in ("at", "level", "event", "exception")}
    data = " ".join(
        f"{key}={one_line(str(value), LONGEST)}" for key, value in sorted(event.items()) if not key.startswith("_")
    )
    line = f"{str(taken['at'])[11:19]} {taken['level']:<7} {one_line(str(taken['event']), LONGEST)} {data}".rstrip()
    traceback = str(taken["exception"])
    return "\n".join([line, *(f"    {visible(each)}" for each in traceback.splitlines())])
