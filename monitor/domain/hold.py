"""From when on a version is old enough to be approved.

Most malicious versions are found out within days. Age counts from what cannot be forged: when we saw the version first. Only where it was
there already when the watch began does the registry's own time count; a tag's time is its author's word and never counts.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.domain.decision import NEVER
from monitor.domain.purl import Purl
from monitor.domain.release import KnownRelease
from monitor.domain.server import Pin
from monitor.domain.snapshot import Snapshot
from monitor.domain.unknown import Reason, Unknown
from monitor.domain.version_range import ADVISORY_TYPES


@dataclass(frozen=True, slots=True)
class Held:
    """When a version may be approved, and why then. `until` None: nothing holds it; `NEVER`: it was never seen in its registry."""

    until: datetime | None
    security_fix: tuple[str, ...] = ()
    """The advisories on the approved version that it mends."""


def held(
    snapshot: Snapshot,
    pin: Pin,
    *,
    usual: timedelta,
    security_fix: timedelta,
    asked_at: datetime,
    bytes_at: datetime | None = None,
) -> Held:
    """Return how long a pin is held. A missing time holds as long as any: from our own first sight.

    `asked_at`: since when somebody is asked about it; `bytes_at`: since when the version has these bytes, where it had others before.
    """
    approved = snapshot.approval.pin if snapshot.approval else None
    if approved and (_same_bytes(approved, pin) or (bytes_at is None and same_pin(approved, pin))):
        return Held(None)  # It runs already.
    if bytes_at:
        return Held(bytes_at + usual)
    if snapshot.server.package is None:
        return Held(None)  # A remote server has no versions that age.
    if not_listed_anywhere(snapshot):
        return Held(asked_at + usual)
    known = None if isinstance(snapshot.package, Unknown) else snapshot.package.known.get(pin.purl.version or "")
    if known is None:
        return Held(NEVER)
    mends = mended(snapshot, pin.purl)
    return Held(seen_since(known) + (security_fix if mends else usual), mends)


def not_listed_anywhere(snapshot: Snapshot) -> bool:
    """Whether no source that is configured lists packages of that kind: nobody can see the version appear."""
    return isinstance(snapshot.package, Unknown) and snapshot.package.reason is Reason.NOT_COVERED


def same_pin(approved: Pin, shown: Pin) -> bool:
    """Whether the approval is about what was shown: the version, and each digest that both speak of."""
    common = approved.algorithms & shown.algorithms
    compared = {digest for digest in approved.digests if digest.algorithm in common}
    return approved.purl == shown.purl and compared <= shown.digests


def _same_bytes(approved: Pin, shown: Pin) -> bool:
    """Whether the approval names each digest that was shown, and no other: what a silent source leaves open does not do."""
    common = approved.algorithms & shown.algorithms
    first, second = ({each for each in pin.digests if each.algorithm in common} for pin in (approved, shown))
    return approved.purl == shown.purl and bool(common) and first == second


def others_before(snapshot: Snapshot, pin: Pin, known: Pin | None, bytes_at: datetime | None) -> bool:
    """Whether this look is the first that saw these bytes, under a version that had others before: their age begins now.

    `known`: the pin as it was before this look; `bytes_at`: since when the bytes that it had then are known to be others.
    """
    fresh = known is not None and bool(known.digests) and known.digests != pin.digests
    if fresh and known and not same_pin(known, pin):
        return True
    approved = snapshot.approval.pin if snapshot.approval else None
    other = approved is not None and approved.purl == pin.purl and not same_pin(approved, pin)
    return (other or _republished(snapshot, pin)) and (fresh or bytes_at is None)


def _republished(snapshot: Snapshot, pin: Pin) -> bool:
    if isinstance(snapshot.package, Unknown):
        return False
    changes = snapshot.package.changes.republished
    return any(each.version == pin.purl.version and each.after is not None for each in changes)


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
