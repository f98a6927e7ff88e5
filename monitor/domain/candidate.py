"""Which of the releases that appeared is up for review."""

from datetime import datetime
from functools import cmp_to_key

from monitor.domain.release import KnownRelease
from monitor.domain.server import Approval
from monitor.domain.snapshot import Looked
from monitor.domain.version_range import compare, is_prerelease


def unreviewed(approval: Approval | None, looked: Looked) -> tuple[KnownRelease, ...]:
    """Return the releases that appeared since the baseline and came after the approved one, `by_publication`, last first.

    A release of an older line (a backport) is not after the approved one, whenever it was published; what has left the listing is not here.
    """
    listed = {release.version: release for release in looked.listing.releases}
    approved = looked.known.get(approval.pin.purl.version or "") if approval else None
    found = [
        known
        for version, known in looked.known.items()
        if version in listed and not known.baseline and _after(known, approval, approved)
    ]
    return tuple(sorted(found, key=by_publication, reverse=True))


def candidate(approval: Approval | None, looked: Looked) -> KnownRelease | None:
    """Return the release that a re-approval should be about; None: there is nothing newer to approve.

    A yanked release is nobody's candidate, a pre-release only where a pre-release is approved.
    """
    listed = {release.version: release for release in looked.listing.releases}
    early = approval is not None and is_prerelease(approval.pin.purl.type, approval.pin.purl.version or "")
    for known in unreviewed(approval, looked):
        now = listed[known.release.version]
        if now.yanked is None and (early or not (now.prerelease or is_prerelease(now.purl.type, now.version))):
            return known
    return None


def published(known: KnownRelease) -> datetime:
    """When it came out: upstream's word, else our own first sight."""
    return known.release.published_at or known.first_seen_at


@cmp_to_key
def by_publication(one: KnownRelease, other: KnownRelease) -> int:
    """Sort by the time of publication, and by version what came out together.

    All that a look finds came out together where a source gives no times, as devpi and many mirrors do.
    """
    earlier, later = published(one), published(other)
    if earlier != later:
        return 1 if earlier > later else -1
    return compare(one.release.purl.type, one.release.version, other.release.version) or 0


def _after(known: KnownRelease, approval: Approval | None, approved: KnownRelease | None) -> bool:
    if approval is None:
        return True
    purl = approval.pin.purl
    order = compare(purl.type, known.release.version, purl.version or "")
    if order:
        return order > 0
    if order == 0 and purl.type == "pypi":
        return False  # another spelling of the approved version
    return known.release.version != purl.version and (approved is None or published(known) > published(approved))
