"""Whether the bytes are those that were announced, signed and approved."""

from collections.abc import Iterator

from monitor.domain.finding import Fact, Finding, Severity, Unseen, Verdicts
from monitor.domain.provenance import Form, Verdict, Verification
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
    False positives: an approval that lists digests of other files than the registry serves.
    Remedy: do not install; compare with the evidence of the approval; look at the mirror in between.
    """
    yield from _invalid(snapshot, "digest-differs", digests=True)
    if snapshot.approval and not isinstance(snapshot.verifications, Unknown):
        yield from _unlike_the_pin(snapshot, snapshot.approval.pin)


def _invalid(snapshot: Snapshot, rule: str, *, digests: bool) -> Iterator[Finding | Unseen]:
    if isinstance(snapshot.verifications, Unknown):
        yield Unseen(rule, snapshot.server.name)
        return
    for purl, claims in snapshot.verifications.items():
        for claim in claims:
            if (claim.form is Form.REGISTRY_DIGEST) is not digests:
                continue
            subject = f"{purl} {claim.filename} {claim.form.value}"
            if claim.verdict is Verdict.UNAVAILABLE:
                yield Unseen(rule, snapshot.server.name, subject)
            elif claim.verdict is Verdict.INVALID:
                yield _does_not_hold(snapshot, rule, claim, subject)


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
    seen = {digest for claim in snapshot.verifications.get(pin.purl, ()) for digest in claim.digests}
    comparable = [digest for digest in pin.digests if digest.algorithm in {each.algorithm for each in seen}]
    if not comparable:
        yield Unseen("digest-differs", snapshot.server.name, subject)
    elif missing := sorted(str(digest) for digest in comparable if digest not in seen):
        yield Finding(
            rule="digest-differs",
            server=snapshot.server.name,
            subject=subject,
            severity=Severity.CRITICAL,
            summary=f"{pin.purl.label} {pin.purl.version} as served does not have the digest that was approved",
            facts=(
                Fact("approved", ", ".join(missing), "registry"),
                Fact("served", ", ".join(sorted(map(str, seen)))[:1000], "download"),
            ),
            about=pin.purl,
            trust_signal=True,
        )
