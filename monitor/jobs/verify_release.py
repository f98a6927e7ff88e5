"""Download each file of a release, compare it with the digest that was announced, and decide what vouches for it."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from monitor.app import App
from monitor.domain.baseline import VOUCHING
from monitor.domain.evidence import Evidence
from monitor.domain.fingerprint import fingerprint
from monitor.domain.provenance import Attestation, Form, Subject, TrustRoot, Verdict, Verification
from monitor.domain.purl import Purl
from monitor.domain.release import Artifact, Digest, KnownRelease, Release
from monitor.jobs.bulkhead import concurrently
from monitor.ports.errors import SourceError
from monitor.ports.sources import Downloaded, Fresh, ReleaseSource

MAX_FILES = 64
FILES_AT_ONCE = 4
ATTESTED_BY = {"pypi": Form.PYPI_PROVENANCE, "npm": Form.NPM_ATTESTATIONS, "github": Form.GITHUB_ATTESTATION}
ATTESTED_LATER = timedelta(hours=2)
"""GitHub's attestations are made after the release, by another step of its workflow; a registry's come with the file."""


@dataclass(frozen=True, slots=True)
class Question:
    """A release of which some files are to be judged. `before` are the claims that are kept about it."""

    release: Release
    files: tuple[Artifact, ...]
    before: tuple[Verification, ...]
    roots: str
    """Names the trust roots in use."""
    attested_before: str
    """The version that this one is measured by, where that was attested; empty where nothing is expected."""


def question(
    known: KnownRelease,
    release: Release,
    before: tuple[Verification, ...],
    *,
    roots: Iterable[TrustRoot],
    attested_before: str,
    now: datetime,
) -> Question | None:
    """Return what is to be judged of a release; None: the kept claims are about what is announced now, under the roots in use."""
    named = fingerprint(*(f"{root.name} {root.dated:%Y-%m-%d} {root.sha256}" for root in roots))
    young = release.purl.type == "github" and now - known.first_seen_at < ATTESTED_LATER
    files = tuple(
        artifact
        for artifact in release.artifacts[:MAX_FILES]
        if _open([claim for claim in before if claim.filename == artifact.filename], artifact, named, young=young)
    )
    bare = not release.artifacts and not any(claim.announced == _tag(release) for claim in before)
    return Question(release, files, before, named, attested_before) if files or bare else None


def _open(claims: Sequence[Verification], artifact: Artifact, roots: str, *, young: bool) -> bool:
    """Whether a file is to be judged (again): something could not be had, it is announced otherwise than it was, or it had other bytes."""
    if not claims or any(claim.announced != announcement(artifact, roots) for claim in claims):
        return True
    return any(
        claim.verdict is Verdict.UNAVAILABLE
        or (claim.form is Form.REGISTRY_DIGEST and claim.verdict is Verdict.INVALID)
        or (young and claim.verdict is Verdict.UNATTESTED)
        for claim in claims
    )


def announcement(artifact: Artifact, roots: str) -> str:
    """Name what a file's claims rest on: its digest and place, what is said to vouch for it, and the roots that judge."""
    signed = [f"{each.keyid} {each.sig}" for each in artifact.signatures]
    return fingerprint(str(artifact.digest), artifact.url, artifact.attestation_url or "", *signed, roots)


async def verify_release(app: App, asked: Question, evidence: list[Evidence]) -> tuple[Verification, ...]:
    """Return the claims about every file, kept or new. The raw attestations are added to `evidence`."""
    release = asked.release
    source = app.releases[release.purl.type]
    if not release.artifacts:
        return (_no_files(release),)
    claims = await concurrently(
        asked.files, lambda file: _verify(app, source, asked, file, evidence), limit=FILES_AT_ONCE
    )
    judged = {file.filename for file in asked.files}
    listed = {file.filename for file in release.artifacts}
    kept = [claim for claim in asked.before if claim.filename in listed - judged]
    found = [*kept, *(claim for file in asked.files for claim in claims[file])]
    vouching = [claim for claim in found if claim.form in VOUCHING]
    if asked.attested_before and vouching and all(claim.verdict is Verdict.UNATTESTED for claim in vouching):
        found = [await _lost(source, asked, claim) for claim in found]
    return (*found, *_too_many(release))


