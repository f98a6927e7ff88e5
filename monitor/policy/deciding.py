"""What follows from one look at one server."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.domain.action import Action
from monitor.domain.finding import Delta, Tracked
from monitor.domain.review import OPEN, Review
from monitor.domain.snapshot import Snapshot
from monitor.policy.lanes import live_findings
from monitor.policy.reviewing import review_all
from monitor.policy.settings import Policy
from monitor.policy.telling import tell


@dataclass(frozen=True, slots=True)
class Decision:
    """The rows that changed, and what is to be said."""

    tracked: tuple[Tracked, ...]
    reviews: tuple[Review, ...]
    actions: tuple[Action, ...]


def decide(policy: Policy, snapshot: Snapshot, delta: Delta, reviews: Sequence[Review]) -> Decision:
    """Turn the findings of one server into reviews, tickets and alerts. `reviews` are all of that server's."""
    live = live_findings(policy, delta.open, snapshot.taken_at)
    by_version = {review.candidate.purl: review for review in reviews}
    reviewed = review_all(policy, snapshot, delta, by_version, live)
    asked = by_version | {review.candidate.purl: review for review in reviewed.reviews}
    last = next((review for review in reversed(asked.values()) if review.state in OPEN), None)
    ticket, shows = (last.mark, last.candidate.fingerprint) if last else ("", "")
    told = tell(policy, snapshot.server, delta, snapshot.taken_at, ticket=ticket, shows=shows)
    return Decision(told.rows, reviewed.reviews, (*reviewed.actions, *told.alerts))
