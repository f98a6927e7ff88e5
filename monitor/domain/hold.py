"""From when on a version is old enough to be approved.

Most malicious versions are found out within days. Age counts from what cannot be forged: when we saw the version first. Only where it was
there already when the watch began does the registry's own time count; a tag's time is its author's word and never counts.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.domain.purl import Purl
from monitor.domain.release import KnownRelease
from monitor.domain.snapshot import Snapshot
from monitor.domain.unknown import Unknown
from monitor.domain.version_range import ADVISORY_TYPES


@dataclass(frozen=True, slots=True)
class Held:
    """When a version may be approved, and why then. `until` None: it was never seen in its registry, and holds until it is."""

    until: datetime | None
    security_fix: tuple[str, ...] = ()
    """The advisories on the approved version that it mends."""


def held(snapshot: Snapshot, purl: Purl, *, usual: timedelta, security_fix: timedelta) -> Held:
    """Return how long the version is held. A missing time holds as long as any: from our own first sight."""
    if snapshot.approval and snapshot.approval.pin.purl == purl:
        return Held(snapshot.taken_at)  # It runs already.
    if snapshot.server.package is None:
        return Held(snapshot.taken_at)  # A remote server has no versions that age.
    known = None if isinstance(snapshot.package, Unknown) else snapshot.package.known.get(purl.version or "")
    if known is None:
        return Held(None)
    mends = mended(snapshot, purl)
    return Held(seen_since(known) + (security_fix if mends else usual), mends)


def seen_since(known: KnownRelease) -> datetime:
    """Return from when on the age of a release counts."""
    release = known.release
    if known.baseline and release.published_at and release.purl.type in ADVISORY_TYPES:
        return min(release.published_at, known.first_seen_at)
    return known.first_seen_at


def told(snapshot: Snapshot, purl: Purl) -> bool:
    """Whether it can be told which advisories the version mends: both it and the approved one were asked about without a gap."""
    if snapshot.approval is None:
        return True
    if isinstance(snapshot.advisories, Unknown):
        return False
    asked = [snapshot.advisories.get(each) for each in (snapshot.approval.pin.purl, purl)]
    return all(each is not None and not each.failed for each in asked)


def mended(snapshot: Snapshot, purl: Purl) -> tuple[str, ...]:
    """Return the advisories that name the approved version, and not this one: both have to have been asked about without a gap."""
    if snapshot.approval is None or isinstance(snapshot.advisories, Unknown):
        return ()
    before = snapshot.advisories.get(snapshot.approval.pin.purl)
    after = snapshot.advisories.get(purl)
    if before is None or after is None or before.failed or after.failed:
        return ()
    still = {name for match in after.matches if match.live for name in match.advisory.names}
    return tuple(
        sorted({match.advisory.id for match in before.matches if match.live and still.isdisjoint(match.advisory.names)})
    )
