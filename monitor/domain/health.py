"""How the sources and channels of the monitor itself are doing."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """What is known of a source's answers. `closed_until`: a gate that a rate limit closed, kept over restarts."""

    source: str
    answered_at: datetime | None  # None: never
    failing_since: datetime | None  # None: the last look was answered
    detail: str = ""
    closed_until: datetime | None = None  # None: open


@dataclass(frozen=True, slots=True)
class Undeliverable:
    """An action that was given up; `what` says it in a few words, `error` is the receiver's last answer."""

    key: str
    what: str
    error: str
