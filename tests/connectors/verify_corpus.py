"""Decides the whole corpus of attestations and prints, for each kind, how many cases end as they should; `make verify-corpus` runs it.

A case that should fail may end in "cannot tell"; one that should pass may not.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from connectors._sigstore import anchors, check, trust_root
from connectors._sigstore.refusal import Refused
from connectors._sigstore.shape import Work, parse
from tests import corpus
from tests.connectors.attestation_cases import Answer, Case, answer, case, root

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


@dataclass(frozen=True, slots=True)
class Decided:
    """A case and what became of it."""

    question: Case
    answer: Answer

    @property
    def deviates(self) -> bool:
        """Whether a correct verifier would have ended otherwise."""
        return self.answer.passes != (self.question.expected == "pass")

    @property
    def cannot_tell(self) -> bool:
        """Whether the verifier said that it does not know."""
        return not self.answer.passes and self.answer.why.startswith("unsupported")

    def __str__(self) -> str:
        """One line for a person."""
        question = self.question
        return f"{question.id}: expected {question.expected} ({question.expected_reason}); decided: {self.answer.why}"


def identifiers() -> list[str]:
    """Return the cases' names. Skips where there is no corpus."""
    index = msgspec.json.decode(corpus.path("attestations/index.json").read_bytes(), type=list[Line])
    return [line.id for line in index]


def decide(identifier: str) -> Decided:
    """Decide one case."""
    question = case(identifier)
    return Decided(question, by_its_key(question) if identifier in MANAGED_KEY else answer(question))


def by_its_key(question: Case) -> Answer:
    """Take the steps of a bundle by a key, with the key that the case brings."""
    folder = corpus.path(f"attestations/cases/{question.kind}/{question.id}")
    file, raw = trust_root.read("case", root(question, folder))
    loaded = anchors.load(file, trust_root.sigstore_root(file, raw), raw)
    bundle = parse((folder / question.files["bundle"]).read_bytes(), Work())
    try:
        key = load_pem_public_key((folder / question.files["key"]).read_bytes())
        check.by_key(bundle, key, loaded, sha256=bytes.fromhex(question.subject.digest["sha256"]))
    except (KeyError, ValueError, Refused) as error:  # no key, no usable key, or not its signature
        return Answer(passes=False, why=f"invalid: {error}")
    return Answer(passes=True, why="verified")


def table(decided: list[Decided]) -> Iterator[str]:
    """A line for each kind, one for all, and one for each deviation."""
    yield f"{'kind':<20}{'cases':>7}{'pass':>7}{'fail':>7}{'cannot tell':>13}{'deviations':>12}"
    kinds = sorted({each.question.kind for each in decided})
    for kind in [*kinds, "all"]:
        of_kind = [each for each in decided if kind in {each.question.kind, "all"}]
        passed, unsure = sum(each.answer.passes for each in of_kind), sum(each.cannot_tell for each in of_kind)
        failed, deviating = len(of_kind) - passed - unsure, sum(each.deviates for each in of_kind)
        yield f"{kind:<20}{len(of_kind):>7}{passed:>7}{failed:>7}{unsure:>13}{deviating:>12}"
    yield from (f"DEVIATION {each}" for each in decided if each.deviates)


def main() -> int:
    """Print the table; 1 for a deviation, 0 with a line that says so where there is no corpus."""
    try:
        decided = [decide(identifier) for identifier in identifiers()]
    except pytest.skip.Exception as absent:
        print(absent.msg)  # noqa: T201 - a program's output
        return 0
    print("\n".join(table(decided)))  # noqa: T201 - as above
    return int(any(each.deviates for each in decided))


if __name__ == "__main__":
    sys.exit(main())
