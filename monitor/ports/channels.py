"""Where people decide and are told."""

from typing import Protocol, TypeVar

from monitor.domain.action import CommentTicket, Delivery, OpenTicket, SendAlert

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class TicketTracker(Protocol):
    """Where re-approvals are decided."""

    @property
    def name(self) -> str:
        """The connector's name: `jira`, or `console` when none is configured."""

    async def open(self, ticket: OpenTicket) -> Delivery:
        """Create the ticket with its fingerprint in the same request. Raises nothing."""

    async def find(self, fingerprint: str) -> str | None:
        """Return the key of the oldest ticket with that fingerprint, None where the tracker shows none (yet). Raises the four errors."""

    async def comment(self, ticket: str, comment: CommentTicket) -> Delivery:
        """Add a comment that carries its key. Raises nothing."""

    async def find_comment(self, ticket: str, key: str) -> str | None:
        """Return the reference of the comment with that key, None where the ticket has none. Raises the four errors."""

    async def probe(self) -> str:
        """Check credentials, project and required fields; return a line for `doctor`. Raises the four errors with the way out."""


class AlertChannel(Protocol):
    """Where people are told."""

    @property
    def name(self) -> str:
        """The connector's name: `slack`, or `console` when none is configured."""

    async def send(self, alert: SendAlert, *, repeat: bool) -> Delivery:
        """Post the message, marked as a repetition when `repeat`. Raises nothing."""

    async def find(self, alert: SendAlert) -> str | None:
        """Return the reference of a message that was posted with this key; None: none was, or it cannot be told. Raises the four errors."""

    async def probe(self) -> str:
        """Check credentials and channels; return a line for `doctor`. Raises the four errors with the way out."""
