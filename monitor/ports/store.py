"""Where everything is kept: one unit of work, one way to commit."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from monitor.domain.action import Action, Delivery, OpenTicket, UpdateTicket
from monitor.domain.advisory import Advisory, Named
from monitor.domain.audit import AuditEvent, Checkpoint, Sealed
from monitor.domain.dependency import Dependencies, Resolved
from monitor.domain.deployment import Deployment, HostReport, Inventory, Stay
from monitor.domain.evidence import Evidence, Grounds, Sighting
from monitor.domain.finding import Tracked
from monitor.domain.health import SourceHealth
from monitor.domain.provenance import TrustRoot, Verification
from monitor.domain.purl import Purl
from monitor.domain.release import KnownRelease, Listing
from monitor.domain.review import Review
from monitor.domain.risk import Risk, RiskTable
from monitor.domain.server import Entry, Listed
from monitor.domain.unknown import Unknown
from monitor.ports.answers import Answers
from monitor.ports.sources import Validator, Validators

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


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
    tried_at: datetime | None = None  # None: never taken before


class UnitOfWork(Answers, Protocol):
    """One transaction. Readers are set-based; nothing is kept unless `commit` is called with what was done."""

    def alone(self) -> None:
        """Wait until no other writer is at work: what is read from here on, nobody else changes before this transaction ends."""

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

    def grounds(self, versions: Collection[Purl]) -> Mapping[Purl, Grounds]:
        """Return when and under which trust roots each version's claims were decided; nothing for a version that was not."""

    def evidence(self, digests: Collection[str]) -> Mapping[str, bytes | Unknown]:
        """Return the bodies by digest, or why one cannot be had: never kept, too large, or not what was kept any more."""

    def sightings(self, digests: Collection[str]) -> list[Sighting]:
        """Return which addresses gave these bodies, in the order of digests and addresses."""

    def advisories(self, names: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], Advisory]:
        """Return the kept records, by database and id."""

    def advisories_by_name(self) -> Mapping[str, list[Advisory]]:
        """Return every kept record under its id and each of its aliases."""

    def inventories_since(self) -> datetime | None:
        """Return when a deployment was seen first; None: never."""

    def matches(self, versions: Collection[Purl] | None = None) -> Mapping[Purl, tuple[Named, ...]]:
        """Return which records named the versions (None: any version) since when, those that do no longer, too."""

    def dependencies(self, versions: Collection[Purl]) -> Mapping[Purl, Dependencies]:
        """Return what the versions bring along, as it is known now."""

    def dependency_history(self, packages: Collection[Purl]) -> list[Resolved]:
        """Return what was ever known of versions that brought along one of the packages, or something of no known version; oldest first.

        Other packages are left out of what was found.
        """

    def known_whole(self, versions: Collection[Purl]) -> frozenset[Purl]:
        """Return those of the versions of which everything that they bring along is, or once was, known."""

    def risks(self, cves: Collection[str], sources: Collection[str]) -> Mapping[str, Risk]:
        """Return what the kept lists of those sources say of the flaws; those that no list names are not in it."""

    def risk_lists(self) -> Mapping[str, tuple[datetime, Validators]]:
        """Return for each kept list of which day its data is, and what makes the next request conditional."""

    def risk_size(self, source: str) -> int:
        """Return how many flaws the kept list of a source names; 0: none is kept."""

    def stays(self, packages: Collection[Purl]) -> list[Stay]:
        """Return everything that was ever deployed of the packages, oldest first."""

    def ran(self, begin: datetime | None, end: datetime | None) -> frozenset[Purl]:
        """Return every version (without one: what floated) that was deployed in that time, both ends included; None: without that end."""

    def entry_history(self) -> list[Listed]:
        """Return every state that the registry's entries ever had, oldest first."""

    def deployments(self, packages: Collection[Purl] | None = None) -> list[tuple[Deployment, datetime]]:
        """Return what is deployed now, and when each was last seen.

        Given `packages`: of these alone, and whatever is no package (a remote server, a command that cannot be read).
        """

    def stays_at(self, at: datetime) -> list[Stay]:
        """Return what was deployed at a time, as it was known then."""

    def stays_within(self, begin: datetime, end: datetime) -> list[Stay]:
        """Return what was deployed from `begin` on and before `end`, if only for a part of that time; oldest first."""

    def hosts(self) -> list[tuple[str, HostReport]]:
        """Return the last report of each host that reports by itself, with the name of the source that had it."""

    def entries(self) -> Mapping[str, Entry]:
        """Return the registry's entries as they were at the last look, by server name."""

    def findings(
        self, servers: Collection[str] | None = None, *, rules: Collection[str] | None = None
    ) -> list[Tracked]:
        """Return the findings of the servers and of the rules (None: of all), open and resolved, in order of opening."""

    def reviews(self, servers: Collection[str] | None = None) -> list[Review]:
        """Return the reviews, in order of opening."""

    def reviews_in(self, marks: Collection[str]) -> list[Review]:
        """Return the reviews that live in the tickets with these marks, in order of opening."""

    def reviews_since(self, at: datetime) -> list[Review]:
        """Return the reviews that were opened at that time or later, in order of opening."""

    def reviews_open(self) -> list[Review]:
        """Return the reviews that are not decided and have not ended, in order of opening."""

    def health(self) -> Mapping[str, SourceHealth]:
        """Return what is known of each source."""

    # keeping
    def keep_listing(
        self, source: str, listing: Listing, known: Collection[KnownRelease], validators: Collection[Validator]
    ) -> None:
        """Keep the listing as it is now, the given releases as first seen (in place of what was kept of them), and the validators."""

    def keep_verifications(
        self, verifications: Collection[Verification], at: datetime, roots: Collection[TrustRoot] = ()
    ) -> None:
        """Keep the claims of each version that is named, in place of the old ones of that version, and what they were decided on.

        The documents of the claims, and the files of the roots, are evidence that has to be there already.
        """

    def keep_advisories(self, advisories: Collection[Advisory]) -> None:
        """Keep records, in place of older states of them."""

    def keep_matches(self, named: Collection[Named]) -> None:
        """Insert or update by version, database and record."""

    def keep_dependencies(self, dependencies: Collection[Dependencies], at: datetime) -> None:
        """Keep what the versions bring along from `at` on; what was known of them before is kept as it was."""

    def keep_risks(self, table: RiskTable, validators: Collection[Validator]) -> None:
        """Keep the list in place of the one that the source gave before."""

    def forget_risks(self, kept: Collection[str]) -> Collection[str]:
        """Forget the lists of sources that are not among `kept`, and return their names."""

    def keep_inventory(self, inventory: Inventory, at: datetime) -> None:
        """Replace what that source saw before: what it no longer sees is gone from `at` on, where `complete` and `partial` allow that."""

    def forget_inventories(self, kept: Collection[str], at: datetime) -> None:
        """Let everything be gone from `at` on that was seen by an inventory which is not among `kept` (sources' names)."""

    def forget_hosts(self, before: datetime, at: datetime) -> list[tuple[str, HostReport]]:
        """Forget the hosts that were heard of last before a time, and let their deployments be gone from `at` on; return them."""

    def forget_host(self, host: str, at: datetime) -> list[tuple[str, HostReport]]:
        """Forget one host at once, in every inventory that it reported to; return its reports with the inventories' names."""

    def keep_entries(self, entries: Collection[Entry], at: datetime) -> None:
        """Keep the registry's entries as they are now; those not named are gone from `at` on."""

    def keep_findings(self, findings: Collection[Tracked]) -> None:
        """Insert or update by fingerprint."""

    def keep_reviews(self, reviews: Collection[Review]) -> None:
        """Insert or update by fingerprint."""

    def keep_health(self, health: Collection[SourceHealth]) -> None:
        """Insert or update by source."""

    def keep_evidence(self, evidence: Collection[Evidence]) -> None:
        """Keep bodies once, by digest, and note when each address gave them; of an empty body the digest alone."""

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

    def undelivered(self, before: datetime) -> list[tuple[Queued, str]]:
        """Return the actions that were queued before that time and are not delivered, given up or not, with the last error."""

    def began(self, names: Collection[str]) -> Mapping[str, str]:
        """Return for marks of tickets and names of incidents the receiver's reference (issue key, message) of what began them.

        Those whose beginning was not delivered are not in it.
        """

    def action(self, key: str) -> Action | None:
        """Return the action that was queued under that key, sent or not; None: none was."""

    def said_last(self, mark: str) -> OpenTicket | UpdateTicket | None:
        """Return what was queued last of the text of the ticket with that mark, sent or not; None: it has none."""

    def texts(self, mark: str) -> tuple[OpenTicket | UpdateTicket | None, list[OpenTicket | UpdateTicket]]:
        """Return the text of the ticket with that mark that reached it last (None: none did), and those that are under way."""

    def queued(self, key: str) -> str:
        """Return in which state the action of that key is; empty: it was never queued."""

    def newest(self, prefix: str) -> int:
        """Return the id of the action that was queued last with a key that begins so; 0: none was."""

    # audit
    def chain(self, after: int = 0, limit: int | None = None) -> list[Sealed]:
        """Return the audit chain's links after that sequence number, in order; at most `limit` of them."""

    def events(self, verb: str) -> list[AuditEvent]:
        """Return the audit chain's events of that verb, in order; a line that was tampered with is none."""

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
