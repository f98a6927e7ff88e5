"""Whether what is on its way to the registry is still decided, under the names that such actions have.

Between a decision and its delivery lie minutes, or days where the registry cannot be written: it may be taken back meanwhile.
"""

from collections.abc import Iterable

from monitor.domain.action import CommentTicket, ListServer, MoveTicket, UpdateTicket, WritePin
from monitor.domain.review import OPEN, Review, State
from monitor.domain.server import Pin
from monitor.jobs.ticket_health import PROPOSED
from monitor.policy.answering import still_proposed_body
from monitor.ports.store import Queued, UnitOfWork

TAKEN_BACK = "the decision was taken back"
FILE = "registry-file"
"""The writer after which it stands in the registry; another one only proposes it."""
CLOSED = "pull-request:"
"""Begins the names of words that were said by reviewing a proposal, or by closing it."""


def pin_key(review: Review) -> str:
    """Name the writing of an approval, as it was decided: each writer's own name follows."""
    return f"pin:{_question(review)}"


def listing_key(review: Review) -> str:
    """Name the listing of a server that was approved: each writer's own name follows."""
    return f"list:{_question(review)}"


def proposal_key(review: Review) -> str:
    """Name the proposal of a version that is not decided yet."""
    return f"proposal:{_question(review)}"


def is_overtaken(unit: UnitOfWork, queued: Queued) -> str | None:
    """Return why an action is not to be sent any more, in words or none: sent late, it would take back what is newer. None: it is."""
    match queued.action:
        case WritePin() | ListServer() as change if _taken_back(unit, change):
            return TAKEN_BACK
        case UpdateTicket(fingerprint=mark) if unit.newest(f"update:{mark}:") > queued.id:
            return ""
        case MoveTicket(fingerprint=mark, to=to):
            reviews = unit.reviews_in([mark])
            waits = any(each.state in OPEN for each in reviews)
            return "" if reviews and waits is (to != "reopened") else None
        case _:
            return None


def _taken_back(unit: UnitOfWork, change: WritePin | ListServer) -> bool:
    """Whether the decision that it writes does not stand any more. What is of no review stands."""
    kind, _, decision = change.key.partition(":")
    about = [each for each in unit.reviews([change.server]) if decision.startswith(f"{each.fingerprint}.")]
    if kind == "proposal":  # It only asks, and the same question may come back.
        return any(each.state is State.REJECTED for each in about)
    return any(each.state is not State.APPROVED or not decision.startswith(_question(each)) for each in about)


def still_proposed(unit: UnitOfWork, review: Review, refs: Iterable[str] = ()) -> list[CommentTicket]:
    """Ask for the proposal of what was approved to be closed, where the decision is taken back; `refs` name the words that did it."""
    proposed = unit.queued(f"{pin_key(review)}:{PROPOSED}") == "delivered"
    closed = any(ref.startswith(CLOSED) for ref in refs)
    if not proposed or closed or is_written(unit, review):
        return []
    key = f"still-proposed:{review.mark}:{review.fingerprint}.{review.candidate.fingerprint}"
    return [CommentTicket(key, review.server, review.mark, still_proposed_body(review))]


def is_written(unit: UnitOfWork, review: Review) -> bool:
    """Whether what was approved stands in the registry, as far as we wrote it there or have seen it there since."""
    if any(unit.queued(f"{key(review)}:{FILE}") == "delivered" for key in (pin_key, listing_key)):
        return True
    entry = unit.entries().get(review.server)
    if entry is None or entry.approval is None or not _holds(entry.approval.pin, review.candidate):
        return False
    if review.before is None or review.before.purl != review.candidate.purl:
        return True
    # Approved before already: only the date tells which approval it is, and by hand it is written without a time.
    decided = max((vote.at for vote in review.votes), default=review.opened_at)
    return entry.approval.approved_at is not None and entry.approval.approved_at.date() >= decided.date()


def _holds(present: Pin, decided: Pin) -> bool:
    """Whether the registry pins what was decided; by hand, digests are left out."""
    return present.purl == decided.purl and present.digests <= decided.digests


def _question(review: Review) -> str:
    return f"{review.fingerprint}.{review.occurrence}:{review.candidate.fingerprint}"
