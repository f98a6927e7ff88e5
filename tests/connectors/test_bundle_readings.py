"""A bundle is read by us and by sigstore-python, a certificate's claims by a shortcut: no reading of one alone is believed."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.asn1 import decode_der, encode_der
from hypothesis import given
from hypothesis import strategies as st

from connectors._sigstore.fulcio import text_of
from monitor.domain.provenance import Attestation, Form, Verdict
from tests.hostile import SUBJECTS, Signed, signed


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    return signed(tmp_path_factory.mktemp("roots"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Another signer's certificate, as it stands in a bundle."""
    folder: Path = tmp_path_factory.mktemp("other")
    return certificate(signed(folder).documents[Form.GITHUB_ATTESTATION])


def certificate(document: bytes) -> str:
    text = json.loads(document)["attestations"][0]["bundle"]["verificationMaterial"]["certificate"]["rawBytes"]
    return str(text)


def verdicts(world: Signed, document: str) -> list[Verdict]:
    form = Form.GITHUB_ATTESTATION
    attestation = Attestation(form, document.encode(), "https://registry.example/a")
    return [each.verdict for each in world.verifier.verify(SUBJECTS[form], [attestation])]


@pytest.mark.parametrize("spelling", ["raw_bytes", "rawBytes"])
def test_a_second_certificate_in_a_bundle_is_not_overlooked(world: Signed, stranger: str, spelling: str) -> None:
    good = world.documents[Form.GITHUB_ATTESTATION]
    own = json.dumps(certificate(good))
    two = good.decode().replace(own, f'{own}, "{spelling}": "{stranger}"')

    found = verdicts(world, two)

    assert found == [Verdict.INVALID]


def test_an_attestation_that_cannot_be_read_costs_only_itself(world: Signed) -> None:
    (good,) = json.loads(world.documents[Form.GITHUB_ATTESTATION])["attestations"]

    found = verdicts(world, json.dumps({"attestations": [good, {"bundel": 1}, 7, good]}))

    assert found == [Verdict.VERIFIED, Verdict.INVALID, Verdict.INVALID, Verdict.VERIFIED]


@given(st.text(max_size=300))
def test_a_claim_is_read_as_the_library_reads_it(text: str) -> None:
    assert text_of(encode_der(text)) == text


@given(st.binary(max_size=200) | st.binary(max_size=140).map(lambda body: b"\x0c" + bytes([len(body)]) + body))
def test_what_the_library_does_not_read_as_a_claim_is_none(der: bytes) -> None:
    try:
        expected: str | None = decode_der(str, der)
    except ValueError:
        expected = None

    try:
        said: str | None = text_of(der)
    except ValueError:
        said = None

    assert said == expected
