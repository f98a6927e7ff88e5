"""The re-approval of one version of one server: a state machine that is one table.

A review begins when a finding asks for a decision about a version, and ends with a human's decision, or when its cause is gone.
A decision holds only for the pin that the reviewer was shown; a newer candidate supersedes the review.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from monitor.domain.fingerprint import fingerprint
from monitor.domain.server import Pin


class State(StrEnum):
    """Where a review stands."""

    DETECTED = "detected"
    TICKETED = "ticketed"
    APPROVED = "approved"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


OPEN = frozenset({State.DETECTED, State.TICKETED})


class Happening(StrEnum):
    """What can happen to a review."""

    TICKET_OPENED = "ticket-opened"
    APPROVE = "approve"
    REJECT = "reject"
    NEWER_CANDIDATE = "newer-candidate"
    CAUSE_GONE = "cause-gone"
    RECURRED = "recurred"


TRANSITIONS: dict[tuple[State, Happening], State] = {
    (State.DETECTED, Happening.TICKET_OPENED): State.TICKETED,
    (State.DETECTED, Happening.APPROVE): State.APPROVED,
    (State.DETECTED, Happening.REJECT): State.REJECTED,
    (State.DETECTED, Happening.NEWER_CANDIDATE): State.SUPERSEDED,
    (State.DETECTED, Happening.CAUSE_GONE): State.WITHDRAWN,
    (State.TICKETED, Happening.APPROVE): State.APPROVED,
    (State.TICKETED, Happening.REJECT): State.REJECTED,
    (State.TICKETED, Happening.NEWER_CANDIDATE): State.SUPERSEDED,
    (State.TICKETED, Happening.CAUSE_GONE): State.WITHDRAWN,
    (State.TICKETED, Happening.TICKET_OPENED): State.TICKETED,
    (State.WITHDRAWN, Happening.RECURRED): State.DETECTED,
    (State.SUPERSEDED, Happening.RECURRED): State.DETECTED,
    (State.APPROVED, Happening.RECURRED): State.DETECTED,
}
"""Every pair that is not here is refused: a rejected version stays rejected, whatever happens."""


class Refused(Exception):
    """The state machine does not know this happening in this state."""


@dataclass(frozen=True, slots=True)
class Review:
    """A candidate pin under review. `ticket` is the tracker's key."""

    server: str
    candidate: Pin
    state: State
    opened_at: datetime
    ticket: str = ""
    occurrence: int = 1

    @property
    def fingerprint(self) -> str:
        """One review per server and version."""
        return fingerprint("review", self.server, str(self.candidate.purl))

    @property
    def mark(self) -> str:
        """The name that its ticket carries: another one each time the review begins again, so that an old ticket is never taken for it."""
        return fingerprint("ticket", self.fingerprint, str(self.occurrence))


def advance(review: Review, happening: Happening) -> Review:
    """Apply the table. Raises `Refused`.

    A question that was decided and comes back is another question, with a ticket of its own; one that went away and comes back is not.
    """
    state = TRANSITIONS.get((review.state, happening))
    if state is None:
        raise Refused(f"{happening.value} in state {review.state.value}")
    if happening is Happening.RECURRED and review.state is State.APPROVED:
        return replace(review, state=state, occurrence=review.occurrence + 1, ticket="")
    return replace(review, state=state)
