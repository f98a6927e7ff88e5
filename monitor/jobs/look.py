"""The look: asks the sources about a batch, all at once, and ends for each in an answer or an `Unknown`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from monitor.app import App
from monitor.domain.baseline import attested, predecessor
from monitor.domain.candidate import candidate
from monitor.domain.changes import RESET_COUNT, RESET_SHARE, diff
from monitor.domain.evidence import Evidence
from monitor.domain.health import SourceHealth, heard
from monitor.domain.provenance import TrustRoot, Verification
from monitor.domain.purl import Purl
from monitor.domain.release import KnownRelease, Listing, Release, Standing
from monitor.domain.server import Entry
from monitor.domain.snapshot import Looked, Snapshot
from monitor.domain.unknown import Reason, Unknown
from monitor.jobs.bulkhead import concurrently, guarded
from monitor.jobs.recall import Recalled, snapshot_of, sources_of, under_judgement
from monitor.jobs.verify_release import Question, not_done, question, verify_release
from monitor.ports.errors import NotFound
from monitor.ports.sources import Fresh, Unchanged, Validator, Validators
from monitor.ports.store import PackageState

AT_ONCE = 64
"""Packages that are looked at together; the edge limits each host by itself."""
UPLOADING = timedelta(hours=6)
"""How long after its first sight a release may still gain files without anybody wondering."""
LARGEST_EVIDENCE = 2 * 2**20
"""Bytes. Of a larger document only the digest is kept."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What the look at one package brought, and what of it is to be kept (nothing, where the source said "unchanged")."""

    looked: Looked | Unknown
    fresh: bool = False
    new: tuple[KnownRelease, ...] = ()
    validators: tuple[Validator, ...] = ()
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Sights:
    """The look at a batch."""

    packages: Mapping[Purl, Sight]
    verified: Mapping[Purl, tuple[Verification, ...]]
    """Versions that were downloaded and verified in this look; those that memory had settled are not here."""
    roots: tuple[TrustRoot, ...]
    """Under which they were verified; the files are among the evidence."""
    evidence: tuple[Evidence, ...]
    health: tuple[SourceHealth, ...]


async def look(app: App, recalled: Recalled, now: datetime) -> Sights:
    """Ask about every package and repository of the batch, each once, then download and verify what is not yet settled."""
    wanted = dict.fromkeys(package for entry in recalled.entries for package in sources_of(entry.server))
    packages = await concurrently(wanted, lambda package: _sight(app, recalled, package, now), limit=AT_ONCE)
    packages = _doubting_mass_absence(packages, recalled)
    evidence: list[Evidence] = []
    roots = app.verifier.root_files()
    questions = _questions(app, recalled, packages, now)
    verified = await concurrently(questions, lambda purl: _verified(app, questions[purl], evidence), limit=AT_ONCE)
    files = [Evidence(f"file:{root.path}", root.sha256, now, raw) for root, raw in roots.items() if verified]
    return Sights(
        packages, verified, tuple(roots), (*map(_small, evidence), *files), _health(recalled.health, packages, now)
    )


def _doubting_mass_absence(sights: dict[Purl, Sight], recalled: Recalled) -> dict[Purl, Sight]:
    """A source that no longer knows most of the packages that it had is in doubt itself: a wrong address, a lost login, a reset mirror."""
    doubted = dict(sights)
    for source in {package.type for package in sights}:
        had = [each for each in sights if each.type == source and recalled.packages[each].known]
        gone = [each for each in had if _missing(sights[each].looked)]
        if len(gone) >= RESET_COUNT and len(gone) > RESET_SHARE * len(had):
            detail = (
                f"no longer knows {len(gone)} of {len(had)} packages at once: address, login or mirror are in doubt"
            )
            doubted |= {each: Sight(Unknown(Reason.MALFORMED, source, detail)) for each in gone}
    return doubted


def _missing(looked: Looked | Unknown) -> bool:
    return isinstance(looked, Looked) and looked.listing.standing is Standing.MISSING


async def _verified(app: App, asked: Question, evidence: list[Evidence]) -> tuple[Verification, ...]:
    answer = await guarded(str(asked.release.purl), verify_release(app, asked, evidence))
    return (not_done(asked.release, answer.detail),) if isinstance(answer, Unknown) else answer


async def _sight(app: App, recalled: Recalled, package: Purl, now: datetime) -> Sight:
    source = app.releases.get(package.type)
    if source is None:
        return Sight(Unknown(Reason.NOT_COVERED, package.type, f"no source is configured for {package.type} packages"))
    state = recalled.packages[package]
    answer = await guarded(str(package), _listing(app, package, recalled.validators.get(package, {})))
    match answer:
        case Unknown():
            return Sight(answer)
        case Unchanged() if state.listing is None:
            return Sight(Unknown(Reason.MALFORMED, source.name, "says that nothing changed, and was never read"))
        case Unchanged():
            return Sight(recalled.looked(package))
        case Fresh(listing, validators, evidence):
            return _judge_fresh(state, listing, now, validators, evidence)


