"""What the program needs from the outside, and how the outside may fail.

    SourceError
    ├── Unavailable   no answer, or a fault of the source's own: ask again later
    ├── Denied        credentials or rate refused
    ├── Malformed     an answer that is not what the source promises
    └── NotFound      the source knows no such thing: a fact, not a fault

No other exception leaves a connector.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from monitor.domain.action import Action, CommentTicket, Delivery, OpenTicket, SendAlert
from monitor.domain.advisory import Advisory, AdvisoryRef
from monitor.domain.audit import AuditEvent, Checkpoint, Sealed
from monitor.domain.deployment import Deployment, Inventory
from monitor.domain.evidence import Evidence
from monitor.domain.finding import Tracked
from monitor.domain.health import SourceHealth
from monitor.domain.provenance import Attestation, Subject, Verification
from monitor.domain.purl import Purl
from monitor.domain.release import Artifact, Digest, KnownRelease, Listing, Release
from monitor.domain.review import Review
from monitor.domain.server import Entry, Registry
from monitor.domain.unknown import Reason, Unknown

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class SourceError(Exception):
    """A connector's refusal; the text is one line for a person, with no secret in it."""

    reason = Reason.UNAVAILABLE

    def __init__(self, source: str, detail: str) -> None:
        """Name the source and say what happened."""
        super().__init__(f"{source}: {detail}")
        self.source = source
        self.detail = detail

    def unknown(self) -> Unknown:
        """Return the error as the value that stands where the answer would."""
        return Unknown(self.reason, self.source, self.detail)


class Unavailable(SourceError):
    """No answer, or a fault of the source's own."""


class Denied(SourceError):
    """Credentials or rate refused."""

    reason = Reason.DENIED


class Malformed(SourceError):
    """An answer that is not what the source promises, or exceeds a limit."""

    reason = Reason.MALFORMED


class NotFound(SourceError):
    """The source answered that there is no such thing."""

    reason = Reason.MALFORMED


@dataclass(frozen=True, slots=True)
class Validator:
    """What makes the next request for `key` (address and form) conditional."""

    key: str
    etag: str
    last_modified: str


Validators = Mapping[str, Validator]
"""By key. A connector sends those that it knows, and returns those to keep."""


@dataclass(frozen=True, slots=True)
class Fresh(Generic[T_co]):
    """An answer, what makes the next question conditional, and the raw documents. Keep all three in one transaction, or none."""

    value: T_co
    validators: tuple[Validator, ...] = ()
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The source says that what we know still stands. Never an empty answer."""


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A file that was streamed through the hashes and dropped: size in bytes, algorithm -> digest (sha256, sha512, sha1)."""

    size: int
    digests: Mapping[str, Digest]


class ReleaseSource(Protocol):
    """A registry or forge that lists releases of packages."""

    @property
    def name(self) -> str:
        """The connector's name: `pypi`, `npm`, `github`."""

    async def listing(self, package: Purl, known: Validators) -> Fresh[Listing] | Unchanged:
        """Return every release, yanked ones too, in no order; `Unchanged` only when `known` made the source say so.

        Raises the four errors; `NotFound` means that the source knows no such package.
        """

    async def download(self, artifact: Artifact) -> Downloaded:
        """Stream the file through the hashes: never stored, extracted or run. Allowed hosts only, size limited."""

    async def attestations(self, release: Release, artifact: Artifact) -> Fresh[tuple[Attestation, ...]]:
        """Return everything that vouches for the file, unverified. Empty: the source says that nobody does.

        Where the listing announces an attestation and the endpoint has none, `Unavailable`: two answers that disagree are no fact.
        """


class Verifier(Protocol):
    """Decides claims. Total on any input: never raises, never asks the network."""

    def verify(self, subject: Subject, attestations: Sequence[Attestation]) -> tuple[Verification, ...]:
        """Decide each attestation's claim about the subject; nothing for an empty sequence."""

    def roots(self) -> tuple["TrustRoot", ...]:
        """Return the trust roots in use."""


@dataclass(frozen=True, slots=True)
class TrustRoot:
    """A trust root file: where it is, and of which day."""

    name: str
    path: str
    dated: datetime


class AdvisorySource(Protocol):
    """A database of advisories."""

    @property
    def name(self) -> str:
        """The connector's name: `osv`."""

    async def match(self, versions: Collection[Purl]) -> Mapping[Purl, tuple[AdvisoryRef, ...] | Unknown]:
        """Return, for every version asked, the live records that the source says name it.

        A version of a type that the source does not cover is `Unknown(NOT_COVERED)`, never clean.
        Raises nothing: each version has its answer.
        """

    async def advisory(self, advisory_id: str) -> Fresh[Advisory]:
        """Return one record, withdrawn ones too. Raises the four errors."""


class DeploymentSource(Protocol):
    """Something that knows what runs where."""

    @property
    def name(self) -> str:
        """The connector's name and its place, for people."""

    async def inventory(self) -> Inventory:
        """Return all that it sees now. Raises the four errors when it could not be read as a whole."""


class RegistrySource(Protocol):
    """Where the approved servers are listed."""

    def read(self) -> Registry:
        """Return the good entries and the problems of the others. Raises `Unavailable` or `Malformed` for the file as a whole."""


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


class Clock(Protocol):
    """Time, so that tests own it."""

    def __call__(self) -> datetime:
        """Return now, aware, in UTC."""


# --- the store -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PackageState:
    """What is kept of one package from one source."""

    listing: Listing | None  # None: never looked at
    known: Mapping[str, KnownRelease]
    """By version."""


@dataclass(frozen=True, slots=True)
class Queued:
    """An action in the outbox. `uncertain`: the last attempt may have been accepted."""

    id: int
    action: Action
    attempts: int
    uncertain: bool
    created_at: datetime


