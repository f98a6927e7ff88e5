"""Our verifier beside bare sigstore-python: the same bundles, in the same process, in turns.

Bare is what somebody writes who wants the same answer: read the bundle, demand issuer and repository of the certificate, verify, read the
statement, compare the digest of its subject. The verifier and its root are made once, on both sides.
"""

import json
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sigstore.errors import Error
from sigstore.hashes import Hashed
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier as Library
from sigstore.verify import policy
from sigstore_models.common.v1 import HashAlgorithm

from connectors import sigstore_bundle
from monitor.domain.provenance import Attestation, Publisher, Subject, Verdict
from tests import corpus
from tests.connectors.attestation_cases import case, document, root
from tests.connectors.verify_corpus import MANAGED_KEY, identifiers
from tests.hostile import SUBJECTS, signed

ROUNDS = 150
SECONDS = 3.0
"""For each number of processes."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The same bundle, decided by us and by the bare library."""

    name: str
    ours: Callable[[], object]
    bare: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Speed:
    """Medians in seconds of CPU time."""

    name: str
    ours: float
    bare: float

    @property
    def ratio(self) -> float:
        """How many of ours are done in the time of one bare verification."""
        return self.bare / self.ours


def pairs(folder: Path) -> list[Pair]:
    """Return what both sides verify: of the corpus where it is present, else what the tests' own signing world makes."""
    try:
        found = [_of_corpus(each) for each in identifiers() if each not in MANAGED_KEY]
    except pytest.skip.Exception:
        found = []
    return [each for each in found if each] or _of_world(folder)


def measured(pair: Pair) -> Speed:
    """Run both in turns, each first as often as the other, so that whatever else the machine does meets both."""
    ours, bare = [], []
    for _ in range(ROUNDS // 2):
        ours.append(_timed(pair.ours))
        bare.append(_timed(pair.bare))
        bare.append(_timed(pair.bare))
        ours.append(_timed(pair.ours))
    return Speed(pair.name, statistics.median(ours), statistics.median(bare))


def rate(processes: int) -> float:
    """Return verifications a second by ours, in so many processes at once."""
    context = multiprocessing.get_context("spawn")
    begin = context.Barrier(processes)
    done = context.Queue()
    started = [context.Process(target=_work, args=(begin, done)) for _ in range(processes)]
    for process in started:
        process.start()
    rates = [float(done.get()) for _ in started]
    for process in started:
        process.join()
    return sum(rates)


def _work(begin: object, done: object) -> None:
    with tempfile.TemporaryDirectory() as folder:
        every = [pair.ours for pair in pairs(Path(folder))]
        begin.wait()  # type: ignore[attr-defined]  # a barrier of the context
        count, end, now = 0, time.perf_counter() + SECONDS, time.perf_counter()
        began = now
        while now < end:
            for one in every:
                one()
            count += len(every)
            now = time.perf_counter()
        done.put(count / (now - began))  # type: ignore[attr-defined]  # a queue of the context


def _timed(run: Callable[[], object]) -> float:
    """Return CPU seconds: waiting for a processor that others use is no cost of either."""
    began = time.thread_time()
    run()
    return time.thread_time() - began


def _of_corpus(identifier: str) -> Pair | None:
    """None: the library does not support the case, or it is not one that holds."""
    question = case(identifier)
    if question.expected != "pass" or question.kind not in {"github-attestation", "npm-provenance", "sigstore-bundle"}:
        return None
    folder = corpus.path(f"attestations/cases/{question.kind}/{question.id}")
    subject, attestation = document(question, folder)
    listed = json.loads(attestation.document)["attestations"]
    wanted = [each for each in listed if "slsa" in each.get("predicateType", "slsa")]
    if len(wanted) != 1:
        return None
    only = json.dumps({"attestations": wanted}).encode()
    attestation = Attestation(attestation.form, only, attestation.url)
    return _pair(question.id, root(question, folder), subject, attestation, json.dumps(wanted[0]["bundle"]).encode())


def _of_world(folder: Path) -> list[Pair]:
    world = signed(folder)
    found = []
    for form, raw in world.documents.items():
        if form.value in {"sigstore-bundle", "github-attestation"}:
            fields = json.loads(raw)
            bundle = json.dumps(fields["attestations"][0]["bundle"]).encode() if "attestations" in fields else raw
            attestation = Attestation(form, raw, "")
            found.append(_pair(form.value, folder / "good.2026-11-01.json", SUBJECTS[form], attestation, bundle))
    return [pair for pair in found if pair]


def _pair(name: str, path: Path, subject: Subject, attestation: Attestation, raw: bytes) -> Pair | None:
    verifier = sigstore_bundle.build(public_good=path, github=path)
    claims = verifier.verify(subject, [attestation])
    if [each.verdict for each in claims] != [Verdict.VERIFIED] or claims[0].publisher is None:
        return None
    try:
        library = Library(trusted_root=TrustedRoot.from_file(str(path)))
        demanded = _demanded(claims[0].publisher)
        _bare(library, raw, demanded, subject)
    except (Error, ValueError):
        return None
    return Pair(name, lambda: verifier.verify(subject, [attestation]), lambda: _bare(library, raw, demanded, subject))


def _demanded(publisher: Publisher) -> policy.VerificationPolicy:
    issuer = policy.AnyOf([policy.OIDCIssuerV2(publisher.issuer), policy.OIDCIssuer(publisher.issuer)])
    if not publisher.repository:
        return issuer
    return policy.AllOf([issuer, policy.OIDCSourceRepositoryURI(publisher.repository)])


def _bare(library: Library, raw: bytes, demanded: policy.VerificationPolicy, subject: Subject) -> None:
    bundle = Bundle.from_json(raw)
    ours = {digest.hex for digest in subject.digests.values()}
    if json.loads(raw).get("dsseEnvelope"):
        _, payload = library.verify_dsse(bundle, demanded)
        named = {text for each in json.loads(payload)["subject"] for text in each["digest"].values()}
        if not named & ours:
            raise ValueError("another file's")
    else:
        sha256 = bytes.fromhex(subject.digests["sha256"].hex)
        library.verify_artifact(Hashed(algorithm=HashAlgorithm.SHA2_256, digest=sha256), bundle, demanded)
