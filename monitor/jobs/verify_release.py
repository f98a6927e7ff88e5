"""Download each file of a release, compare it with the digest that was announced, and decide what vouches for it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from monitor.app import App
from monitor.domain.baseline import VOUCHING
from monitor.domain.evidence import Evidence
from monitor.domain.provenance import Form, Subject, Verdict, Verification
from monitor.domain.release import Artifact, Release
from monitor.jobs.bulkhead import concurrently
from monitor.ports.errors import SourceError
from monitor.ports.sources import Downloaded, ReleaseSource

MAX_FILES = 64
FILES_AT_ONCE = 4
ATTESTED_BY = {"pypi": Form.PYPI_PROVENANCE, "npm": Form.NPM_ATTESTATIONS, "github": Form.GITHUB_ATTESTATION}


def settled(release: Release, claims: Sequence[Verification]) -> bool:
    """Whether the kept claims are still about these files, and none is open because something could not be had."""
    if not claims or any(claim.verdict is Verdict.UNAVAILABLE for claim in claims):
        return False
    judged = {claim.filename: set[object]() for claim in claims}
    for claim in claims:
        judged[claim.filename].update(claim.digests)
    return all(
        artifact.filename in judged and (artifact.digest is None or _agrees(artifact, claims, judged))
        for artifact in release.artifacts[:MAX_FILES]
    )


def _agrees(artifact: Artifact, claims: Sequence[Verification], judged: dict[str, set[object]]) -> bool:
    """A file whose bytes were found to differ stays judged: asking again each hour would tell nothing new."""
    return artifact.digest in judged[artifact.filename] or any(
        claim.filename == artifact.filename and claim.form is Form.REGISTRY_DIGEST and claim.verdict is Verdict.INVALID
        for claim in claims
    )


async def verify_release(
    app: App, release: Release, evidence: list[Evidence], *, attested_before: str
) -> tuple[Verification, ...]:
    """Return the claims about every file. The raw attestations are added to `evidence`.

    `attested_before` is the version that this one is measured by, where that was attested; empty where nothing is expected.
    """
    source = app.releases[release.purl.type]
    if not release.artifacts:
        return (_no_files(release),)
    files = release.artifacts[:MAX_FILES]
    claims = await concurrently(files, lambda file: _verify(app, source, release, file, evidence), limit=FILES_AT_ONCE)
    skipped = release.artifacts[MAX_FILES:]
    found = [claim for file in files for claim in claims[file]]
    vouching = [claim for claim in found if claim.form in VOUCHING]
    if attested_before and vouching and all(claim.verdict is Verdict.UNATTESTED for claim in vouching):
        found = [await _lost(source, release, claim, attested_before) for claim in found]
    return (
        *found,
        *(
            _could_not(release, file, Form.REGISTRY_DIGEST, f"a release of over {MAX_FILES} files")
            for file in skipped[:1]
        ),
    )


async def _verify(
    app: App, source: ReleaseSource, release: Release, artifact: Artifact, evidence: list[Evidence]
) -> tuple[Verification, ...]:
    # 1. The bytes that would be installed.
    try:
        downloaded = await source.download(artifact)
    except SourceError as error:
        return (_could_not(release, artifact, Form.REGISTRY_DIGEST, error.detail),)
    digests = tuple(sorted(downloaded.digests.values()))
    digest = _against_registry(release, artifact, downloaded)
    # 2. Who vouches for them.
    form = ATTESTED_BY[release.purl.type]
    try:
        # A file for which no digest is announced is asked about by the digest that it has.
        asked = artifact if artifact.digest else replace(artifact, digest=downloaded.digests["sha256"])
        answer = await source.attestations(release, asked)
    except SourceError as error:
        return tuple(
            replace(claim, digests=digests) for claim in (digest, _could_not(release, artifact, form, error.detail))
        )
    evidence.extend(answer.evidence)
    # 3. Whether they may: pure computation of some milliseconds, so that other looks go on meanwhile.
    subject = Subject(release.purl, artifact.filename, downloaded.digests)
    claims = await asyncio.to_thread(app.verifier.verify, subject, answer.value)
    if not any(claim.form is form for claim in claims):
        claims = (*claims, _nobody(release, artifact, form))
    return tuple(replace(claim, digests=digests) for claim in (digest, *claims))


async def _lost(source: ReleaseSource, release: Release, claim: Verification, attested_before: str) -> Verification:
    """Call an attestation lost only when two answers agree that there is none: the document's, and the endpoint's."""
    if claim.form not in VOUCHING:
        return claim
    artifact = next((each for each in release.artifacts if each.filename == claim.filename), None)
    try:
        agreed = artifact is None or await source.confirms_absence(release, artifact)
    except SourceError as error:
        detail = (
            f"none is announced although {attested_before} was attested, and the endpoint was not heard: {error.detail}"
        )
        return replace(claim, verdict=Verdict.UNAVAILABLE, reason="unavailable", detail=detail)
    if not agreed:
        detail = "none is announced, and the attestation endpoint has one: two answers that disagree are no fact"
        return replace(claim, verdict=Verdict.UNAVAILABLE, reason="unavailable", detail=detail)
    detail = f"{attested_before} was attested; the registry's document and its attestation endpoint agree that this version is not"
    return replace(claim, verdict=Verdict.LOST, reason="lost", detail=detail)


def _against_registry(release: Release, artifact: Artifact, downloaded: Downloaded) -> Verification:
    announced = artifact.digest
    verdict, reason, detail = (
        Verdict.VERIFIED,
        "digest-agrees",
        "the download has the digest that the registry announces",
    )
    if announced is None:
        verdict, reason, detail = Verdict.UNATTESTED, "no-digest", "the source announces no digest of this file"
    elif announced.algorithm not in downloaded.digests:
        verdict, reason, detail = Verdict.UNSUPPORTED, "algorithm", f"cannot compare a {announced.algorithm} digest"
    elif downloaded.digests[announced.algorithm] != announced:
        verdict, reason = Verdict.INVALID, "digest-mismatch"
        detail = f"announced {announced}, downloaded {downloaded.digests[announced.algorithm]}"
    return Verification(release.purl, artifact.filename, Form.REGISTRY_DIGEST, verdict, reason, detail)


def _could_not(release: Release, artifact: Artifact, form: Form, detail: str) -> Verification:
    return Verification(release.purl, artifact.filename, form, Verdict.UNAVAILABLE, "unavailable", detail)


def not_done(release: Release, detail: str) -> Verification:
    """Stand for a release whose verification failed as a whole."""
    return Verification(release.purl, "", ATTESTED_BY[release.purl.type], Verdict.UNAVAILABLE, "unavailable", detail)


def _nobody(release: Release, artifact: Artifact, form: Form) -> Verification:
    detail = "the source announces no attestation of this file"
    return Verification(release.purl, artifact.filename, form, Verdict.UNATTESTED, "unattested", detail)


def _no_files(release: Release) -> Verification:
    at = f"; its tag points at {release.commit}" if release.commit else ""
    form = ATTESTED_BY[release.purl.type]
    detail = f"the release has no files of its own{at}"
    digests = (release.commit,) if release.commit else ()
    return Verification(release.purl, "", form, Verdict.UNATTESTED, "no-files", detail, digests=digests)