class UnitOfWork(Protocol):
    """One transaction. Readers are set-based; nothing is kept unless `commit` is called with what was done."""

    # due-ness
    def enrol(self, job: str, servers: Collection[str], now: datetime) -> None:
        """Make each server due for the job at once, unless it is enrolled; forget those that are not named."""

    def claim(
        self, job: str, *, now: datetime, until: datetime, by: str, limit: int, servers: Collection[str] | None
    ) -> list[str]:
        """Claim, in one statement, up to `limit` servers for `by` until `until`: due ones, or (given `servers`) these, due or not.

        Nobody else's running claim is taken.
        """

    def release(self, job: str, servers: Collection[str], *, next_look_at: datetime, by: str) -> None:
        """Give claims back, and set when the servers are due again."""

    def break_claims(self, by: Collection[str]) -> int:
        """Drop the claims of processes that are known to be dead; return how many."""

    def claimants(self) -> list[str]:
        """Return who holds claims now."""

    # what is known
    def packages(self, source: str, packages: Collection[Purl]) -> Mapping[Purl, PackageState]:
        """Return the state of each package; those never looked at have an empty one."""

    def validators(self, prefix: str, packages: Collection[Purl]) -> Mapping[Purl, Validators]:
        """Return what makes the next look at each package conditional; `prefix` is the source's name."""

    def verifications(self, packages: Collection[Purl]) -> Mapping[Purl, tuple[Verification, ...]]:
        """Return the decided claims by version, for every version of the packages."""

    def advisories(self, ids: Collection[str]) -> Mapping[str, Advisory]:
        """Return the kept records."""

    def deployments(self) -> list[tuple[Deployment, datetime]]:
        """Return what is deployed now, and when each was last seen."""

    def entries(self) -> Mapping[str, Entry]:
        """Return the registry's entries as they were at the last look, by server name."""

    def findings(self, servers: Collection[str] | None = None) -> list[Tracked]:
        """Return the findings of the servers (None: of all), open and resolved, in order of opening."""

    def reviews(self, servers: Collection[str] | None = None) -> list[Review]:
        """Return the reviews, in order of opening."""

    def health(self) -> Mapping[str, SourceHealth]:
        """Return what is known of each source."""

    # keeping
    def keep_listing(
        self, source: str, listing: Listing, known: Collection[KnownRelease], validators: Collection[Validator]
    ) -> None:
        """Keep the listing as it is now, releases that are new to us as first seen, and the validators in place of the old ones."""

    def keep_verifications(self, verifications: Collection[Verification], at: datetime) -> None:
        """Keep the claims of each version that is named, in place of the old ones of that version."""

    def keep_advisories(self, advisories: Collection[Advisory]) -> None:
        """Keep records, in place of older states of them."""

    def keep_inventory(self, inventory: Inventory, at: datetime) -> None:
        """Replace what that source saw before: what it no longer sees is gone from `at` on."""

    def keep_entries(self, entries: Collection[Entry], at: datetime) -> None:
        """Keep the registry's entries as they are now; those not named are gone from `at` on."""

    def keep_findings(self, findings: Collection[Tracked]) -> None:
        """Insert or update by fingerprint."""

    def keep_reviews(self, reviews: Collection[Review]) -> None:
        """Insert or update by fingerprint."""

    def keep_health(self, health: Collection[SourceHealth]) -> None:
        """Insert or update by source."""

    def keep_evidence(self, evidence: Collection[Evidence]) -> None:
        """Keep bodies once, by digest, and note when each address gave them."""

    # the outbox
    def queue(self, actions: Collection[Action], now: datetime) -> int:
        """Queue the actions whose key was never queued; return how many."""

    def take(self, *, now: datetime, until: datetime, by: str, limit: int) -> list[Queued]:
        """Take up to `limit` actions that are due, oldest first, for `by` until `until`.

        One that was taken and not settled in time was perhaps sent: it comes back as uncertain.
        """

    def settle(self, queued: Queued, delivery: Delivery, *, now: datetime, next_try_at: datetime | None) -> None:
        """Note how a delivery ended. `next_try_at` None after anything but `Delivered`: it is dead, and stays for people to see."""

    def outbox(self) -> Mapping[str, int]:
        """Return how many actions are in each state: pending, taken, uncertain, delivered, dead."""

    def dead(self) -> list[tuple[Queued, str]]:
        """Return the actions that will not be tried again, with the last error."""

    # audit
    def chain(self, after: int = 0) -> list[Sealed]:
        """Return the audit chain's links after that sequence number, in order."""

    def head(self, now: datetime) -> Checkpoint:
        """Return the chain's head (sequence number 0 and the genesis hash where it is empty)."""

    def commit(self, first: AuditEvent, *rest: AuditEvent) -> None:
        """Seal the events and keep everything. The only way to keep anything; call it once, last."""


class Store(Protocol):
    """Where everything is kept."""

    async def run(self, work: Callable[[UnitOfWork], T]) -> T:
        """Run `work` in a worker thread inside one transaction, which is rolled back unless it commits."""

    def migrate(self) -> str:
        """Bring the schema to this program's state; return what was done, for people."""

    def schema(self) -> tuple[str, str]:
        """Return the schema's revision as it is, and as this program needs it; the first is empty for a new database."""


class Edge(Protocol):
    """The HTTP client that all connectors of a process share."""

    def session(self) -> AbstractAsyncContextManager[None]:
        """Open the connections for the time of a run."""

    def gates(self) -> Mapping[str, datetime]:
        """Return the hosts that asked us to wait, and until when."""

    def close(self, gates: Mapping[str, datetime]) -> None:
        """Ask nothing of these hosts before their time: what an earlier run was told."""
