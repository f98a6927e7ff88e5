"""PyPI's provenance object of one file: bundles by publisher, attestations in each.

Specification: PEP 740, https://peps.python.org/pep-0740/. The library for it is not used: it refuses a whole object for one unknown kind
of publisher, drops timestamps, and always trusts the root in the user's cache.
"""

from functools import partial

import msgspec

from connectors._sigstore import pypi_publisher, statement
from connectors._sigstore.certified import certified
from connectors._sigstore.claim import Claim, Held, Trust, read, stated
from connectors._sigstore.refusal import Undecided
from connectors._sigstore.shape import Work, parse
from monitor.domain.provenance import Publisher, Subject


class _Envelope(msgspec.Struct):
    statement: str
    signature: str


class _Material(msgspec.Struct):
    certificate: str
    transparency_entries: list[msgspec.Raw]


class _Attestation(msgspec.Struct):
    version: int
    verification_material: _Material
    envelope: _Envelope

    def bundle(self) -> bytes:
        """Return the same as a sigstore bundle (PEP 740, "Attestation object")."""
        material = {
            "certificate": {"rawBytes": self.verification_material.certificate},
            "tlogEntries": self.verification_material.transparency_entries,
        }
        envelope = {
            "payload": self.envelope.statement,
            "payloadType": statement.IN_TOTO,
            "signatures": [{"sig": self.envelope.signature, "keyid": ""}],
        }
        media_type = "application/vnd.dev.sigstore.bundle.v0.3+json"
        return msgspec.json.encode(
            {"mediaType": media_type, "verificationMaterial": material, "dsseEnvelope": envelope}
        )


class _Bundle(msgspec.Struct):
    publisher: msgspec.Raw
    attestations: list[msgspec.Raw]


class _Provenance(msgspec.Struct):
    version: int
    attestation_bundles: list[_Bundle]


def claims(document: bytes, subject: Subject, trust: Trust) -> list[Claim]:
    """One claim for each attestation: signed by the publisher that PyPI names, about this very file. Raises `Refused` or `Undecided`."""
    provenance = read(document, _Provenance, "a provenance object")
    if provenance.version != 1:
        raise Undecided("shape", f"a provenance object of the unknown version {provenance.version}")
    return [
        Claim("PyPI attestation", partial(_decide, bundle.publisher, raw, subject, trust))
        for bundle in provenance.attestation_bundles
        for raw in bundle.attestations
    ]


def _decide(publisher: msgspec.Raw, raw: msgspec.Raw, subject: Subject, trust: Trust, work: Work) -> Held:
    attestation = read(raw, _Attestation, "an attestation")
    if attestation.version != 1:
        raise Undecided("shape", f"an attestation of the unknown version {attestation.version}")
    bundle = attestation.bundle()
    held, said = stated(certified(parse(bundle, work), bundle), subject, trust.public_good)
    pypi_publisher.bind(bytes(publisher), held.publisher or Publisher("", ""))
    if held.kind not in {"publish", "build"}:
        raise Undecided("type", f"a statement of the type {said.predicate_type[:120]!r}")
    statement.about_distribution(said, subject)
    return held
