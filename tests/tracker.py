"""A tracker in memory, for the jobs that read decisions: what the port promises, without any tracker's own ways. Tests play the people."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monitor.domain.action import CommentTicket, Delivered, Delivery, MoveTicket, OpenTicket, UpdateTicket
from monitor.domain.document import plain
from monitor.domain.review import Word
from monitor.ports.channels import Phase, Said, TicketState
from monitor.ports.errors import Unavailable


@dataclass
class Ticket:
    """A ticket as it stands."""

    key: str
    mark: str
    title: str
    body: str
    shows: tuple[str, ...]
    links: tuple[str, ...] = ()
    phase: Phase = Phase.NEW
    said: tuple[Said, ...] = ()
    comments: dict[str, str] = field(default_factory=dict)
    """By key."""

    @property
    def remarks(self) -> list[str]:
        """The comments, oldest first."""
        return list(self.comments.values())


@dataclass
class Tracker:
    """All tickets, in order. `silent`: it does not answer whoever reads."""

    tickets: list[Ticket] = field(default_factory=list)
    silent: bool = False
    reporter: str = "bot"
    reads: int = 0
    _said: int = 0

    @property
    def name(self) -> str:
        """As the connector."""
        return "jira"

    # what people do

    def decide(
        self, ticket: Ticket, word: Word, by: str, at: datetime, *, shown: tuple[str, ...] | None = None
    ) -> None:
        """Bring a ticket where decisions go; `shown` is what it shows now, unless it is said."""
        self._said += 1
        ticket.phase = Phase.APPROVED if word is Word.APPROVE else Phase.REJECTED
        pins = ticket.shows if shown is None else shown
        ticket.said = (Said(f"c{self._said}", word, by, at, pins, f"jira {ticket.key}"),)

    def find_key(self, key: str) -> Ticket | None:
        """Return the ticket with that key."""
        return next((each for each in self.tickets if each.key == key), None)

    # the port

    async def open(self, ticket: OpenTicket, *, links: tuple[str, ...] = ()) -> Delivery:
        """Keep it."""
        key = f"SEC-{len(self.tickets) + 1}"
        self.tickets.append(Ticket(key, ticket.fingerprint, ticket.title, plain(ticket.body), ticket.shows, links))
        return Delivered(key)

    async def find(self, fingerprint: str) -> str | None:
        """Return the oldest."""
        return next((each.key for each in self.tickets if each.mark == fingerprint), None)

    async def comment(self, ticket: str, comment: CommentTicket) -> Delivery:
        """Keep it; a deleted ticket takes it silently."""
        if found := self.find_key(ticket):
            found.comments[comment.key] = plain(comment.body)
        return Delivered(comment.key)

    async def find_comment(self, ticket: str, key: str) -> str | None:
        """Return its key."""
        found = self.find_key(ticket)
        return key if found and key in found.comments else None

    async def update(self, ticket: str, update: UpdateTicket) -> Delivery:
        """Let it ask about something else; what was said before was not shown it."""
        if found := self.find_key(ticket):
            found.title, found.body, found.shows = update.title, plain(update.body), update.shows
        return Delivered(ticket)

    def address(self, ticket: str) -> str:
        """Somewhere."""
        return f"https://tracker.example/{ticket}"

    async def move(self, ticket: str, move: MoveTicket) -> Delivery:
        """Close it, or open it again."""
        if found := self.find_key(ticket):
            decided = found.phase in (Phase.APPROVED, Phase.REJECTED)
            if move.to == "reopened":
                found.phase, found.said = Phase.NEW, ()
            elif not decided:
                found.phase = Phase.CLOSED
        return Delivered(ticket)

    async def read(self, tickets: Mapping[str, str]) -> Mapping[str, TicketState]:
        """Tell how they stand."""
        self.reads += 1
        if self.silent:
            raise Unavailable("jira", "no answer")
        return {mark: self._state(mark, key) for mark, key in tickets.items()}

    def _state(self, mark: str, key: str) -> TicketState:
        found = next((each for each in self.tickets if each.mark == mark), None)
        if found is None:
            return TicketState(key, Phase.GONE)
        return TicketState(found.key, found.phase, found.phase.value, found.said, self.reporter, found.shows)

    async def probe(self) -> str:
        """All is well."""
        return "jira: in memory"
