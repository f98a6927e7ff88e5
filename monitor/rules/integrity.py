"""Whether the bytes are those that were announced, signed and approved."""

from collections.abc import Iterator

from monitor.domain.finding import Confidence, Fact, Finding, Severity, Unseen, Verdicts
from monitor.domain.provenance import DIGEST_FORMS, Form, Verdict, Verification
from monitor.domain.release import Digest
from monitor.domain.server import Pin
from monitor.domain.snapshot import Snapshot
from monitor.domain.unknown import Unknown


def signature_invalid(snapshot: Snapshot) -> Verdicts:
    """An attestation or a registry signature does not hold for the file that was downloaded.

    Harm: the file is not what somebody vouched for: tampering, a replayed attestation of another version, or a broken mirror.
    Evidence: the signed document, checked offline against the trust roots, and the digest of the downloaded bytes.
    False positives: none known; a shape or key that cannot be judged is "cannot tell" and no finding of this rule.
    Remedy: do not approve or deploy the version; keep the evidence; tell the registry and the publisher.
    """
    yield from _invalid(snapshot, "signature-invalid", digests=False)


def digest_differs(snapshot: Snapshot) -> Verdicts:
    """The downloaded bytes, or the registry's digest, differ from the digest that was announced or approved.

    Harm: what would be installed is not what the registry lists, or not what was reviewed.
    Evidence: the registry's digest, the digest of the bytes that were downloaded, the digests in the approval.
    False positives: an approval that lists the digests of some files of a version only.
    Remedy: do not install; compare with the evidence of the approval; look at the mirror in between.
    """
    yield from _invalid(snapshot, "digest-differs", digests=True)
    if snapshot.approval and not isinstance(snapshot.verifications, Unknown):
        yield from _unlike_the_pin(snapshot, snapshot.approval.pin)


def cannot_tell(snapshot: Snapshot) -> Verdicts:
    """There is an attestation or a signature, of a shape, by a key, or under a root that this program cannot judge.

    Harm: nobody knows whether it holds; a forger can make one that nobody can judge.
    Evidence: the document, and the trust roots in use with their dates.
    False positives: new kinds of publishers and of bundles; roots that are older than the signature.
    Remedy: `mcp-monitor roots refresh`, or a newer mcp-monitor; waive what your approval does not rest on.
    """
    if isinstance(snapshot.verifications, Unknown):
        yield Unseen("cannot-tell", snapshot.server.name)
        return
    for purl, claims in snapshot.verifications.items():
        if any(claim.verdict is Verdict.UNAVAILABLE for claim in claims):
            yield Unseen("cannot-tell", snapshot.server.name)
        if untold := [claim for claim in claims if claim.verdict is Verdict.UNSUPPORTED]:
            yield Finding(
                rule="cannot-tell",
                server=snapshot.server.name,
                subject=str(purl),
                severity=Severity.MEDIUM,
                summary=f"{purl.label} {purl.version}: cannot tell whether {len(untold)} claims hold",
                facts=tuple(
                    Fact(claim.filename or claim.form.value, claim.detail, "verification") for claim in untold[:10]
                ),
                about=purl,
            )


def _invalid(snapshot: Snapshot, rule: str, *, digests: bool) -> Iterator[Finding | Unseen]:
    if isinstance(snapshot.verifications, Unknown):
        yield Unseen(rule, snapshot.server.name)
        return
    for purl, claims in snapshot.verifications.items():
        if any(claim.verdict is Verdict.UNAVAILABLE for claim in claims):
            # A file that could not be had may be the one that was refused before: nothing of the rule is resolved in this look.
            yield Unseen(rule, snapshot.server.name)
        for claim in claims:
            if (claim.form in DIGEST_FORMS) is digests and claim.verdict is Verdict.INVALID:
                yield _does_not_hold(snapshot, rule, claim, f"{purl} {claim.filename} {claim.form.value}")


def _does_not_hold(snapshot: Snapshot, rule: str, claim: Verification, subject: str) -> Finding:
    return Finding(
        rule=rule,
        server=snapshot.server.name,
        subject=subject,
        severity=Severity.CRITICAL,
        summary=f"{claim.form.value} of {claim.filename} ({claim.purl.label} {claim.purl.version}) does not hold: {claim.detail}",
        facts=(
            Fact("reason", claim.reason, "verification"),
            *((Fact("trust root", claim.root, "verification"),) if claim.root else ()),
            *(Fact("download", str(digest), "download") for digest in claim.digests if digest.algorithm == "sha256"),
        ),
        about=claim.purl,
        trust_signal=True,
    )


def _unlike_the_pin(snapshot: Snapshot, pin: Pin) -> Iterator[Finding | Unseen]:
    """Compare only digests of the same algorithm: a pin may list sha256 where the registry announces sha512."""
    if isinstance(snapshot.verifications, Unknown) or not pin.digests:
        return
    subject = f"{pin.purl} approved digests"
    served = {
        claim.filename: {digest for digest in claim.digests if digest.algorithm in pin.algorithms}
        for claim in snapshot.verifications.get(pin.purl, ())
        if claim.form is Form.REGISTRY_DIGEST or not claim.filename
    }
    seen = set[Digest]().union(*served.values())
    if not seen:
        yield Unseen("digest-differs", snapshot.server.name, subject)
        return
    comparable = {digest for digest in pin.digests if digest.algorithm in {each.algorithm for each in seen}}
    if missing := sorted(map(str, comparable - seen)):
        facts: tuple[Fact, ...] = (
            Fact("approved", ", ".join(missing), "registry"),
            Fact("served", ", ".join(sorted(map(str, seen)))[:1000], "download"),
        )
        words = "as served does not have the digest that was approved"
        yield _pinned(snapshot, pin, subject, words=words, facts=facts)
    elif extra := sorted(name for name, digests in served.items() if digests and not digests & pin.digests):
        facts = (Fact("not listed in the approval", ", ".join(extra)[:1000], "download"),)
        yield _pinned(
            snapshot,
            pin,
            f"{pin.purl} further files",
            words="is served with files that the approval does not list",
            facts=facts,
        )


def _pinned(snapshot: Snapshot, pin: Pin, subject: str, *, words: str, facts: tuple[Fact, ...]) -> Finding:
    further = subject.endswith("further files")
    return Finding(
        rule="digest-differs",
        server=snapshot.server.name,
        subject=subject,
        severity=Severity.MEDIUM if further else Severity.CRITICAL,
        summary=f"{pin.purl.label} {pin.purl.version} {words}",
        facts=facts,
        confidence=Confidence.MEDIUM if further else Confidence.HIGH,
        about=pin.purl,
        trust_signal=True,
    )
