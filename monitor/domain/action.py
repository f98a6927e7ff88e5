"""Actions are data: what is to be said to whom, or written where, queued beside the findings that ask for it (outbox).

`key` names the deed: an action whose key is already in the outbox is not queued again, and a delivery is idempotent by it.
"""

from dataclasses import dataclass
from typing import Literal

from monitor.domain.document import Document
from monitor.domain.server import Approval, Entry

Place = Literal["withdrawn", "decided", "reopened"]
"""Where a ticket is moved; the tracker's configuration maps it to a status. `decided`: elsewhere than in the ticket."""


@dataclass(frozen=True, slots=True)
class OpenTicket:
    """Open a ticket. `fingerprint` (the mark of the reviews in it) becomes label and property, in the same request."""

    key: str
    server: str
    fingerprint: str
    title: str
    body: Document
    priority: str
    """critical, high, medium, low or info: the tracker's configuration maps it."""
    shows: tuple[str, ...] = ()
    """The fingerprints of the pins that it asks about: kept in the property."""
    links: tuple[str, ...] = ()
    """The marks of older tickets that it goes on from."""


@dataclass(frozen=True, slots=True)
class UpdateTicket:
    """Let a ticket ask about another pin: title, body and what it shows, in one request. What people edited stays."""

    key: str
    server: str
    fingerprint: str
    title: str
    body: Document
    priority: str
    shows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CommentTicket:
    """Say something in a ticket that was opened before; the key of the ticket is looked up on delivery."""

    key: str
    server: str
    fingerprint: str
    body: Document


@dataclass(frozen=True, slots=True)
class MoveTicket:
    """Close a ticket whose cause is gone, or open it again. One that is there already, or that cannot be moved so, is left."""

    key: str
    server: str
    fingerprint: str
    to: Place


@dataclass(frozen=True, slots=True)
class SendAlert:
    """Post a message. `channel` is a name from the configuration. After an ambiguous delivery it is repeated, and marked so."""

    key: str
    channel: str
    title: str
    body: Document
    severity: str
    incident: str = ""
    """The name of the incident that it belongs to: one thread each; empty: it stands alone."""
    begins: bool = False
    """Whether it is the first message of its incident; the others are replies to it."""
    loud: bool = False
    """Whether a reply is to be seen in the channel, too: it pages."""
    owner: str = ""
    """Who answers for the server: mentioned where the configuration knows them."""
    ticket: str = ""
    """The mark of the ticket in which it is decided; empty: none."""
    shows: str = ""
    """The fingerprint of the pin that is decided about there."""


@dataclass(frozen=True, slots=True)
class UpdateAlert:
    """Write the first message of an incident anew, so that it says how things stand."""

    key: str
    channel: str
    title: str
    body: Document
    severity: str
    incident: str
    ticket: str = ""
    shows: str = ""
    open: bool = True
    """Whether the incident goes on: what is over asks for nothing."""


@dataclass(frozen=True, slots=True)
class WritePin:
    """Write an approval into the registry. `before`: the version (a purl) that the registry pinned when it was reviewed; empty: none."""

    key: str
    server: str
    approval: Approval
    before: str
    to: str
    """The name of the writer: `registry-file`, `github-pull-request`."""
    fingerprint: str = ""
    """The mark of the ticket in which it was decided."""


@dataclass(frozen=True, slots=True)
class ListServer:
    """Write a new entry into the registry."""

    key: str
    server: str
    entry: Entry
    to: str


@dataclass(frozen=True, slots=True)
class RetireServer:
    """Write into the registry that a server is not approved any more: its `approved` block goes, the entry stays as retired."""

    key: str
    server: str
    by: str
    reason: str
    to: str


@dataclass(frozen=True, slots=True)
class SendEvent:
    """Hand an event to a SIEM. `sink` is a name from the configuration, `event` one JSON object."""

    key: str
    sink: str
    event: str


Action = (
    OpenTicket
    | UpdateTicket
    | CommentTicket
    | MoveTicket
    | SendAlert
    | UpdateAlert
    | WritePin
    | ListServer
    | RetireServer
    | SendEvent
)


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
