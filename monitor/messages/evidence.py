"""What changed against the approved version: a table of what was asked, of both versions, each line with its source and the time.

No cell is blank: what is not known says so, and why.
"""

from collections.abc import Callable

from monitor.domain.dependency import Dependencies
from monitor.domain.dependency_changes import compare
from monitor.domain.document import Bullets, Document, Paragraph, Table
from monitor.domain.hold import mended, seen_since
from monitor.domain.provenance import Publisher, Verdict, Verification
from monitor.domain.purl import Purl
from monitor.domain.release import KnownRelease, Manifest, Release
from monitor.domain.review import Review
from monitor.domain.server import Pin
from monitor.domain.snapshot import Snapshot
from monitor.domain.text import one_line
from monitor.domain.unknown import NOT_ASKED, Unknown
from monitor.messages.places import places_words
from monitor.messages.summary import named
from monitor.messages.words import listed, plural, time_words
from monitor.wording import FORMS, publisher_words, version_words

HEADER = ("What", "Approved", "Under review", "Source")
NONE = "nothing is approved"
REGISTRIES = {"npm": "npm", "pypi": "PyPI", "github": "GitHub"}
NOT_KNOWN = "not known"
"""So begins each cell that has no answer."""
LONGEST = 300
Say = Callable[[Snapshot, Pin], str]


def changed(snapshot: Snapshot, review: Review) -> Document:
    """Compare the pin under review with what is approved now, else with what was when the review was opened."""
    before = snapshot.approval.pin if snapshot.approval else review.before
    after = review.candidate
    registry = REGISTRIES.get(after.purl.type, after.purl.type)
    when = time_words(snapshot.taken_at)
    looks: tuple[tuple[str, Say, str], ...] = (
        ("version", _version, registry),
        ("published", _published, registry),
        ("first seen", _first_seen, "mcp-monitor"),
        ("age", _age, "mcp-monitor"),
        ("digests", _digests, f"registry file, {registry}"),
        ("publisher", _publisher, "certificate"),
        ("built from", _ref, "certificate"),
        ("verified by", _verified, "verification of the downloaded files"),
        ("runs when installed", _hooks, registry),
        ("dependencies", _dependencies, _told_by(snapshot, after.purl)),
        ("maintainers", _maintainers, registry),
        ("published by", _account, registry),
        ("size", _size, registry),
        ("open advisories", _open, "advisory databases"),
        ("deployed", _deployed, "inventories"),
    )
    rows = [
        (label, say(snapshot, before) if before else NONE, say(snapshot, after), f"{source}, {when}")
        for label, say, source in looks
    ]
    rows += [
        ("advisories mended", "does not apply", _mended(snapshot, after.purl), f"advisory databases, {when}"),
        ("approved by", _approver(snapshot), _votes(review), f"registry file, {when}"),
    ]
    shown = tuple(tuple(one_line(cell, LONGEST) or "not known" for cell in row) for row in rows)
    return (Table(HEADER, shown), *_brought(snapshot, before.purl if before else None, after.purl))


def not_known(evidence: Document) -> tuple[str, ...]:
    """Name the lines of the table that say of the version under review that they are not known."""
    tables = (block for block in evidence if isinstance(block, Table))
    return tuple(row[0] for table in tables for row in table.rows if row[2].startswith(NOT_KNOWN))


def _known(snapshot: Snapshot, pin: Pin) -> KnownRelease | None:
    return None if isinstance(snapshot.package, Unknown) else snapshot.package.known.get(pin.purl.version or "")


def _release(snapshot: Snapshot, pin: Pin) -> Release | str:
    """The release as it is listed, or as it was first seen; a text says why there is none."""
    if isinstance(snapshot.package, Unknown):
        return f"not known: {snapshot.package}"
    known = snapshot.package.known.get(pin.purl.version or "")
    listed_now = snapshot.package.listing.release(pin.purl.version or "")
    return listed_now or (known.release if known else "not known: its registry does not list it")