async def _listing(app: App, package: Purl, known: Validators) -> Fresh[Listing] | Unchanged:
    """Return the listing; that the source knows no such package is an answer, too."""
    try:
        return await app.releases[package.type].listing(package, known)
    except NotFound as error:
        return Fresh(Listing(package, (), Standing.MISSING, error.detail))


def _judge_fresh(
    state: PackageState,
    listing: Listing,
    now: datetime,
    validators: tuple[Validator, ...],
    evidence: tuple[Evidence, ...],
) -> Sight:
    grown = _still_uploading(state, listing, now)
    before = {**state.known, **{each.release.version: each for each in grown}}
    changes = diff(before, listing, first_look=state.listing is None)
    appeared = listing.releases if changes.first_look else changes.new
    new = (*(KnownRelease(release, now, changes.first_look) for release in appeared), *grown)
    known = {**before, **{each.release.version: each for each in new}}
    # A document that changed in what we do not read (stars, download counts) is no evidence of anything.
    told = tuple(map(_small, evidence)) if listing != state.listing else ()
    return Sight(Looked(listing, changes, known), fresh=True, new=new, validators=validators, evidence=told)


def _still_uploading(state: PackageState, listing: Listing, now: datetime) -> list[KnownRelease]:
    """Return the young releases to which files were added, as they are now: a publisher uploads file by file.

    Nothing else becomes the new normal: where a file that was there is another one now, the release stays as it was first seen.
    """
    grown = []
    for release in listing.releases:
        known = state.known.get(release.version)
        if known is None or now - known.first_seen_at > UPLOADING or release.artifacts == known.release.artifacts:
            continue
        digests = release.digests
        if all(digests.get(each.filename) == each.digest for each in known.release.artifacts):
            grown.append(replace(known, release=release))
    return grown


def _questions(app: App, recalled: Recalled, sights: Mapping[Purl, Sight], now: datetime) -> dict[Purl, Question]:
    """Return what is to be verified: of each package so many releases at a time, not counting those that were judged."""
    questions: dict[Purl, Question] = {}
    roots = app.verifier.roots()
    for entry in recalled.entries:
        looked = sights[entry.server.package].looked if entry.server.package else None
        if not isinstance(looked, Looked):
            continue
        snapshot = snapshot_of(recalled, entry, now)
        asked = (
            question(
                looked.known[release.version],
                release,
                recalled.verifications.get(release.purl, ()),
                roots=roots,
                attested_before=_attested_before(recalled, entry, looked, release),
                now=now,
            )
            for release in _candidate_first(snapshot, looked)
        )
        for each in islice((each for each in asked if each), app.limits.new_versions + 1):
            questions[each.release.purl] = each
    return questions


def _candidate_first(snapshot: Snapshot, looked: Looked) -> list[Release]:
    chosen = candidate(snapshot.approval, looked)
    first = chosen.release.version if chosen else ""
    return sorted(under_judgement(snapshot, looked), key=lambda release: release.version != first)


def _attested_before(recalled: Recalled, entry: Entry, looked: Looked, release: Release) -> str:
    """The approved version itself is measured by nothing: a human has decided about it."""
    before = predecessor(entry.approval, looked, release)
    if before is None or (entry.approval and entry.approval.pin.purl == release.purl):
        return ""
    was = before.release
    return was.version if attested(was, recalled.verifications.get(was.purl, ())) else ""


def _small(evidence: Evidence) -> Evidence:
    return evidence if len(evidence.body) <= LARGEST_EVIDENCE else replace(evidence, body=b"")


def _health(
    before: Mapping[str, SourceHealth], sights: Mapping[Purl, Sight], now: datetime
) -> tuple[SourceHealth, ...]:
    """A source is silent when nothing that was asked of it was answered; one package that fails is not a silent source."""
    asked: dict[str, list[Looked | Unknown]] = {}
    for package, sight in sights.items():
        if not (isinstance(sight.looked, Unknown) and sight.looked.reason is Reason.NOT_COVERED):
            asked.setdefault(package.type, []).append(sight.looked)
    return tuple(heard(before.get(source), source, now, all_silent(answers)) for source, answers in asked.items())


def all_silent(answers: Collection[object]) -> str | None:
    """Return the first failure where every answer is one, None where at least one was answered."""
    failures = [answer for answer in answers if isinstance(answer, Unknown)]
    return failures[0].detail if failures and len(failures) == len(answers) else None
