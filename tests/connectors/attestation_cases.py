"""The corpus of attestations as questions to the verifier: a subject, a document, the roots to trust, and what the caller demands."""

import json
from dataclasses import dataclass
from pathlib import Path

import msgspec

from connectors import sigstore_bundle
from monitor.domain.provenance import Attestation, Form, Publisher, Subject, Verdict, Verification
from monitor.domain.purl import Purl
from monitor.domain.release import Digest
from monitor.ports.errors import Malformed
from monitor.ports.sources import Verifier
from tests import corpus

KINDS = {
    "https://slsa.dev/provenance/v1": "build",
    "https://slsa.dev/provenance/v0.2": "build",
    "https://in-toto.io/attestation/release/v0.2": "release",
}
"""Predicate type -> the word in which the verifier says it."""


class About(msgspec.Struct):
    """What a case asks about."""

    digest: dict[str, str]
    name: str | None = None
    version: str | None = None
    filename: str | None = None


class Demands(msgspec.Struct):
    """What a case's caller demands of the signer; absent: nothing."""

    issuer: str | None = None
    san: str | None = None
    repository: str | None = None
    workflow: str | None = None
    ref: str | None = None
    trigger: str | None = None
    signer_workflow: str | None = None
    tag: str | None = None


class Case(msgspec.Struct):
    """One `case.json`."""

    id: str
    kind: str
    subject: About
    expected: str
    expected_reason: str
    trust_root: str
    files: dict[str, str]
    identity: Demands = msgspec.field(default_factory=Demands)
    predicate_type: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a case: it passes, or it does not and `why`."""

    passes: bool
    why: str


def case(identifier: str) -> Case:
    """Read one case."""
    (folder,) = corpus.path("attestations").glob(f"cases/*/{identifier}")
    return msgspec.json.decode((folder / "case.json").read_bytes(), type=Case)


def answer(question: Case) -> Answer:
    """Ask the verifier, and hold the publisher that it names against the caller's demands."""
    try:
        found = ask(question)
    except Malformed as error:
        return Answer(passes=False, why=f"root refused: {error}")
    why = "; ".join(f"{one.verdict.value} {one.reason}: {one.detail}" for one in found)
    return Answer(passes=_passes(question, found), why=why)


def ask(question: Case) -> tuple[Verification, ...]:
    """Ask the verifier that trusts the case's root. Raises `Malformed` for a root that is none."""
    folder = corpus.path(f"attestations/cases/{question.kind}/{question.id}")
    subject, attestation = document(question, folder)
    return _verifier(question, folder).verify(subject, [attestation])


def _passes(question: Case, found: tuple[Verification, ...]) -> bool:
    """Tell whether what the case asks for was verified: the wanted claim of npm's two, else every one."""
    wanted = {"npm-provenance": "provenance", "npm-publish": "publish attestation"}.get(question.kind, "")
    relevant = [one for one in found if one.detail.startswith(wanted)]
    return bool(relevant) and all(
        one.verdict is Verdict.VERIFIED
        and (question.predicate_type is None or KINDS[question.predicate_type] == one.reason)
        and (one.publisher is None or satisfied(question.identity, one.publisher))
        for one in relevant
    )


def satisfied(demands: Demands, publisher: Publisher) -> bool:
    """Compare every demand with the publisher's claims."""
    host = "https://gitlab.com" if publisher.issuer == "https://gitlab.com" else "https://github.com"
    pairs = [
        (demands.issuer, publisher.issuer),
        (demands.repository and f"{host}/{demands.repository}", publisher.repository),
        (demands.workflow, publisher.workflow.rpartition("/")[2]),
        (demands.ref, publisher.ref),
        (demands.trigger, publisher.trigger),
        (demands.signer_workflow and f"{host}/{demands.signer_workflow}", publisher.signer),
        (demands.tag and f"refs/tags/{demands.tag}", publisher.ref),
        (demands.san and demands.san.removesuffix(f"@{publisher.ref}"), publisher.signer),
    ]
    if demands.san and demands.san.startswith("https://"):
        # A reusable workflow's own ref is no part of the claims; the workflow is.
        pairs[-1] = (demands.san.rpartition("@")[0] or demands.san, publisher.signer)
    return all(demanded in {None, said} for demanded, said in pairs)


def root(question: Case, folder: Path) -> Path:
    """Return the trusted root of the case."""
    name = question.trust_root
    if name.startswith("custom:"):
        return folder / name.removeprefix("custom:")
    name = "sigstore-public-good" if name == "npm-keys" else name
    return corpus.path(f"attestations/roots/{name}.trusted_root.json")


def _verifier(question: Case, folder: Path) -> Verifier:
    """Build a verifier that trusts the root of the case and no other."""
    only = root(question, folder)
    keys = folder / question.files["keys"] if "keys" in question.files else None
    return sigstore_bundle.build(public_good=only, github=only, npm_keys=keys)


def document(question: Case, folder: Path) -> tuple[Subject, Attestation]:
    """Return what the verifier is asked about, and the document in the form in which the connectors hand it over."""
    about = question.subject
    filename = about.filename or f"{about.name}.tgz"
    digests = {algorithm: Digest(algorithm, text) for algorithm, text in about.digest.items()}

    def read(role: str) -> bytes:
        return (folder / question.files[role]).read_bytes()

    match question.kind:
        case "pypi-provenance":
            purl = Purl.pypi(about.name or "", about.version)
            form, raw = Form.PYPI_PROVENANCE, read("provenance")
        case "npm-signature":
            purl = Purl.npm(about.name or "", about.version)
            form, raw = Form.NPM_SIGNATURE, _signatures(read("packument"))
        case "npm-provenance" | "npm-publish":
            purl = Purl.npm(about.name or "", about.version)
            form, raw = Form.NPM_ATTESTATIONS, read("attestations")
        case _:
            repository = question.identity.repository or "example/example"
            purl = Purl.github(repository, question.identity.tag or about.version)
            form, raw = Form.GITHUB_ATTESTATION, _listed(read("bundle"))
    return Subject(purl, filename, digests), Attestation(form, raw, "https://registry.example/attestations")


def _signatures(packument: bytes) -> bytes:
    """Take from the package document what npm's connector takes."""
    fields = json.loads(packument)
    ((version, published),) = fields["versions"].items()
    dist = published["dist"]
    document = {
        "integrity": dist.get("integrity"),
        "published_at": (fields.get("time") or {}).get(version),
        "signatures": dist.get("signatures"),
    }
    return json.dumps(document).encode()


def _listed(bundles: bytes) -> bytes:
    """Put bundles, one or one on each line, into the shape of GitHub's answer."""
    whole = bundles.strip()
    try:
        json.loads(whole)
    except ValueError:
        lines = whole.split(b"\n")  # an empty file is one empty line, and no JSON
    else:
        lines = [whole]
    return b'{"attestations": [' + b",".join(b'{"bundle": ' + line + b"}" for line in lines) + b"]}"
