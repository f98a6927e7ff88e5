"""241 attestations, real ones and forgeries of them, each with the verdict that a correct verifier reaches."""

from collections import Counter
from contextlib import suppress
from dataclasses import replace

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from connectors._sigstore import anchors, check, forms, trust_root
from connectors._sigstore.claim import Trust
from connectors._sigstore.refusal import Refused
from connectors._sigstore.shape import parse
from monitor.domain.provenance import Verdict
from monitor.ports.errors import Malformed
from tests import corpus
from tests.connectors.attestation_cases import Case, answer, ask, case, document, root

MANAGED_KEY = {
    "sb-managed-key-and-trusted-root",
    "sb-managed-key-happy-path",
    "sb-managed-key-no-key",
    "sb-managed-key-wrong-key",
}
"""Signed by somebody's own key, of which no registry and no forge tells: a question to the steps, not to the verifier."""


class Line(msgspec.Struct):
    """A line of the index."""

    id: str


INDEX = msgspec.json.decode(corpus.path("attestations/index.json").read_bytes(), type=list[Line])


@pytest.mark.parametrize("identifier", [line.id for line in INDEX if line.id not in MANAGED_KEY])
def test_the_verifier_decides_the_case_as_a_correct_one_does(identifier: str) -> None:
    question = case(identifier)

    decided = answer(question)

    assert decided.passes == (question.expected == "pass"), f"{question.expected_reason}; decided: {decided.why}"


@pytest.mark.parametrize("identifier", sorted(MANAGED_KEY))
def test_a_bundle_by_a_key_holds_under_that_key_alone(identifier: str) -> None:
    question = case(identifier)

    assert holds(question) == (question.expected == "pass"), question.expected_reason


def holds(question: Case) -> bool:
    folder = corpus.path(f"attestations/cases/{question.kind}/{question.id}")
    file, raw = trust_root.read("case", root(question, folder))
    loaded = anchors.load(file, trust_root.sigstore_root(file, raw), raw)
    bundle = parse((folder / question.files["bundle"]).read_bytes())
    try:
        key = load_pem_public_key((folder / question.files["key"]).read_bytes())
        check.by_key(bundle, key, loaded, sha256=bytes.fromhex(question.subject.digest["sha256"]))
    except (KeyError, ValueError, Refused):  # no key, no usable key, or not its signature
        return False
    return True


@pytest.mark.parametrize("identifier", [line.id for line in INDEX if line.id not in MANAGED_KEY])
def test_the_steps_alone_decide_as_they_do_with_the_library(identifier: str) -> None:
    """The library takes steps 4 to 8 where it can; taken here they must end the same, or the steps are wrong where it cannot."""
    question = case(identifier)

    alone = verified_by_steps(question)

    if alone is not None:
        assert alone == sorted(one.detail.partition(":")[0] for one in ask(question) if one.verdict is Verdict.VERIFIED)


def verified_by_steps(question: Case) -> list[str] | None:
    """Return the names of the claims that hold without the library; None where there is no root to ask with."""
    folder = corpus.path(f"attestations/cases/{question.kind}/{question.id}")
    subject, attestation = document(question, folder)
    file, raw = trust_root.read("case", root(question, folder))
    keys = corpus.path("attestations/roots/npm-keys.registry.json")
    if "keys" in question.files:
        keys = folder / question.files["keys"]
    npm, npm_raw = trust_root.read("npm", keys)
    held: list[str] = []
    try:
        loaded = replace(anchors.load(file, trust_root.sigstore_root(file, raw), raw), library=None)
        trust = Trust(loaded, loaded, npm, trust_root.npm_keys(npm, npm_raw))
        claims = forms.claims(attestation, subject, trust)
    except Malformed:
        return None
    except Refused:
        return held
    for claim in claims:
        with suppress(Refused):
            claim.decide()
            held.append(claim.name)
    return sorted(held)


def test_every_kind_of_case_is_asked() -> None:
    kinds = Counter(case(line.id).kind for line in INDEX)

    assert kinds == {
        "github-attestation": 44,
        "npm-provenance": 35,
        "npm-publish": 23,
        "npm-signature": 31,
        "pypi-provenance": 40,
        "sigstore-bundle": 68,
    }
