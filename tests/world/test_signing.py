"""The private sigstore is believed by the public tools, or nothing that is tested with it means anything."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pypi_attestations import Provenance
from sigstore.errors import VerificationError
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier, policy

from tests.world.signing import (
    SLSA,
    Identity,
    NpmKeys,
    Sigstore,
    github_attestations,
    npm_attestations,
    pypi_provenance,
    statement,
)

CLAIM = statement({"name": "weather.tgz", "digest": {"sha256": "ab" * 32}}, SLSA, {})


def verifier(sigstore: Sigstore, directory: Path) -> Verifier:
    path = directory / "trusted_root.json"
    path.write_bytes(sigstore.trusted_root())
    return Verifier(trusted_root=TrustedRoot.from_file(str(path)))


def test_sigstore_python_accepts_what_the_private_sigstore_signs(tmp_path: Path) -> None:
    sigstore = Sigstore()
    identity = Identity(repository="example/other", workflow="publish.yml")
    demanded = policy.AllOf(
        [policy.OIDCIssuerV2(identity.issuer), policy.OIDCSourceRepositoryURI("https://github.com/example/other")]
    )

    bundles = [Bundle.from_json(sigstore.bundle(CLAIM, identity)) for _ in range(7)]

    for bundle in bundles:
        assert verifier(sigstore, tmp_path).verify_dsse(bundle, demanded) == ("application/vnd.in-toto+json", CLAIM)


def test_another_sigstore_is_a_stranger(tmp_path: Path) -> None:
    bundle = Bundle.from_json(Sigstore().bundle(CLAIM))

    with pytest.raises(VerificationError):
        verifier(Sigstore(), tmp_path).verify_dsse(bundle, policy.OIDCIssuerV2(Identity().issuer))


def test_the_time_of_the_signature_is_the_tests_to_choose(tmp_path: Path) -> None:
    sigstore = Sigstore()
    at = datetime(2024, 2, 29, 23, 59, tzinfo=UTC)

    bundle = Bundle.from_json(sigstore.bundle(CLAIM, at=at))

    assert bundle.signing_certificate.not_valid_before_utc == at
    assert verifier(sigstore, tmp_path).verify_dsse(bundle, policy.OIDCIssuerV2(Identity().issuer))


def test_a_pypi_provenance_object_names_its_publisher_and_holds(tmp_path: Path) -> None:
    sigstore = Sigstore()

    provenance = Provenance.model_validate_json(pypi_provenance(sigstore, "weather-1.0.tar.gz", "cd" * 32))

    (bundle,) = provenance.attestation_bundles
    signed = bundle.attestations[0].to_bundle()
    demanded = bundle.publisher._as_policy()  # noqa: SLF001 - the library's own binding of publisher and certificate
    assert verifier(sigstore, tmp_path).verify_dsse(signed, demanded)


def test_npm_and_github_answers_have_the_shape_of_their_endpoints() -> None:
    sigstore, keys = Sigstore(), NpmKeys()

    npm = json.loads(npm_attestations(sigstore, keys, "@example/weather", "1.0.0", "ef" * 64))
    github = json.loads(github_attestations(sigstore, "weather.tgz", "ab" * 32))

    publish, provenance = npm["attestations"]
    assert publish["bundle"]["verificationMaterial"]["publicKey"]["hint"] == keys.keyid
    assert "certificate" in provenance["bundle"]["verificationMaterial"]
    assert "dsseEnvelope" in github["attestations"][0]["bundle"]
