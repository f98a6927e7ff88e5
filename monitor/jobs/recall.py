"""What is known before a look: a few set-based queries for a whole batch, and the snapshot that memory alone gives."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from monitor.domain.candidate import unreviewed
from monitor.domain.changes import diff
from monitor.domain.finding import Tracked
from monitor.domain.fleet import assign
from monitor.domain.health import SourceHealth
from monitor.domain.provenance import Verification
from monitor.domain.purl import Purl
from monitor.domain.recertification import overdue
from monitor.domain.release import Release
from monitor.domain.review import Review, State, rejection
from monitor.domain.server import Entry, Server
from monitor.domain.snapshot import Fleet, Looked, Snapshot
from monitor.domain.submission import Submission
from monitor.domain.unknown import NOT_ASKED, Reason, Unknown
from monitor.jobs.submissions import submitted
from monitor.jobs.verify_release import not_done
from monitor.ports.sources import Validators
from monitor.ports.store import PackageState, UnitOfWork

NO_INVENTORY = Unknown(Reason.NOT_COVERED, "inventory", "no inventory is configured")
NOTHING_PUBLISHED = Unknown(Reason.NOT_COVERED, "registry", "a remote server publishes no versions")
INVENTORY = "inventory:"
"""Begins the names of inventories in the health table."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """The memory of one batch."""

    entries: tuple[Entry, ...]
    packages: Mapping[Purl, PackageState]
    """Packages and repositories."""
    validators: Mapping[Purl, Validators]
    verifications: Mapping[Purl, tuple[Verification, ...]]
    """By version."""
    fleet: Fleet | Unknown
    inventory_gaps: tuple[Unknown, ...]
    findings: Mapping[str, Mapping[str, Tracked]]
    """Server -> fingerprint -> finding."""
    reviews: Mapping[str, tuple[Review, ...]]
    health: Mapping[str, SourceHealth]
    submissions: Mapping[str, Submission] = field(default_factory=dict)
    unanswered: Mapping[str, str] = field(default_factory=dict)
    """Server -> the quarter in which nobody answered for it."""

    def looked(self, package: Purl) -> Looked | Unknown:
        """Return the last look at a package as if it were made now."""
        state = self.packages.get(package)
        if state is None or state.listing is None:
            return NOT_ASKED
        return Looked(state.listing, diff(state.known, state.listing), state.known)


def recall(
    unit: UnitOfWork, entries: Collection[Entry], *, inventories: Collection[str], strangers: bool = False
) -> Recalled:
    """Read what is known of the servers. `inventories` are the names of those that are configured.

    With `strangers` the fleet has what is deployed of no server, too: whoever asks for a batch does not want it for each. Then no findings
    are read: there may be one for each place of a fleet, and whoever compares that reads them when it judges.
    """
    packages = {package for entry in entries for package in sources_of(entry.server)}
    by_type: dict[str, set[Purl]] = {}
    for package in packages:
        by_type.setdefault(package.type, set()).add(package)
    states: dict[Purl, PackageState] = {}
    validators: dict[Purl, Validators] = {}
    for source, group in by_type.items():
        states |= unit.packages(source, group)
        validators |= unit.validators(source, group)
    names = {entry.server.name for entry in entries}
    findings: dict[str, dict[str, Tracked]] = {name: {} for name in names}
    for tracked in () if strangers else unit.findings(names):
        findings[tracked.finding.server][tracked.finding.fingerprint] = tracked
    reviews: dict[str, tuple[Review, ...]] = {}
    for review in unit.reviews(names):
        reviews[review.server] = (*reviews.get(review.server, ()), review)
    health = unit.health()
    return Recalled(
        entries=tuple(entries),
        packages=states,
        validators=validators,
        verifications=unit.verifications(packages),
        fleet=assign(
            (entry.server for entry in entries),
            (known for known, _ in unit.deployments(None if strangers else packages)),
        )
        if inventories
        else NO_INVENTORY,
        inventory_gaps=gaps(health, inventories),
        findings=findings,
        reviews=reviews,
        health=health,
        submissions=submitted(unit, {entry.server.name for entry in entries if entry.approval is None}),
        unanswered=overdue(
            unit.recertifications(),
            {entry.server.name: entry.approval.approved_at for entry in entries if entry.approval},
        ),
    )


def gaps(health: Mapping[str, SourceHealth], inventories: Collection[str]) -> tuple[Unknown, ...]:
    """Return the inventories whose last reading failed."""
    asked = ((name, health.get(INVENTORY + name)) for name in sorted(inventories))
    return tuple(Unknown(Reason.UNAVAILABLE, name, each.detail) for name, each in asked if each and each.failing_since)


def unread(health: Mapping[str, SourceHealth], inventories: Collection[str]) -> tuple[Unknown, ...]:
    """Return the inventories whose last reading failed, and those that were never read."""
    heard = {name: health.get(INVENTORY + name) for name in sorted(inventories)}
    never = (Unknown(Reason.NOT_COVERED, name, "it was never read") for name, each in heard.items() if each is None)
    return (*gaps(health, inventories), *never)


def sources_of(server: Server) -> tuple[Purl, ...]:
    """Return what is polled for a server: its package, and its repository where that is another thing."""
    return tuple(dict.fromkeys(package for package in (server.package, server.repository) if package))


def snapshot_of(recalled: Recalled, entry: Entry, taken_at: datetime) -> Snapshot:
    """Return the server as memory has it; a look replaces the parts that it asks for anew."""
    server = entry.server
    package = recalled.looked(server.package) if server.package else NOTHING_PUBLISHED
    repository = server.repository if server.repository != server.package else None
    reviews = recalled.reviews.get(server.name, ())
    snapshot = Snapshot(
        server=server,
        approval=entry.approval,
        taken_at=taken_at,
        package=package,
        repository=recalled.looked(repository) if repository else None,
        deployments=recalled.fleet if isinstance(recalled.fleet, Unknown) else recalled.fleet.by_server[server.name],
        inventory_gaps=recalled.inventory_gaps,
        submission=recalled.submissions.get(server.name) if entry.approval is None else None,
        unanswered=recalled.unanswered.get(server.name, ""),
        approved_before=frozenset(review.candidate.purl for review in reviews if review.state is State.APPROVED),
        rejected={each.candidate.purl: vote for each in reviews if (vote := rejection(each))},
    )
    if isinstance(package, Unknown):
        return replace(snapshot, verifications=package)
    return replace(snapshot, verifications=claims_of(snapshot, package, recalled.verifications))


def under_judgement(snapshot: Snapshot, looked: Looked) -> tuple[Release, ...]:
    """Return the releases whose files are verified, as they are listed now.

    The approved one, those that appeared since the baseline and came after it, and what is deployed and appeared since the baseline.
    """
    listed = {release.version: release for release in looked.listing.releases}
    deployed = () if isinstance(snapshot.deployments, Unknown) else snapshot.deployments
    versions = [
        *([snapshot.approval.pin.purl.version or ""] if snapshot.approval else []),
        *(known.release.version for known in unreviewed(snapshot.approval, looked)),
        *([snapshot.submission.candidate.purl.version or ""] if snapshot.submission else []),
        *(runs.version or "" for each in deployed if (runs := each.runs) and not _of_old(looked, runs)),
    ]
    return tuple(listed[version] for version in dict.fromkeys(versions) if version in listed)


def _of_old(looked: Looked, purl: Purl) -> bool:
    known = looked.known.get(purl.version or "")
    return known is not None and known.baseline


def claims_of(
    snapshot: Snapshot, looked: Looked, verifications: Mapping[Purl, tuple[Verification, ...]]
) -> dict[Purl, tuple[Verification, ...]]:
    """Return the claims by version; a version that was not judged yet is one that could not be checked.

    What is deployed keeps its claims when it leaves the listing: a forged version that is unpublished runs on.
    """
    waiting = "not verified yet: there are many new versions at once, the next look goes on"
    listed = {
        release.purl: verifications.get(release.purl) or (not_done(release, waiting),)
        for release in under_judgement(snapshot, looked)
    }
    deployed = () if isinstance(snapshot.deployments, Unknown) else snapshot.deployments
    gone = {runs for each in deployed if (runs := each.runs) and runs in verifications} - set(listed)
    return listed | {purl: verifications[purl] for purl in gone}
