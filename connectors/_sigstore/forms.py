"""The documents in which the world vouches for files: each taken apart into claims, each claim decided on its own."""

from connectors._sigstore import checksum_claims, github_claims, npm_claims, pypi_claims
from connectors._sigstore.claim import Claim, Trust
from connectors._sigstore.refusal import Undecided
from monitor.domain.provenance import Attestation, Form, Subject


def claims(attestation: Attestation, subject: Subject, trust: Trust) -> list[Claim]:
    """Take a document apart; empty when it vouches for nothing. Raises `Refused` or `Undecided` for the document as a whole."""
    document = attestation.document
    match attestation.form:
        case Form.PYPI_PROVENANCE:
            return pypi_claims.claims(document, subject, trust)
        case Form.NPM_SIGNATURE:
            return npm_claims.signature_claims(document, subject, trust)
        case Form.NPM_ATTESTATIONS:
            return npm_claims.attestation_claims(document, subject, trust)
        case Form.GITHUB_ATTESTATION:
            return github_claims.claims(document, subject, trust)
        case Form.SIGSTORE_BUNDLE:
            return github_claims.bundle_claims(document, subject, trust)
        case Form.CHECKSUMS:
            return checksum_claims.claims(document, subject, attestation.url)
        case Form.REGISTRY_DIGEST:
            raise Undecided("shape", "a registry's digest is no attestation")
