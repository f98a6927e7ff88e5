"""What people said of versions under review, as the audit log has it: a review that is asked anew forgets its votes, the log does not."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from monitor.domain.audit import AuditEvent

REOPENED = "reopen"
VOTED, REOPENING, APPROVED = "review.voted", "review.reopened", "review.approved"
STATES = frozenset({"detected", "ticketed", "in-review", "approved", "rejected", "superseded", "withdrawn"})


@dataclass(frozen=True, slots=True)
class Said:
    """One word that counted, or a question that was asked anew. `version` is a package URL, `pin` a pin's fingerprint."""

    heard_at: datetime
    """When the log got it: it is never changed afterwards, whatever the clock of where it was said."""
    said_at: datetime
    by: str
    word: str
    """`approve`, `reject` or `reopen`."""
    server: str
    version: str
    pin: str
    via: str = ""
    ref: str = ""
    ticket: str = ""
    reason: str = ""


def said(event: AuditEvent) -> Said | None:
    """Return what a person said by an event; None: it is another event."""
    if event.verb not in (VOTED, REOPENING):
        return None
    detail = event.detail
    reopened = event.verb == REOPENING
    return Said(
        heard_at=event.at,
        said_at=_time(detail.get("said_at", ""), event.at),
        by=event.actor if reopened else detail.get("by", event.actor),
        word=REOPENED if reopened else detail.get("word", ""),
        server=event.subject,
        version=detail.get("version", ""),
        pin=detail.get("pin", ""),
        via=detail.get("via", "command line" if reopened else ""),
        ref=detail.get("ref", ""),
        ticket=detail.get("ticket", ""),
        reason=detail.get("reason", ""),
    )


def all_said(events: Iterable[AuditEvent]) -> Iterator[Said]:
    """Yield what was said, in the order in which it was heard."""
    return (each for event in events if (each := said(event)))


def state_after(event: AuditEvent) -> str | None:
    """Return the state in which an event left a review; None: it is about no review's state."""
    noun, _, state = event.verb.partition(".")
    if noun != "review":
        return None
    return "asked anew" if event.verb == REOPENING else state if state in STATES else None


def _time(text: str, otherwise: datetime) -> datetime:
    """A log that somebody else wrote may say anything."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return otherwise
