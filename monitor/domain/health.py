"""How the sources and channels of the monitor itself are doing."""

from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """What is known of a source's answers. `closed_until`: a gate that a rate limit closed, kept over restarts.

    `detail`: why it fails; while it does not, what its last answer left out.
    """

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


def heard(before: SourceHealth | None, source: str, now: datetime, problem: str | None) -> SourceHealth:
    """Note an answer (`problem` None) or a silence. A silence that lasts keeps its beginning."""
    known = before or SourceHealth(source, None, None)
    if problem is None:
        return replace(known, answered_at=now, failing_since=None, detail="")
    return replace(known, failing_since=known.failing_since or now, detail=problem)
