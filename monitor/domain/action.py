"""Actions are data: what is to be said to whom, queued beside the findings that ask for it (outbox).

`key` names the deed: an action whose key is already in the outbox is not queued again, and a delivery is idempotent by it.
"""

from dataclasses import dataclass

from monitor.domain.document import Document


@dataclass(frozen=True, slots=True)
class OpenTicket:
    """Open the re-approval ticket of one review. `fingerprint` (the review's mark) becomes label and property, in the same request."""

    key: str
    server: str
    fingerprint: str
    title: str
    body: Document
    priority: str
    """critical, high, medium, low or info: the tracker's configuration maps it."""


@dataclass(frozen=True, slots=True)
class CommentTicket:
    """Say something in the ticket of a review that was opened before; the key of the ticket is looked up on delivery."""

    key: str
    server: str
    fingerprint: str
    body: Document


@dataclass(frozen=True, slots=True)
class SendAlert:
    """Post a message. `channel` is a name from the configuration. After an ambiguous delivery it is repeated, and marked so."""

    key: str
    channel: str
    title: str
    body: Document
    severity: str


Action = OpenTicket | CommentTicket | SendAlert


@dataclass(frozen=True, slots=True)
class Delivered:
    """It arrived; `ref` is the receiver's name for it (issue key, message timestamp; empty where the receiver gives none)."""

    ref: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """Surely not accepted; try again, not before `after_seconds`."""

    detail: str
    after_seconds: float


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """May have been accepted: reconcile before anything is sent again."""

    detail: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """Will never be accepted as it is: wrong configuration, missing field, archived channel. A person has to act."""

    detail: str


Delivery = Delivered | Deferred | Ambiguous | Rejected
