"""The documents in which the world vouches for files: each taken apart into claims, each claim decided on its own."""

from connectors import _github_claims, _npm_claims, _pypi_claims
from connectors._claim import Claim, Trust
from connectors._refusal import Undecided
from monitor.domain.provenance import Form, Subject


def claims(form: Form, document: bytes, subject: Subject, trust: Trust) -> list[Claim]:
    """Take a document apart; empty when it vouches for nothing. Raises `Refused` or `Undecided` for the document as a whole."""
    match form:
        case Form.PYPI_PROVENANCE:
            return _pypi_claims.claims(document, subject, trust)
        case Form.NPM_SIGNATURE:
            return _npm_claims.signature_claims(document, subject, trust)
        case Form.NPM_ATTESTATIONS:
            return _npm_claims.attestation_claims(document, subject, trust)
        case Form.GITHUB_ATTESTATION:
            return _github_claims.claims(document, subject, trust)
        case Form.REGISTRY_DIGEST:
            raise Undecided("shape", "a registry's digest is no attestation")
