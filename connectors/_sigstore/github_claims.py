"""GitHub's attestations of a digest: builds by workflows, releases by GitHub itself, on the public instance or on GitHub's own.

A bundle that lies beside a file in its release says the same in the same words, and is decided by the same steps.

Specification: https://docs.github.com/rest/repos/attestations.
"""

from dataclasses import replace
from functools import partial

import msgspec
from cryptography import x509
from cryptography.x509.oid import NameOID

from connectors._sigstore import fulcio, statement
from connectors._sigstore.anchors import Anchors
from connectors._sigstore.certified import certified
from connectors._sigstore.check import by_certificate
from connectors._sigstore.claim import Attestations, Claim, Held, Trust, read, sha256, stated
from connectors._sigstore.refusal import Refused, Undecided
from connectors._sigstore.shape import MAX_BUNDLE, Work, parse
from monitor.domain.provenance import Subject

GITHUB = "GitHub, Inc."
RELEASE_HOST = "https://dotcom.releases.github.com"


MAX_LINES = 256
"""Bundles in one file, of which the first are decided."""


class _Attestation(msgspec.Struct):
    bundle: msgspec.Raw


class _Attestations(msgspec.Struct):
    attestations: list[_Attestation]


_ATTESTATIONS = msgspec.json.Decoder(_Attestations)


class _Typed(msgspec.Struct, rename="camel"):
    media_type: str | None = None  # None: JSON, and no bundle


def claims(document: bytes, subject: Subject, trust: Trust) -> list[Claim]:
    """One claim for each bundle. Raises `Refused`."""
    try:
        listed = _ATTESTATIONS.decode(document).attestations
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        # Not all of them can be read: each on its own.
        raws = read(document, Attestations, "an attestation list").attestations
        return [Claim("GitHub attestation", partial(_listed, raw, subject, trust)) for raw in raws]
    return [Claim("GitHub attestation", partial(_decide, each.bundle, subject, trust)) for each in listed]


def bundle_claims(document: bytes, subject: Subject, trust: Trust) -> list[Claim]:
    """One claim for each bundle of a file: it is one, or has one on each line."""
    try:
        msgspec.json.decode(document, type=msgspec.Raw)
        bundles = [document]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        bundles = [line for line in document.split(b"\n", MAX_LINES) if line.strip()]
    return [Claim("sigstore bundle", partial(_beside, raw, subject, trust)) for raw in bundles]


def _beside(raw: bytes, subject: Subject, trust: Trust, work: Work) -> Held:
    if len(raw) <= MAX_BUNDLE and read(raw, _Typed, "a sigstore bundle").media_type is None:
        raise Undecided("shape", "not a sigstore bundle, but something else under its name")
    return _decide(raw, subject, trust, work)


def _listed(listed: msgspec.Raw, subject: Subject, trust: Trust, work: Work) -> Held:
    return _decide(read(listed, _Attestation, "an attestation").bundle, subject, trust, work)


def _decide(document: bytes | msgspec.Raw, subject: Subject, trust: Trust, work: Work) -> Held:
    raw = bytes(document)
    bundle = parse(raw, work)
    if bundle.certificate is None:
        raise Undecided("key", "signed by a key that nobody has told us")
    signer = certified(bundle, raw)
    anchors = _instance(signer.leaf, trust)
    if bundle.message_signature:
        signed, publisher = by_certificate(signer, anchors, sha256=sha256(subject))
        return Held("signature", f"signed at {signed.minute} UTC", anchors.label, publisher)
    held, said = stated(signer, subject, anchors)
    statement.about_bytes(said, subject)
    if said.predicate_type not in statement.RELEASES:
        return held
    if anchors is not trust.github or held.publisher is None or held.publisher.signer != RELEASE_HOST:
        raise Refused("identity", "a release attestation that is not by GitHub itself")
    released = statement.releases(said, subject)
    publisher = replace(
        held.publisher,
        repository=f"https://github.com/{released.repository}",
        ref=f"refs/tags/{released.tag}",
        repository_id=released.repository_id,
        owner_id=released.owner_id,
    )
    return replace(held, kind="release", publisher=publisher)


def _instance(leaf: x509.Certificate, trust: Trust) -> Anchors:
    """Return the root of the instance that issued the certificate. Raises `Undecided`."""
    if trust.github and fulcio.knows(trust.github, leaf):
        return trust.github
    if fulcio.knows(trust.public_good, leaf):
        return trust.public_good
    fulcio.require_readable(leaf)
    if GITHUB not in {name.value for name in leaf.issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)}:
        return trust.public_good
    if trust.github is None:
        raise Undecided("root", "there is no root for GitHub's own instance")
    return trust.github
