"""All that one check knows of one server, when the rules judge it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.domain.advisory import Advised
from monitor.domain.changes import Changes
from monitor.domain.dependency import Dependencies
from monitor.domain.deployment import Deployment, HostReport
from monitor.domain.enforcement import Exported
from monitor.domain.finding import Tracked
from monitor.domain.health import SourceHealth, Undeliverable
from monitor.domain.provenance import TrustRoot, Verdict, Verification
from monitor.domain.purl import Purl
from monitor.domain.release import KnownRelease, Listing
from monitor.domain.review import Vote
from monitor.domain.risk import Risks
from monitor.domain.server import Approval, Registry, Server
from monitor.domain.submission import Submission
from monitor.domain.terms import Terms
from monitor.domain.unknown import NOT_ASKED, Reason, Unknown


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at one package brought: the listing, how it differs from what is known, and what was known."""

    listing: Listing
    changes: Changes
    known: Mapping[str, KnownRelease]
    """By version, the new ones included: every release ever seen, as first seen."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The rules' only input. Each thing that is asked for is there or `Unknown`; `NOT_ASKED` where another job asks."""

    server: Server
    approval: Approval | None  # None: listed and not approved
    taken_at: datetime
    package: Looked | Unknown = NOT_ASKED
    """The package in its registry; for a server that is only on GitHub, its repository."""
    repository: Looked | Unknown | None = None  # None: the entry names no repository
    verifications: Mapping[Purl, tuple[Verification, ...]] | Unknown = field(default=NOT_ASKED)
    """By version: the approved one, and each that appeared since the baseline and is still under review."""
    advisories: Mapping[Purl, Advised] | Unknown = field(default=NOT_ASKED)
    """By version: each approved, deployed and candidate version that was asked about, and each of their dependencies."""
    dependencies: Mapping[Purl, Dependencies | Unknown] = field(default_factory=dict)
    """By version of the server that was asked about."""
    risks: Risks = field(default_factory=Risks)
    opened: Mapping[str, Tracked] = field(default_factory=dict)
    """By fingerprint: the server's open findings."""
    asked: frozenset[Purl] = frozenset()
    """The versions of the server itself that were asked about."""
    deployments: tuple[Deployment, ...] | Unknown = field(default=NOT_ASKED)
    approved_before: frozenset[Purl] = frozenset()
    """Versions that were approved in a review, whatever is approved now."""
    rejected: Mapping[Purl, Vote] = field(default_factory=dict)
    """The versions that were rejected in a review, and who rejected each last."""
    submission: Submission | None = None
    """What was asked for, where the server is not listed yet."""
    unanswered: str = ""
    """The quarter (`2026Q4`) in which its owner was asked and nobody answered in time; empty: none."""
    inventory_gaps: tuple[Unknown, ...] = ()
    """Inventories that could not be read: what they last said still stands, and what they would add is not known."""
    terms: Terms = field(default_factory=Terms)

    def unknowns(self) -> tuple[Unknown, ...]:
        """Everything that was asked and not answered; never empty when a source was silent."""
        asked: list[object] = [self.package, self.repository, self.verifications, self.advisories, self.deployments]
        asked += self.inventory_gaps
        if not isinstance(self.verifications, Unknown):
            asked += [unknown for claims in self.verifications.values() for unknown in _undecided(claims)]
        if not isinstance(self.advisories, Unknown):
            asked += [unknown for advised in self.advisories.values() for unknown in advised.failed]
        asked += self.dependencies.values()
        return tuple(dict.fromkeys(value for value in asked if isinstance(value, Unknown) and value is not NOT_ASKED))


def _undecided(claims: tuple[Verification, ...]) -> list[Unknown]:
    """A claim that could not be fetched was not checked, whatever the other claims say."""
    return [
        Unknown(Reason.UNAVAILABLE, "verification", f"{claim.filename}: {claim.detail}")
        for claim in claims
        if claim.verdict is Verdict.UNAVAILABLE
    ]


@dataclass(frozen=True, slots=True)
class Fleet:
    """What is deployed, beside what is listed."""

    by_server: Mapping[str, tuple[Deployment, ...]]
    """Server name -> its deployments; every listed server has its (perhaps empty) place."""
    unlisted: tuple[Deployment, ...]
    """Deployments of no listed server."""
    servers: tuple[Server, ...] = ()
    """The listed servers."""
    reports: tuple[HostReport, ...] = ()
    """The newest report of each host that reports by itself."""
    overdue_at: datetime | None = None  # None: no host is
    """A host whose newest report is older has fallen silent."""
    exports: tuple[Exported, ...] = ()
    """The exports of what is approved that were made, for whichever client."""
    advisories: Mapping[Purl, Advised] = field(default_factory=dict)
    """By version, of what is on no list."""


@dataclass(frozen=True, slots=True)
class Ourselves:
    """What the monitor knows of its own state."""

    registry: Registry | Unknown
    health: tuple[SourceHealth, ...]
    undeliverable: tuple[Undeliverable, ...]
    taken_at: datetime
    silent_after: timedelta
    trust_roots: tuple[TrustRoot, ...] = ()
    roots_old_after: timedelta = timedelta(days=180)
