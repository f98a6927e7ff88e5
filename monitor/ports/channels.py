"""Where people decide and are told, and where their decision is written."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeVar

from monitor.domain.action import (
    CommentTicket,
    Delivery,
    ListServer,
    MoveTicket,
    OpenTicket,
    RetireServer,
    SendAlert,
    SendEvent,
    UpdateAlert,
    UpdateTicket,
    WritePin,
)
from monitor.domain.audit import Checkpoint
from monitor.domain.review import Word

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Phase(StrEnum):
    """Where a ticket stands, as far as the tracker's configuration tells."""

    NEW = "new"
    """Nobody has taken it up."""
    TAKEN = "taken"
    APPROVED = "approved"
    REJECTED = "rejected"
    CLOSED = "closed"
    """Done, and neither of the two: no decision."""
    GONE = "gone"
    """Not there, or hidden from us."""


@dataclass(frozen=True, slots=True)
class Said:
    """A decision that was made in a ticket (or a pull request), by whom and when: read from its history, never from a field."""

    ref: str
    """The place's own name for it, another one each time it is said."""
    word: Word
    by: str
    """The tracker's id of the person."""
    at: datetime
    shown: tuple[str, ...]
    """The fingerprints of the pins that the ticket showed when it was said; empty: it was said before it showed what it shows now."""
    detail: str = ""
    """Where it was said, for people: `jira SEC-12`."""
    note: str = ""
    """What people should know of what was read there, a sentence; empty: nothing."""
    again: str = ""
    """How it is said again there, where that is not plain; empty: as it was said."""


@dataclass(frozen=True, slots=True)
class TicketState:
    """A ticket as it is now. `key` may be another one than before: tickets are moved."""

    key: str
    phase: Phase
    status: str = ""
    """The tracker's own word, for people."""
    said: tuple[Said, ...] = ()
    """Each step into a status that decides, and each vote of a native approval; oldest first. Those of before stay in it."""
    reporter: str = ""
    """The tracker's id of who opened it."""
    shows: tuple[str, ...] = ()
    """The fingerprints of the pins that it asks about now."""
    nobodys: bool = False
    """Whether it stands where decisions go, and no person brought it there."""
    unread: str = ""
    """Why what was said in it could not be read, so that `said` is empty; empty: it was read."""
    merged: bool = False
    """Of a proposed change: whether the registry has it, whoever reviewed it."""


class TicketTracker(Protocol):
    """Where re-approvals are decided."""

    @property
    def name(self) -> str:
        """The connector's name: `jira`, or `console` when none is configured."""

    async def open(self, ticket: OpenTicket, *, links: tuple[str, ...] = ()) -> Delivery:
        """Create the ticket with its fingerprint in the same request; `links` are the keys of older tickets. Raises nothing."""

    async def find(self, fingerprint: str) -> str | None:
        """Return the key of the oldest ticket with that fingerprint, None where the tracker shows none (yet). Raises the four errors."""

    async def comment(self, ticket: str, comment: CommentTicket) -> Delivery:
        """Add a comment that carries its key. Raises nothing."""

    async def find_comment(self, ticket: str, key: str) -> str | None:
        """Return the reference of the comment with that key, None where the ticket has none. Raises the four errors."""

    async def update(self, ticket: str, update: UpdateTicket) -> Delivery:
        """Write title, body and property anew, but not a title or a body that a person edited. Idempotent. Raises nothing."""

    def address(self, ticket: str) -> str:
        """Return where people read the ticket; empty: nowhere."""

    async def move(self, ticket: str, move: MoveTicket) -> Delivery:
        """Bring the ticket to the status that the configuration names; delivered with an empty ref where none leads there. Idempotent."""

    async def read(self, tickets: Mapping[str, str]) -> Mapping[str, TicketState]:
        """Return the state of each ticket, by the mark under which its key is given. Raises the four errors; never half an answer."""

    async def probe(self) -> str:
        """Check credentials, project and required fields; return a line for `doctor`. Raises the four errors with the way out."""


class AlertChannel(Protocol):
    """Where people are told."""

    @property
    def name(self) -> str:
        """The connector's name: `slack`, or `console` when none is configured."""

    async def send(self, alert: SendAlert, *, repeat: bool, thread: str = "", link: str = "") -> Delivery:
        """Post the message, marked when it is a repetition, as a reply to `thread`; `link` is its ticket's address. Raises nothing."""

    async def update(self, alert: UpdateAlert, head: str, *, link: str = "") -> Delivery:
        """Write the message `head` anew; delivered with an empty ref where the channel knows no updates. Idempotent. Raises nothing."""

    async def find(self, alert: SendAlert, *, thread: str = "") -> str | None:
        """Return the reference of a message that was posted with this key, as a reply to `thread`; None: none was, or it cannot be told.

        Raises the four errors.
        """

    async def probe(self) -> str:
        """Check credentials and channels; return a line for `doctor`. Raises the four errors with the way out."""


Change = WritePin | ListServer | RetireServer
"""What is written into the registry."""


class RegistryWriter(Protocol):
    """Where decisions are written: the registry file, or proposed changes of it."""

    @property
    def name(self) -> str:
        """The connector's name: `registry-file`, `github-pull-request`."""

    async def write(self, change: Change) -> Delivery:
        """Write it, or propose it. Idempotent: what stands there already is delivered. A registry that changed since is `Rejected`."""

    async def probe(self) -> str:
        """Check that it may be written; return a line for `doctor`. Raises the four errors with the way out."""


class Proposals(Protocol):
    """Where proposed changes of the registry are decided."""

    async def read(self, keys: Mapping[str, WritePin]) -> Mapping[str, TicketState]:
        """Return how each proposal stands that exists, by the key of its action: approved is merged after a review that counts."""


class CheckpointKeeper(Protocol):
    """Where signed proofs of the audit log are kept."""

    async def keep(self, checkpoint: Checkpoint) -> str:
        """Sign it and keep it; return its name there. Raises the four errors."""

    async def probe(self) -> str:
        """Check that it can be done; return a line for `doctor`. Raises the four errors with the way out."""


class EventSink(Protocol):
    """A SIEM, or something on the way to one."""

    @property
    def name(self) -> str:
        """Its name in the configuration."""

    async def send(self, event: SendEvent) -> Delivery:
        """Hand the event over. It carries its own id, by which a receiver knows a repetition. Raises nothing."""

    async def probe(self) -> str:
        """Check that it can be reached; return a line for `doctor`. Raises the four errors with the way out."""
