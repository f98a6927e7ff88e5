"""Ask about one version now, for a person: download, verify, and compare with what was approved. Nothing is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from monitor.app import App
from monitor.domain.baseline import attested, predecessor
from monitor.domain.changes import diff
from monitor.domain.finding import Finding
from monitor.domain.inspection import Inspection, Objection
from monitor.domain.provenance import Publisher, Verdict, Verification
from monitor.domain.purl import Purl
from monitor.domain.release import KnownRelease, Listing, Release
from monitor.domain.server import Entry, ProvenanceDemand, Server
from monitor.domain.snapshot import Looked, Snapshot
from monitor.jobs.verify_release import MAX_FILES, Question, verify_release
from monitor.ports.errors import Malformed, NotFound
from monitor.ports.sources import Unchanged
from monitor.ports.store import UnitOfWork
from monitor.rules import integrity, provenance
from monitor.wording import publisher_words

UNLISTED = "(not listed)"
"""Stands for the server's name where the registry lists none of the package."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the store keeps of the package; empty where there is no store."""

    known: Mapping[str, KnownRelease] = field(default_factory=dict)
    claims: Mapping[Purl, tuple[Verification, ...]] = field(default_factory=dict)


def remember(unit: UnitOfWork, package: Purl) -> Remembered:
    """Read what is kept of a package."""
    return Remembered(unit.packages(package.type, [package])[package].known, unit.verifications([package]))


def entry_of(entries: Sequence[Entry], package: Purl) -> Entry | None:
    """Return the entry that lists the package, rather one that approves a version; None where none does."""
    listing = [each for each in entries if each.server.package == package]
    return next((each for each in listing if each.approval), listing[0] if listing else None)


async def verify_now(app: App, purl: Purl, entry: Entry | None, remembered: Remembered) -> Inspection:
    """Ask the sources about a version. Raises the four errors; `NotFound` also for a version that is not listed."""
    looked = await _look(app, purl.package, remembered)
    release = looked.listing.release(purl.version or "")
    if release is None:
        raise NotFound(purl.type, f"{purl.label} has no version {purl.version}{_near(looked.listing)}")
    approval = entry.approval if entry else None
    itself = approval is not None and approval.pin.purl == purl
    base = None if itself else predecessor(approval, looked, release)
    before = await _claims_of(app, base.release, looked.listing, remembered) if base else ()
    attested_before = base.release.version if base and attested(base.release, before) else ""
    claims = await verify_release(app, _question(release, attested_before), [])
    known = {base.release.purl: before} if base else {}
    snapshot = Snapshot(
        server=entry.server if entry else Server(UNLISTED, purl.package, None, None, "", 3),
        approval=approval,
        taken_at=app.clock(),
        package=looked,
        verifications={**known, purl: claims},
    )
    return Inspection(
        what=str(purl),
        claims=claims,
        objections=tuple(_objection(each) for each in _findings(snapshot) if each.about == purl),
        compared=_compared(entry, base, before, itself=itself),
        demanded=entry is None or entry.server.provenance is ProvenanceDemand.REQUIRED,
    )


async def _look(app: App, package: Purl, remembered: Remembered) -> Looked:
    source = app.releases[package.type]
    answer = await source.listing(package, {})
    if isinstance(answer, Unchanged):
        raise Malformed(source.name, "said that nothing changed to a question without condition")
    now = app.clock()
    listed = {each.version: KnownRelease(each, now, baseline=True) for each in answer.value.releases}
    return Looked(answer.value, diff(remembered.known, answer.value), {**listed, **remembered.known})


def _question(release: Release, attested_before: str) -> Question:
    return Question(release, release.artifacts[:MAX_FILES], (), "", attested_before)


async def _claims_of(app: App, release: Release, listing: Listing, remembered: Remembered) -> tuple[Verification, ...]:
    """Return what is known of the version that another one is measured by; ask now where nothing is."""
    kept = remembered.claims.get(release.purl, ())
    if kept and not any(claim.verdict is Verdict.UNAVAILABLE for claim in kept):
        return kept
    now = listing.release(release.version)
    return await verify_release(app, _question(now, ""), []) if now else kept


def _findings(snapshot: Snapshot) -> list[Finding]:
    """Judge by the rules that compare. What is required is required of the approved version, too, when asked by hand."""
    rules = (
        integrity.digest_differs,
        provenance.provenance_lost,
        provenance.provenance_partial,
        provenance.publisher_changed,
        provenance.ref_unusual,
    )
    found = [each for rule in rules for each in rule(snapshot)]
    found += provenance.provenance_missing(replace(snapshot, approval=None))
    return [each for each in found if isinstance(each, Finding)]


def _objection(finding: Finding) -> Objection:
    return Objection(finding.rule, finding.summary, finding.facts)


def _compared(
    entry: Entry | None, base: KnownRelease | None, before: Sequence[Verification], *, itself: bool
) -> tuple[str, ...]:
    """Say what it was measured by."""
    said = []
    if entry is None:
        said.append("The registry lists no server of this package: nothing is approved, and somebody has to vouch.")
    else:
        said.append(f"Listed as {entry.server.name}; provenance: {entry.server.provenance.value}.")
    if entry and entry.approval and entry.approval.pin.publisher:
        said.append(f"The approval demands: {publisher_words(entry.approval.pin.publisher)}.")
    if itself:
        said.append("It is the approved version itself.")
    elif base is None:
        said.append("There is no version that it could be measured by.")
    else:
        said.append(f"Measured by {base.release.version}: {_built(before)}.")
    return tuple(said)


def _built(claims: Sequence[Verification]) -> str:
    builders: dict[Publisher, None] = dict.fromkeys(claim.publisher for claim in claims if claim.publisher)
    if builders:
        return f"built by {'; '.join(map(publisher_words, builders))}"
    if not claims or any(claim.verdict is Verdict.UNAVAILABLE for claim in claims):
        return "it could not be told who built that"
    return "nobody says who built that"


def _near(listing: Listing) -> str:
    dated = [each for each in listing.releases if each.published_at]
    newest = max(dated, key=lambda each: str(each.published_at), default=None)
    return f"; newest published: {newest.version}" if newest else ""