async def _verify(
    app: App, source: ReleaseSource, asked: Question, artifact: Artifact, evidence: list[Evidence]
) -> tuple[Verification, ...]:
    release, announced = asked.release, announcement(artifact, asked.roots)
    # 1. The bytes that would be installed.
    try:
        downloaded = await source.download(artifact)
        if _unlike(artifact.digest, downloaded):
            # Twice before anybody is woken: a proxy's page is no other version.
            downloaded = await source.download(artifact)
    except SourceError as error:
        could_not = _could_not(release, artifact, Form.REGISTRY_DIGEST, error.detail)
        first = _first_digests(asked.before, artifact)
        return (replace(could_not, announced=announced, digests=first),)
    first = _first_digests(asked.before, artifact)
    digest = against_registry(release.purl, artifact, downloaded.digests, first=first)
    digests = tuple(sorted(downloaded.digests.values()))
    # 2. Who vouches for them.
    form = ATTESTED_BY[release.purl.type]
    try:
        # A file for which no digest is announced is asked about by the digest that it has.
        named = artifact if artifact.digest else replace(artifact, digest=downloaded.digests["sha256"])
        answer = await source.attestations(release, named)
    except SourceError as error:
        could_not = _could_not(release, artifact, form, error.detail)
        return tuple(
            replace(claim, announced=announced, digests=claim.digests or digests) for claim in (digest, could_not)
        )
    evidence.extend((*answer.evidence, *_documents(answer, app.clock())))
    # 3. Whether they may: pure computation of some milliseconds, so that other looks go on meanwhile.
    subject = Subject(release.purl, artifact.filename, downloaded.digests)
    claims = await asyncio.to_thread(app.verifier.verify, subject, answer.value)
    claims = tuple(_empty_is_no_fact(artifact, claim) for claim in claims)
    if not any(claim.form is form for claim in claims):
        claims = (*claims, _nobody(release, artifact, form))
    return tuple(replace(claim, announced=announced, digests=claim.digests or digests) for claim in (digest, *claims))


def _documents(answer: Fresh[tuple[Attestation, ...]], now: datetime) -> list[Evidence]:
    """Return the documents that are no answer's body, but were taken out of one: they are what the claims are decided on."""
    bodies = {each.sha256 for each in answer.evidence}
    taken = [Evidence(each.url, sha256(each.document).hexdigest(), now, each.document) for each in answer.value]
    return [each for each in taken if each.sha256 not in bodies]


def _first_digests(before: Sequence[Verification], artifact: Artifact) -> tuple[Digest, ...]:
    """Return the digests of the bytes that the file had when it was first downloaded; empty where it never was."""
    kept = (claim for claim in before if claim.filename == artifact.filename and claim.form is Form.REGISTRY_DIGEST)
    return next((claim.digests for claim in kept if claim.digests), ())


def _unlike(announced: Digest | None, downloaded: Downloaded) -> bool:
    return announced is not None and downloaded.digests.get(announced.algorithm, announced) != announced


