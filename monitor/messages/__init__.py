"""What people read: tickets, comments and alerts as documents. Pure; untrusted text stays text, each channel escapes it its own way.

`tickets` what a ticket says, made of `evidence` (what changed), `summary` (two sentences, and from when), `listing` (the findings) and
`places` (where it runs); `alerts` pages, notices and digests.
"""

from monitor.messages.alerts import alert_body, digest_body, resolved_body
from monitor.messages.pins import seen_pin
from monitor.messages.tickets import comment_body, ending_body, succession_body, ticket_body, ticket_title

__all__ = [
    "alert_body",
    "comment_body",
    "digest_body",
    "ending_body",
    "resolved_body",
    "seen_pin",
    "succession_body",
    "ticket_body",
    "ticket_title",
]
