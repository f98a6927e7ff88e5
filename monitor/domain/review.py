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
    IN_REVIEW = "in-review"
    APPROVED = "approved"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


OPEN = frozenset({State.DETECTED, State.TICKETED, State.IN_REVIEW})
EARLY = frozenset({State.DETECTED, State.TICKETED})
"""Nobody has taken the question up yet: its ticket may go on to ask about a newer version."""


UNREVIEWED = "a merge without the review it needs"
"""Who asked (`asked_by`) about what came into the registry by a proposal of ours, and was approved by nobody who may."""


class Happening(StrEnum):
    """What can happen to a review."""

    TICKET_OPENED = "ticket-opened"
    TICKET_LOST = "ticket-lost"
    TAKEN_UP = "taken-up"
    APPROVE = "approve"
    REJECT = "reject"
    NEWER_CANDIDATE = "newer-candidate"
    CAUSE_GONE = "cause-gone"
    RECURRED = "recurred"
    REOPEN = "reopen"


TRANSITIONS: dict[tuple[State, Happening], State] = {
    (State.DETECTED, Happening.TICKET_OPENED): State.TICKETED,
    (State.DETECTED, Happening.TICKET_LOST): State.DETECTED,
    (State.DETECTED, Happening.TAKEN_UP): State.IN_REVIEW,
    (State.DETECTED, Happening.APPROVE): State.APPROVED,
    (State.DETECTED, Happening.REJECT): State.REJECTED,
    (State.DETECTED, Happening.NEWER_CANDIDATE): State.SUPERSEDED,
    (State.DETECTED, Happening.CAUSE_GONE): State.WITHDRAWN,
    (State.TICKETED, Happening.TICKET_OPENED): State.TICKETED,
    (State.TICKETED, Happening.TICKET_LOST): State.DETECTED,
    (State.TICKETED, Happening.TAKEN_UP): State.IN_REVIEW,
    (State.TICKETED, Happening.APPROVE): State.APPROVED,
    (State.TICKETED, Happening.REJECT): State.REJECTED,
    (State.TICKETED, Happening.NEWER_CANDIDATE): State.SUPERSEDED,
    (State.TICKETED, Happening.CAUSE_GONE): State.WITHDRAWN,
    (State.IN_REVIEW, Happening.TICKET_OPENED): State.IN_REVIEW,
    (State.IN_REVIEW, Happening.TICKET_LOST): State.DETECTED,
    (State.IN_REVIEW, Happening.TAKEN_UP): State.IN_REVIEW,
    (State.IN_REVIEW, Happening.APPROVE): State.APPROVED,
    (State.IN_REVIEW, Happening.REJECT): State.REJECTED,
    (State.IN_REVIEW, Happening.NEWER_CANDIDATE): State.SUPERSEDED,
    (State.IN_REVIEW, Happening.CAUSE_GONE): State.WITHDRAWN,
    (State.WITHDRAWN, Happening.RECURRED): State.DETECTED,
    (State.SUPERSEDED, Happening.RECURRED): State.DETECTED,
    (State.APPROVED, Happening.REJECT): State.REJECTED,
    (State.APPROVED, Happening.RECURRED): State.DETECTED,
    (State.APPROVED, Happening.REOPEN): State.DETECTED,
    (State.REJECTED, Happening.REOPEN): State.DETECTED,
}
"""Every pair that is not here is refused: a rejected version stays rejected, whatever happens, until a person reopens it."""


class Refused(Exception):
    """The state machine does not know this happening in this state."""


class Word(StrEnum):
    """What a person says of a version."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Vote:
    """What one person said of the pin under review, and counted."""

    by: str
    """The person's name in the configuration."""
    word: Word
    at: datetime
    """When it was said, by the clock of where it was said."""
    via: str
    """Where: `jira SEC-12`, `command line`, `pull request 4`."""
    ref: str
    """That place's own name for it: the same word is counted once."""
    pin: str
    """The fingerprint of the pin that the person was shown."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Review:
    """A candidate pin under review. `ticket` is the tracker's key."""

    server: str
    candidate: Pin
    state: State
    opened_at: datetime
    ticket: str = ""
    occurrence: int = 1
    lives_in: str = ""
    """The mark of the ticket that it lives in, where that was opened for another review or a campaign; empty: its own."""
    before: Pin | None = None
    """What was approved when it was opened; None: nothing was, or opened before this was kept."""
    votes: tuple[Vote, ...] = ()
    answered: tuple[str, ...] = ()
    """The names (`ref`) of words that did not count and were answered."""
    approvable_from: datetime | None = None  # None: nothing holds it, or opened before this was kept
    approvers_needed: int = 1
    campaign: str = ""
    """What it has in common with others that appear at the same time: a scope, a publisher; empty: nothing."""
    episode: int = 0
    """Counts up each time that its ticket has to show it anew: what is told of one episode is not mistaken for what is told of another."""
    bytes_at: datetime | None = None  # None: the version never had others
    """When these bytes were seen first, under a version that had others before."""
    asked_by: str = ""
    """Who asked anew about what was decided: that holds until it is decided again, whatever the findings say."""

    @property
    def fingerprint(self) -> str:
        """One review per server and version."""
        return fingerprint("review", self.server, str(self.candidate.purl))

    @property
    def mark(self) -> str:
        """The name that its ticket carries: its own is another one each time the review begins again."""
        return self.lives_in or self.own_mark

    @property
    def own_mark(self) -> str:
        """The name of a ticket that is opened for it alone."""
        return fingerprint("ticket", self.fingerprint, str(self.occurrence))

    def approvals(self) -> frozenset[str]:
        """Return who has approved exactly this pin."""
        pin = self.candidate.fingerprint
        return frozenset(vote.by for vote in self.votes if vote.word is Word.APPROVE and vote.pin == pin)


def rejection(review: Review) -> Vote | None:
    """Return the word that rejected it last; None: it is not rejected."""
    votes = [vote for vote in review.votes if vote.word is Word.REJECT]
    return max(votes, key=lambda vote: vote.at, default=None) if review.state is State.REJECTED else None


def ask_again(review: Review, happening: Happening, *, at: datetime, before: Pin | None, by: str = "") -> Review:
    """Let a review begin again at that time, beside what is approved then. Raises `Refused`. Votes given so far hold no more."""
    again = without_votes(advance(review, happening))
    return replace(again, opened_at=at, before=before, episode=review.episode + 1, asked_by=by)


def without_votes(review: Review) -> Review:
    """Let the votes that were given hold no more; they are known still, so that none is counted a second time."""
    return replace(review, votes=(), answered=(*review.answered, *(vote.ref for vote in review.votes)))


def advance(review: Review, happening: Happening) -> Review:
    """Apply the table. Raises `Refused`.

    A question that was decided and comes back is another question, with a ticket and votes of its own, as is one whose ticket is lost;
    one that went away and comes back is not.
    """
    state = TRANSITIONS.get((review.state, happening))
    if state is None:
        raise Refused(f"{happening.value} in state {review.state.value}")
    decided = review.state in (State.APPROVED, State.REJECTED)
    if happening is Happening.TICKET_LOST or (decided and happening in (Happening.RECURRED, Happening.REOPEN)):
        again = review.occurrence + 1
        return replace(review, state=state, occurrence=again, ticket="", lives_in="", votes=(), answered=())
    return replace(review, state=state, asked_by=review.asked_by if state in OPEN else "")