def against_registry(
    purl: Purl, artifact: Artifact, now: Mapping[str, Digest], *, first: tuple[Digest, ...]
) -> Verification:
    """Compare the bytes' digests with what is announced, and with the first ones, whatever is announced now."""
    announced = artifact.digest
    changed = [digest for digest in first if now.get(digest.algorithm, digest) != digest]
    verdict, reason, detail = (
        Verdict.VERIFIED,
        "digest-agrees",
        "the download has the digest that the registry announces",
    )
    if changed:
        verdict, reason = Verdict.INVALID, "bytes-changed"
        detail = f"first downloaded {changed[0]}, now {now[changed[0].algorithm]}"
    elif announced is None:
        verdict, reason, detail = Verdict.UNATTESTED, "no-digest", "the source announces no digest of this file"
    elif announced.algorithm not in now:
        verdict, reason, detail = Verdict.UNSUPPORTED, "algorithm", f"cannot compare a {announced.algorithm} digest"
    elif now[announced.algorithm] != announced:
        verdict, reason = Verdict.INVALID, "digest-mismatch"
        detail = f"announced {announced}, downloaded {now[announced.algorithm]}"
    # The first digests stay the reference, so that changed bytes are not the new normal in the next look.
    digests = first or tuple(sorted(now.values()))
    return Verification(purl, artifact.filename, Form.REGISTRY_DIGEST, verdict, reason, detail, digests=digests)


async def _lost(source: ReleaseSource, asked: Question, claim: Verification) -> Verification:
    """Call an attestation lost only when two answers agree that there is none: the document's, and the endpoint's."""
    if claim.form not in VOUCHING:
        return claim
    before, release = asked.attested_before, asked.release
    artifact = next((each for each in release.artifacts if each.filename == claim.filename), None)
    try:
        agreed = artifact is None or await source.confirms_absence(release, artifact)
    except SourceError as error:
        detail = f"none is announced although {before} was attested, and the endpoint was not heard: {error.detail}"
        return replace(claim, verdict=Verdict.UNAVAILABLE, reason="unavailable", detail=detail)
    if not agreed:
        detail = "none is announced, and the attestation endpoint has one: two answers that disagree are no fact"
        return replace(claim, verdict=Verdict.UNAVAILABLE, reason="unavailable", detail=detail)
    detail = (
        f"{before} was attested; the registry's document and its attestation endpoint agree that this version is not"
    )
    return replace(claim, verdict=Verdict.LOST, reason="lost", detail=detail)


def _empty_is_no_fact(artifact: Artifact, claim: Verification) -> Verification:
    """An attestation that is announced and comes back empty is missing, not absent."""
    if artifact.attestation_url is None or claim.verdict is not Verdict.UNATTESTED:
        return claim
    detail = "an attestation is announced, and the document holds none"
    return replace(claim, verdict=Verdict.UNAVAILABLE, reason="unavailable", detail=detail)


def _could_not(release: Release, artifact: Artifact, form: Form, detail: str) -> Verification:
    return Verification(release.purl, artifact.filename, form, Verdict.UNAVAILABLE, "unavailable", detail)


def not_done(release: Release, detail: str) -> Verification:
    """Stand for a release whose verification failed as a whole, or has not begun."""
    return Verification(release.purl, "", ATTESTED_BY[release.purl.type], Verdict.UNAVAILABLE, "unavailable", detail)


def _nobody(release: Release, artifact: Artifact, form: Form) -> Verification:
    detail = "the source announces no attestation of this file"
    return Verification(release.purl, artifact.filename, form, Verdict.UNATTESTED, "unattested", detail)


def _too_many(release: Release) -> tuple[Verification, ...]:
    if len(release.artifacts) <= MAX_FILES:
        return ()
    detail = f"the release has {len(release.artifacts)} files; {MAX_FILES} were judged"
    return (
        Verification(release.purl, "", ATTESTED_BY[release.purl.type], Verdict.UNSUPPORTED, "too-many-files", detail),
    )


def _no_files(release: Release) -> Verification:
    at = f"; its tag points at {release.commit}" if release.commit else ""
    form = ATTESTED_BY[release.purl.type]
    detail = f"the release has no files of its own{at}"
    digests = (release.commit,) if release.commit else ()
    claim = Verification(release.purl, "", form, Verdict.UNATTESTED, "no-files", detail, digests=digests)
    return replace(claim, announced=_tag(release))


def _tag(release: Release) -> str:
    return fingerprint("no files", str(release.commit))
