"""Whether what is on its way to the registry is still decided, under the names that such actions have.

Between a decision and its delivery lie minutes, or days where the registry cannot be written: it may be taken back meanwhile.
"""

from monitor.domain.action import ListServer, WritePin
from monitor.domain.review import Review, State
from monitor.ports.store import UnitOfWork

TAKEN_BACK = "the decision was taken back"


def pin_key(review: Review) -> str:
    """Name the writing of an approval, as it was decided: each writer's own name follows."""
    return f"pin:{_question(review)}"


def listing_key(review: Review) -> str:
    """Name the listing of a server that was approved: each writer's own name follows."""
    return f"list:{_question(review)}"


def proposal_key(review: Review) -> str:
    """Name the proposal of a version that is not decided yet."""
    return f"proposal:{_question(review)}"


def taken_back(unit: UnitOfWork, change: WritePin | ListServer) -> bool:
    """Whether the decision that it writes does not stand any more. What is of no review stands."""
    kind, _, decision = change.key.partition(":")
    about = [each for each in unit.reviews([change.server]) if decision.startswith(f"{each.fingerprint}.")]
    if kind == "proposal":  # It only asks, and the same question may come back.
        return any(each.state is State.REJECTED for each in about)
    return any(each.state is not State.APPROVED or not decision.startswith(_question(each)) for each in about)


def _question(review: Review) -> str:
    return f"{review.fingerprint}.{review.occurrence}:{review.candidate.fingerprint}"
