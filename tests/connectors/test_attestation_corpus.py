"""241 attestations, real ones and forgeries of them, each with the verdict that a correct verifier reaches."""

from collections import Counter
from contextlib import suppress
from dataclasses import replace

import pytest

from connectors._sigstore import anchors, forms, trust_root
from connectors._sigstore.claim import Trust
from connectors._sigstore.refusal import Refused
from connectors._sigstore.shape import Work
from monitor.domain.provenance import Verdict
from monitor.ports.errors import Malformed
from tests import corpus
from tests.connectors.attestation_cases import Case, ask, case, document, root
from tests.connectors.verify_corpus import MANAGED_KEY, decide, identifiers, table

CASES = identifiers()


@pytest.mark.parametrize("identifier", CASES)
def test_the_case_is_decided_as_a_correct_verifier_does(identifier: str) -> None:
    decided = decide(identifier)

    assert not decided.deviates, str(decided)


def test_the_table_counts_each_kind_and_tells_each_deviation() -> None:
    good = decide(CASES[0])
    bad = replace(good, answer=replace(good.answer, passes=not good.answer.passes))

    lines = list(table([good, bad]))

    assert [line.split()[0] for line in lines] == ["kind", good.question.kind, "all", "DEVIATION"]
    assert (lines[-2].split()[1], lines[-2].split()[-1]) == ("2", "1")


@pytest.mark.parametrize("identifier", [each for each in CASES if each not in MANAGED_KEY])
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
            claim.decide(Work())
            held.append(claim.name)
    return sorted(held)


def test_every_kind_of_case_is_asked() -> None:
    kinds = Counter(case(each).kind for each in CASES)

    assert kinds == {
        "github-attestation": 44,
        "npm-provenance": 35,
        "npm-publish": 23,
        "npm-signature": 31,
        "pypi-provenance": 40,
        "sigstore-bundle": 68,
    }
