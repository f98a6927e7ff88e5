"""No tracker and no channel are configured: print what would have been sent.

It knows everything and keeps nothing: a message that was printed counts as delivered.
"""

from dataclasses import dataclass
from typing import TextIO

from monitor.domain.action import CommentTicket, Delivered, Delivery, OpenTicket, SendAlert
from monitor.domain.document import Document, plain
from monitor.domain.text import one_line, visible


@dataclass(frozen=True, slots=True)
class Tickets:
    """Prints tickets and comments."""

    out: TextIO

    @property
    def name(self) -> str:
        """`console`."""
        return "console"

    async def open(self, ticket: OpenTicket) -> Delivery:
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

    async def send(self, alert: SendAlert, *, repeat: bool) -> Delivery:
        """Print the message."""
        again = "again " if repeat else ""
        return _print(
            self.out, f"would have sent {again}to {alert.channel} ({alert.severity}): {alert.title}", alert.body
        )

    async def find(self, alert: SendAlert) -> str | None:  # noqa: ARG002  (the port's question)
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