def _manifest(snapshot: Snapshot, pin: Pin) -> Manifest | str:
    release = _release(snapshot, pin)
    if isinstance(release, str):
        return release
    if release.purl.type != "npm":
        return f"not collected: {REGISTRIES.get(release.purl.type, release.purl.type)}'s listing does not tell"
    return release.manifest or "not known: the document was read before this was kept, or says nothing of it"


def _version(snapshot: Snapshot, pin: Pin) -> str:  # noqa: ARG001 - each line of the table asks alike
    return str(pin.purl)


def _published(snapshot: Snapshot, pin: Pin) -> str:
    release = _release(snapshot, pin)
    if isinstance(release, str):
        return release
    return time_words(release.published_at) if release.published_at else "not known: its registry gives no time"


def _first_seen(snapshot: Snapshot, pin: Pin) -> str:
    known = _known(snapshot, pin)
    if known is None:
        return "never"
    return time_words(known.first_seen_at) + (" (there when the watch began)" if known.baseline else "")


def _age(snapshot: Snapshot, pin: Pin) -> str:
    known = _known(snapshot, pin)
    if known is None:
        return "not known: never seen"
    hours = max(0, int((snapshot.taken_at - seen_since(known)).total_seconds() // 3600))
    return plural(hours // 24, "day") if hours >= 2 * 24 else plural(hours, "hour")


def _digests(snapshot: Snapshot, pin: Pin) -> str:
    if pin.digests:
        return listed(tuple(sorted(map(str, pin.digests))), 4)
    release = _release(snapshot, pin)
    if isinstance(release, str) or not release.digests:
        return "none recorded"
    return f"none recorded; listed are {listed(tuple(sorted({str(each) for each in release.digests.values()})), 2)}"


def _claims(snapshot: Snapshot, pin: Pin) -> tuple[Verification, ...] | str:
    if isinstance(snapshot.verifications, Unknown):
        return f"not known: {snapshot.verifications}"
    return snapshot.verifications.get(pin.purl) or "not known: it was not downloaded and verified"


def _builder(snapshot: Snapshot, pin: Pin) -> Publisher | str:
    """Who built it, as verified, else as approved."""
    claims = _claims(snapshot, pin)
    if isinstance(claims, str):
        return pin.publisher or claims
    held = (each.publisher for each in claims if each.verdict is Verdict.VERIFIED and each.publisher)
    return next(held, pin.publisher) or "nobody vouches for it"


def _publisher(snapshot: Snapshot, pin: Pin) -> str:
    who = _builder(snapshot, pin)
    if isinstance(who, str):
        return who
    return publisher_words(
        Publisher(
            who.issuer,
            who.repository,
            who.workflow,
            signer=who.signer,
            owner_id=who.owner_id,
            repository_id=who.repository_id,
        )
    )


def _ref(snapshot: Snapshot, pin: Pin) -> str:
    who = _builder(snapshot, pin)
    if isinstance(who, str):
        return who
    parts = (("", who.ref), ("trigger ", who.trigger), ("runner ", who.runner_environment))
    return ", ".join(f"{label}{one_line(text, 100)}" for label, text in parts if text) or "not said by the certificate"


def _verified(snapshot: Snapshot, pin: Pin) -> str:
    claims = _claims(snapshot, pin)
    if isinstance(claims, str):
        return claims
    held = (each for each in claims if each.verdict is Verdict.VERIFIED)
    by = dict.fromkeys(f"{FORMS[each.form]}{f' under {each.root}' if each.root else ''}" for each in held)
    return f"{version_words(claims)}: {listed(tuple(by), 4)}" if by else version_words(claims)


def _hooks(snapshot: Snapshot, pin: Pin) -> str:
    release = _release(snapshot, pin)
    if not isinstance(release, str) and release.purl.type == "pypi" and release.artifacts:
        if any(each.filename.endswith(".whl") for each in release.artifacts):
            return "nothing, where a wheel fits"
        return "its build (there is no wheel)"
    manifest = _manifest(snapshot, pin)
    return manifest if isinstance(manifest, str) else listed(manifest.hooks, 4) or "nothing"


def _maintainers(snapshot: Snapshot, pin: Pin) -> str:
    manifest = _manifest(snapshot, pin)
    return manifest if isinstance(manifest, str) else listed(manifest.maintainers, 10) or "none named"


def _account(snapshot: Snapshot, pin: Pin) -> str:
    manifest = _manifest(snapshot, pin)
    return manifest if isinstance(manifest, str) else manifest.published_by or "not known: its registry does not say"


def _size(snapshot: Snapshot, pin: Pin) -> str:
    release = _release(snapshot, pin)
    if isinstance(release, str):
        return release
    if release.manifest and release.manifest.unpacked is not None:
        return f"{release.manifest.unpacked:,} bytes unpacked"
    sizes = [each.size for each in release.artifacts if each.size is not None]
    if not sizes or len(sizes) < len(release.artifacts):
        return "not known: its registry does not say"
    return f"{sum(sizes):,} bytes in {plural(len(sizes), 'file')}"


def _open(snapshot: Snapshot, pin: Pin) -> str:
    ids = named(snapshot, pin.purl)
    return f"not known: {ids}" if isinstance(ids, Unknown) else listed(ids) or "none"


def _mended(snapshot: Snapshot, purl: Purl) -> str:
    if snapshot.approval is None:
        return NONE
    asked = (named(snapshot, snapshot.approval.pin.purl), named(snapshot, purl))
    if silent := next((each for each in asked if isinstance(each, Unknown)), None):
        return f"not known: {silent}"
    return listed(mended(snapshot, purl)) or "none"


def _deployed(snapshot: Snapshot, pin: Pin) -> str:
    return places_words(snapshot, pin.purl)


def _approver(snapshot: Snapshot) -> str:
    if (approval := snapshot.approval) is None:
        return NONE
    at = f", {time_words(approval.approved_at)}" if approval.approved_at else ""
    return f"{approval.approved_by or 'not recorded'}{at} {approval.ticket}".strip()


def _votes(review: Review) -> str:
    return f"{', '.join(sorted(review.approvals())) or 'nobody yet'} (needed: {review.approvers_needed})"


def _told(snapshot: Snapshot, purl: Purl) -> Dependencies | str:
    found = snapshot.dependencies.get(purl)
    if found is None or found is NOT_ASKED:
        return "not known: not asked in this look"
    return f"not known: {found}" if isinstance(found, Unknown) else found


def _told_by(snapshot: Snapshot, purl: Purl) -> str:
    told = _told(snapshot, purl)
    return "dependency files, registry" if isinstance(told, str) else told.source


def _dependencies(snapshot: Snapshot, pin: Pin) -> str:
    told = _told(snapshot, pin.purl)
    if isinstance(told, str):
        return told
    depth = "at every depth" if told.whole else "as declared"
    return f"{len(told.found) + len(told.unresolved)} {depth}"


def _brought(snapshot: Snapshot, before: Purl | None, after: Purl) -> Document:
    """Which dependencies came and went."""
    was, now = _told(snapshot, before) if before else NONE, _told(snapshot, after)
    if before == after:
        return ()
    if isinstance(was, str) or isinstance(now, str):
        why = was if isinstance(was, str) else now
        return (Paragraph(f"Which dependencies were added or removed cannot be told: {one_line(str(why), LONGEST)}."),)
    if (differences := compare(was, now)) is None:
        text = f"Which dependencies were added or removed cannot be told: {was.source} and {now.source} look to different depths."
        return (Paragraph(text),)
    kinds = (
        ("added", differences.added),
        ("removed", differences.removed),
        ("at another version", differences.changed),
    )
    said = tuple(f"{label} ({len(names)}): {listed(names)}" for label, names in kinds if names)
    return (Paragraph("Dependencies:"), Bullets(said)) if said else (Paragraph("Dependencies: the same."),)
