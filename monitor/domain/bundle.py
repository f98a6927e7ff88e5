"""All that is kept of one version of one server, as it is handed to an auditor."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.domain.advisory import Advisory, Named
from monitor.domain.audit import Sealed
from monitor.domain.checkpoint import Signed
from monitor.domain.dependency import Dependencies
from monitor.domain.evidence import Grounds, Sighting
from monitor.domain.finding import Tracked
from monitor.domain.provenance import Verification
from monitor.domain.purl import Purl
from monitor.domain.release import KnownRelease, Release
from monitor.domain.review import Review
from monitor.domain.server import Listed
from monitor.domain.submission import Submission
from monitor.domain.waiver import Waiver


@dataclass(frozen=True, slots=True)
class Chained:
    """A link of the audit log, with the hash before it: it can be computed again by itself."""

    before: str
    link: Sealed


@dataclass(frozen=True, slots=True)
class Log:
    """What the audit log says about a version."""

    links: tuple[Chained, ...] = ()
    """Those about it."""
    stretch: tuple[Sealed, ...] = ()
    """Everything from the first of them to the head, which proves their positions; empty: too long to be enclosed."""
    head: Sealed | None = None  # None: the log is empty
    signed: Signed | None = None  # None: no signed checkpoint is kept


@dataclass(frozen=True, slots=True)
class Bundle:
    """Everything, as it is kept. Nothing of it depends on when the bundle is made."""

    server: str
    purl: Purl
    claims: tuple[Verification, ...] = ()
    grounds: Grounds | None = None  # None: nothing was decided
    bodies: Mapping[str, bytes] = field(default_factory=dict)
    """By digest: the documents that make the claims, and the trust roots."""
    missing: Mapping[str, str] = field(default_factory=dict)
    """By digest: why a body is not kept."""
    sightings: tuple[Sighting, ...] = ()
    release: Release | None = None  # None: not even its listing is kept
    first_seen: KnownRelease | None = None  # None: as above
    reviews: tuple[Review, ...] = ()
    """Of this version."""
    entries: tuple[Listed, ...] = ()
    """Every state of the server's entry."""
    named: tuple[Named, ...] = ()
    advisories: tuple[Advisory, ...] = ()
    dependencies: Dependencies | None = None  # None: nothing is known
    findings: tuple[Tracked, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    submission: Submission | None = None  # None: nobody asked for the server by command
    log: Log = field(default_factory=Log)
