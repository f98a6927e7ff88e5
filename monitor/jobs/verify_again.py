"""Decide what was decided once more, without a network: from the raw documents, digests and trust roots that the store keeps."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

from monitor.domain.evidence import Grounds
from monitor.domain.inspection import Repeated
from monitor.domain.provenance import Attestation, Form, Subject, TrustRoot, Verdict, Verification
from monitor.domain.purl import Purl
from monitor.domain.release import Artifact, Digest, Release
from monitor.domain.unknown import Reason, Unknown
from monitor.jobs.verify_release import against_registry
from monitor.ports.errors import SourceError
from monitor.ports.sources import Verifier
from monitor.ports.store import UnitOfWork

ABSENT = frozenset({Verdict.UNATTESTED, Verdict.LOST, Verdict.UNAVAILABLE})


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of one version."""

    claims: tuple[Verification, ...]
    grounds: Grounds | None  # None: nothing was decided
    bodies: Mapping[str, bytes | Unknown]
    """By digest: the documents that make the claims, and the trust roots."""
    release: Release | None  # None: not even its listing is kept


def recall_version(unit: UnitOfWork, purl: Purl) -> Kept:
    """Read everything that is kept of a version."""
    claims = unit.verifications([purl.package]).get(purl, ())
    grounds = unit.grounds([purl]).get(purl)
    named = {claim.document for claim in claims if claim.document}
    named |= {root.sha256 for root in grounds.roots} if grounds else set()
    state = unit.packages(purl.type, [purl.package])[purl.package]
    listed = state.listing.release(purl.version or "") if state.listing else None
    known = state.known.get(purl.version or "")
    return Kept(claims, grounds, unit.evidence(named), listed or (known.release if known else None))


def decide_again(kept: Kept, verifier: Verifier) -> tuple[Repeated, ...]:
    """Decide every claim again, in the order in which they were recorded. `verifier` lends its program, not its trust roots."""
    under = _under(kept, verifier)
    repeated: list[Repeated] = []
    for _, group in groupby(kept.claims, lambda claim: (claim.filename, claim.form, claim.document, claim.url)):
        claims = tuple(group)
        if claims[0].document:
            repeated += _document(kept, under, claims)
        elif claims[0].form is Form.REGISTRY_DIGEST:
            repeated += [Repeated(claim, _digest(kept, claim)) for claim in claims]
        else:
            repeated += [Repeated(claim, _without_document(claim)) for claim in claims]
    return tuple(repeated)


def _under(kept: Kept, verifier: Verifier) -> Verifier | Unknown:
    """Return the verifier that trusts what was trusted then."""
    files: dict[TrustRoot, bytes] = {}
    for root in kept.grounds.roots if kept.grounds else ():
        body = kept.bodies[root.sha256]
        if isinstance(body, Unknown):
            return Unknown(body.reason, body.source, f"trust root {root.name}: {body.detail}")
        files[root] = body
    if not files:
        return Unknown(Reason.UNAVAILABLE, "store", "the trust roots that decided were not kept")
    try:
        return verifier.under(files)
    except SourceError as error:
        return error.unknown()


def _document(kept: Kept, verifier: Verifier | Unknown, claims: tuple[Verification, ...]) -> list[Repeated]:
    """Decide one document's claims about one file, in its order."""
    one = claims[0]
    body = kept.bodies[one.document]
    missing = next((each for each in (body, verifier) if isinstance(each, Unknown)), None)
    if isinstance(body, Unknown) or isinstance(verifier, Unknown):
        return [Repeated(claim, missing) for claim in claims]
    subject = Subject(one.purl, one.filename, {digest.algorithm: digest for digest in one.digests})
    again = verifier.verify(subject, [Attestation(one.form, body, one.url)])
    if len(again) != len(claims):
        count = Unknown(Reason.MALFORMED, "verifier", f"the document made {len(claims)} claims, now {len(again)}")
        return [Repeated(claim, count) for claim in claims]
    return [Repeated(was, None if _both_absent(was, now) else now) for was, now in zip(claims, again, strict=True)]


def _both_absent(was: Verification, now: Verification) -> bool:
    """A document without claims: whether that is an absence, a loss or a failure was told by other answers."""
    return now.verdict is Verdict.UNATTESTED and was.verdict in ABSENT


def _digest(kept: Kept, claim: Verification) -> Verification | Unknown | None:
    """Compare again with what the registry announces, as its last answer that is kept has it."""
    if claim.verdict is Verdict.UNAVAILABLE:
        return None
    artifact = _artifact(kept.release, claim.filename)
    if artifact is None:
        return Unknown(Reason.UNAVAILABLE, "store", "what the registry announced of the file is not kept")
    # This claim keeps the digests of the first download; those of the last stand in the claims beside it.
    beside = [each for each in kept.claims if each.filename == claim.filename and each.form is not claim.form]
    last: tuple[Digest, ...] = next((each.digests for each in beside if each.digests), claim.digests)
    now = {digest.algorithm: digest for digest in last}
    return against_registry(claim.purl, artifact, now, first=claim.digests)


def _artifact(release: Release | None, filename: str) -> Artifact | None:
    return next((each for each in release.artifacts if each.filename == filename), None) if release else None


def _without_document(claim: Verification) -> Unknown | None:
    """An absence leaves nothing behind; any other claim does, unless it was decided before documents were kept."""
    if claim.verdict in ABSENT or claim.reason in {"too-large", "too-many-files"}:
        return None
    return Unknown(Reason.UNAVAILABLE, "store", "the document was not kept when this was decided")
