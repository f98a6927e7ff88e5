"""What npm serves: the registry's signatures, its publish attestation, the builder's provenance.

Specifications: npm documentation, "About registry signatures"; https://github.com/npm/attestation.
"""

from datetime import datetime
from functools import partial
from typing import Annotated

import msgspec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from connectors._sigstore import statement
from connectors._sigstore.anchors import holds
from connectors._sigstore.certified import certified
from connectors._sigstore.check import by_key
from connectors._sigstore.claim import Claim, Held, Trust, read, sha256, stated, unbase64
from connectors._sigstore.refusal import Refused, Undecided
from connectors._sigstore.shape import Work, parse
from connectors._sigstore.trust_root import ATTESTATIONS, SIGNATURES
from monitor.domain.provenance import Subject

MAX_SIGNATURES = 16
"""Of one version. The registry makes one, and two while it changes its key."""
NPM_PUBLISH_PREFIX = "https://github.com/npm/attestation/tree/main/specs/publish/"


class _Signature(msgspec.Struct):
    keyid: str
    sig: str


class _Signatures(msgspec.Struct):
    integrity: str | None = None  # None: only the old SHA-1, which no signature covers
    published_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None  # None: the registry gives no time
    signatures: list[_Signature] | None = None  # None: as empty


class _Attestation(msgspec.Struct, rename="camel"):
    predicate_type: str
    bundle: msgspec.Raw


class _Attestations(msgspec.Struct):
    attestations: list[_Attestation]


def signature_claims(document: bytes, subject: Subject, trust: Trust) -> list[Claim]:
    """One claim: every signature holds over `name@version:integrity`, which is that of the bytes. Raises `Refused`."""
    signed = read(document, _Signatures, "a list of registry signatures")

    def decide(_: Work) -> Held:
        if len(signed.signatures or []) > MAX_SIGNATURES:
            raise Undecided("too-large", f"{len(signed.signatures or [])} registry signatures")
        _same_integrity(signed.integrity or "", subject)
        message = f"{subject.purl.label}@{subject.purl.version}:{signed.integrity}".encode()
        for signature in signed.signatures or []:
            key = trust.key(signature.keyid, SIGNATURES)
            if signed.published_at and key.expired(signed.published_at):
                raise Refused("expired", f"published at {signed.published_at:%Y-%m-%d}, after its key had expired")
            if not holds(load_der_public_key(key.der), unbase64(signature.sig), message):
                raise Refused("signature", "the registry did not sign this name, version and integrity")
        return Held("signature", "the registry signed name, version and digest", trust.npm_label)

    return [Claim("registry signature", decide)] if signed.signatures else []


def _same_integrity(integrity: str, subject: Subject) -> None:
    """Compare npm's `dist.integrity` (https://www.w3.org/TR/SRI/) with the bytes. Raises `Refused`."""
    texts = [text.removeprefix("sha512-") for text in integrity.split() if text.startswith("sha512-")]
    if not texts:
        raise Refused("malformed", "the registry gives no sha512 integrity for its signature to cover")
    ours = subject.digests.get("sha512")
    if ours is None or any(unbase64(text).hex() != ours.hex for text in texts):
        raise Refused("digest-mismatch", "the registry signed other bytes than those that were downloaded")


def attestation_claims(document: bytes, subject: Subject, trust: Trust) -> list[Claim]:
    """The registry's publish attestation and the builder's provenance; other types do not matter here. Raises `Refused` or `Undecided`."""
    attestations = read(document, _Attestations, "an attestation list").attestations
    found = [
        Claim("publish attestation", partial(_publish, one, subject, trust))
        for one in attestations
        if one.predicate_type.startswith(NPM_PUBLISH_PREFIX)
    ] + [
        Claim("provenance", partial(_provenance, one, subject, trust))
        for one in attestations
        if one.predicate_type in statement.BUILDS
    ]
    if attestations and not found:
        raise Undecided("type", "none of the attestations is of a type that this program knows")
    return found


def _publish(attestation: _Attestation, subject: Subject, trust: Trust, work: Work) -> Held:
    raw = bytes(attestation.bundle)
    bundle = parse(raw, work)
    hint = bundle.verification_material.public_key
    if hint is None:
        raise Refused("type", "signed by a certificate, not by a key of the registry")
    key = trust.key(hint.hint, ATTESTATIONS)
    signed = by_key(bundle, load_der_public_key(key.der), trust.public_good, sha256=sha256(subject))
    if key.expired(signed.at):
        raise Refused("expired", f"signed at {signed.at:%Y-%m-%d}, after its key had expired")
    said = statement.parse(signed.payload_type, signed.payload or b"")
    if said.predicate_type != attestation.predicate_type:
        raise Refused("type", f"labelled as another type than the signed {said.predicate_type[:120]!r}")
    statement.about_package(said, subject)
    statement.publishes(said, subject)
    return Held("publish", f"the registry published it at {signed.minute} UTC", trust.npm_label)


def _provenance(attestation: _Attestation, subject: Subject, trust: Trust, work: Work) -> Held:
    raw = bytes(attestation.bundle)
    held, said = stated(certified(parse(raw, work), raw), subject, trust.public_good)
    if said.predicate_type != attestation.predicate_type:
        raise Refused("type", f"labelled as another type than the signed {said.predicate_type[:120]!r}")
    statement.about_package(said, subject)
    return held
