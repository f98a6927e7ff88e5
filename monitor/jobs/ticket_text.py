"""What a ticket surely shows: what we wrote there last. Its property may be rewritten by whoever may edit it, and leaves no trace."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.domain.action import OpenTicket, UpdateTicket
from monitor.domain.review import Review
from monitor.ports.channels import Said, TicketState
from monitor.ports.store import UnitOfWork


@dataclass(frozen=True, slots=True)
class Text:
    """`last` is what has reached the ticket; None: nothing. `pins` it showed; `coming` is shown by what is under way."""

    last: OpenTicket | UpdateTicket | None
    pins: frozenset[str]
    coming: frozenset[str]
    busy: bool
    """Whether something is under way."""

    def is_spoilt(self, state: TicketState) -> bool:
        """Whether the ticket claims to show something else than we let it, or nothing any more."""
        shows = frozenset(state.shows)
        return bool(self.pins) and shows != self.pins and not (shows and shows <= self.coming)


def text_of(unit: UnitOfWork, mark: str) -> Text:
    """Return what the outbox knows of the ticket with that mark."""
    last, coming = unit.texts(mark)
    pins = frozenset(last.shows) if last else frozenset[str]()
    return Text(last, pins, frozenset(pin for each in coming for pin in each.shows), bool(coming))


def vouched(said: Sequence[Said], text: Text) -> list[Said]:
    """Leave of what was shown with each word what we had shown; a word about what is perhaps there already is heard next time."""
    return [
        replace(each, shown=tuple(pin for pin in each.shown if pin in text.pins))
        for each in said
        if text.coming.isdisjoint(set(each.shown) - text.pins)
    ]


def restoring(text: Text, now: datetime) -> UpdateTicket | None:
    """Return what writes the ticket anew as it was; None: something is under way that will. At most once an hour: its key is used once."""
    last = text.last
    if last is None or text.busy:
        return None
    key = f"update:{last.fingerprint}:restored:{now:%Y-%m-%dT%H}"
    return UpdateTicket(key, last.server, last.fingerprint, last.title, last.body, last.priority, last.shows)


def is_odd(reviews: Iterable[Review], live: Iterable[Review], state: TicketState) -> bool:
    """Whether a ticket claims to show something else than is asked there, as far as can be told without a transaction."""
    known = {review.candidate.fingerprint for review in reviews}
    asked = {review.candidate.fingerprint for review in live}
    return not asked <= set(state.shows) or bool(asked and set(state.shows) - known)
