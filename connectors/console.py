"""No tracker and no channel are configured: print what would have been sent.

It knows everything and keeps nothing: a message that was printed counts as delivered.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

from monitor.domain.action import (
    CommentTicket,
    Delivered,
    Delivery,
    MoveTicket,
    OpenTicket,
    SendAlert,
    UpdateAlert,
    UpdateTicket,
)
from monitor.domain.document import Document, plain
from monitor.domain.text import one_line, visible
from monitor.ports.channels import TicketState


@dataclass(frozen=True, slots=True)
class Tickets:
    """Prints tickets and comments."""

    out: TextIO

    @property
    def name(self) -> str:
        """`console`."""
        return "console"

    async def open(self, ticket: OpenTicket, *, links: tuple[str, ...] = ()) -> Delivery:  # noqa: ARG002 (nothing that was printed has a key)
        """Print the ticket."""
        return _print(self.out, f"would have opened a ticket ({ticket.priority}): {ticket.title}", ticket.body)

    async def find(self, fingerprint: str) -> str | None:  # noqa: ARG002  (the port's question)
        """Nothing that was printed can be found again."""
        return None

    async def comment(self, ticket: str, comment: CommentTicket) -> Delivery:
        """Print the comment."""
        where = f"ticket {ticket}" if ticket else "the ticket"
        return _print(self.out, f"would have commented on {where} of {comment.server}", comment.body)

    async def find_comment(self, ticket: str, key: str) -> str | None:  # noqa: ARG002  (as above)
        """Nothing that was printed can be found again."""
        return None

    async def update(self, ticket: str, update: UpdateTicket) -> Delivery:
        """Print what the ticket would ask about now."""
        where = f"ticket {ticket}" if ticket else "the ticket"
        return _print(self.out, f"would have changed {where} ({update.priority}): {update.title}", update.body)

    def address(self, ticket: str) -> str:  # noqa: ARG002 (as above)
        """Nowhere."""
        return ""

    async def move(self, ticket: str, move: MoveTicket) -> Delivery:
        """Print where the ticket would go."""
        where = f"ticket {ticket}" if ticket else "the ticket"
        return _print(self.out, f"would have moved {where} of {move.server}: {move.to}", ())

    async def read(self, tickets: Mapping[str, str]) -> Mapping[str, TicketState]:  # noqa: ARG002 (as above)
        """Nobody decides in what was printed: `mcp-monitor review` is the way."""
        return {}

    async def probe(self) -> str:
        """Say that tickets go nowhere."""
        return "console: no tracker is configured, tickets are printed"


@dataclass(frozen=True, slots=True)
class Alerts:
    """Prints messages."""

    out: TextIO

    @property
    def name(self) -> str:
        """`console`."""
        return "console"

    async def send(self, alert: SendAlert, *, repeat: bool, thread: str = "", link: str = "") -> Delivery:  # noqa: ARG002 (no threads)
        """Print the message."""
        again = "again " if repeat else ""
        return _print(
            self.out, f"would have sent {again}to {alert.channel} ({alert.severity}): {alert.title}", alert.body
        )

    async def update(self, alert: UpdateAlert, head: str, *, link: str = "") -> Delivery:  # noqa: ARG002 (what is printed stays)
        """Nothing: each message was printed when it came."""
        return Delivered("")

    async def find(self, alert: SendAlert, *, thread: str = "") -> str | None:  # noqa: ARG002  (the port's question)
        """Nothing that was printed can be found again."""
        return None

    async def probe(self) -> str:
        """Say that messages go nowhere."""
        return "console: no channel is configured, messages are printed"


def _print(out: TextIO, headline: str, body: Document) -> Delivery:
    """Untrusted text is made visible first: a terminal would obey its escape sequences. What `out` cannot encode becomes `?`."""
    lines = [one_line(headline, 500), *(f"    {line}".rstrip() for line in visible(plain(body)).split("\n"))]
    encoding = getattr(out, "encoding", None) or "utf-8"
    out.write("\n".join(lines).encode(encoding, "replace").decode(encoding) + "\n\n")
    out.flush()
    return Delivered("")
