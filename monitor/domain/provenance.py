"""Who vouches for a file, and whether that holds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitor.domain.purl import Purl
from monitor.domain.release import Digest


@dataclass(frozen=True, slots=True)
class Publisher:
    """Claims read from a verified signing certificate (Fulcio's extensions 1.3.6.1.4.1.57264.1.*).

    Empty text: the certificate does not say. `workflow` is without its `@ref`.
    The numeric ids survive renames and expose re-registered names.
    """

    issuer: str
    repository: str  # https://github.com/owner/name
    workflow: str = ""  # .github/workflows/release.yml
    ref: str = ""  # refs/tags/v1.2.3
    trigger: str = ""  # push, release, workflow_dispatch, …
    runner_environment: str = ""  # github-hosted, self-hosted
    repository_id: str = ""
    owner_id: str = ""
    signer: str = ""  # who signed: an e-mail address, or the workflow's address where that may be another repository's reusable one


class Form(StrEnum):
    """The shapes in which the world vouches for files; `Attestation.document` is a document of this form."""

    REGISTRY_DIGEST = "registry-digest"
    """The digest in the registry's own answer. Not an attestation: decided by comparison after the download."""
    PYPI_PROVENANCE = "pypi-provenance"
    """PEP 740 provenance object of one file, from the integrity API."""
    NPM_ATTESTATIONS = "npm-attestations"
    """`{"attestations": [{predicateType, bundle}]}` of one version: the registry's publish attestation and the builder's provenance."""
    NPM_SIGNATURE = "npm-signature"
    """`{"integrity": "...", "published_at": "<ISO 8601>" | null, "signatures": [{keyid, sig}]}` taken from the package document."""
    GITHUB_ATTESTATION = "github-attestation"
    """`{"attestations": [{bundle}]}` of one digest, from GitHub's attestation API."""
    SIGSTORE_BUNDLE = "sigstore-bundle"
    """A sigstore bundle that lies beside the file in its release, as it is: one, or one on each line."""
    CHECKSUMS = "checksums"
    """A checksum file of the release, as it is: signed by nobody, the weakest evidence."""


DIGEST_FORMS = frozenset({Form.REGISTRY_DIGEST, Form.CHECKSUMS})
"""Digests that somebody wrote down and nobody signed: they agree with the bytes or they do not, and vouch for nothing."""


@dataclass(frozen=True, slots=True)
class Attestation:
    """A signed, not yet verified document about one file."""

    form: Form
    document: bytes
    url: str


@dataclass(frozen=True, slots=True)
class Subject:
    """The file that was really downloaded: what every claim must be about."""

    purl: Purl
    filename: str
    digests: Mapping[str, Digest]
    """Algorithm -> digest of the downloaded bytes: sha256, sha512 and sha1."""


class Verdict(StrEnum):
    """What is known about one claim, worst first."""

    INVALID = "invalid"
    """Forged, or about something else: the signature, a binding or a digest does not hold."""
    LOST = "lost"
    """This line was attested, two sources agree that this version is not."""
    UNAVAILABLE = "unavailable"
    """Announced, or expected, and could not be had."""
    UNSUPPORTED = "unsupported"
    """There is one, of a shape or under a root that this program cannot decide: cannot tell."""
    UNATTESTED = "unattested"
    """The source says that nobody vouches for this file."""
    VERIFIED = "verified"


@dataclass(frozen=True, slots=True)
class Verification:
    """One decided claim about one file. `detail` is a sentence for the reviewer; `reason` one stable word for grouping."""

    purl: Purl
    filename: str
    form: Form
    verdict: Verdict
    reason: str
    detail: str
    publisher: Publisher | None = None  # None: the claim names no publisher, or was not verified
    root: str = ""
    """The trust root that decided: its name and date."""
    digests: tuple[Digest, ...] = ()
    """Of the bytes that were judged (for a registry's digest: of those that were judged first); empty where none could be had."""
    announced: str = ""
    """Names what the source announced, and under which roots it was judged: where that changes, the file is judged again."""
    document: str = ""
    """sha256 of the raw document that makes the claim; empty where no document does: a digest compared, an absence, a failure to ask."""
    url: str = ""
    """Where the document came from."""


@dataclass(frozen=True, slots=True)
class TrustRoot:
    """A file by which signatures are judged: where it is, and of which day. `origin`: configured, refreshed or shipped."""

    name: str
    path: str
    dated: datetime
    origin: str = ""
    sha256: str = ""
    """Of the file; empty where nobody has read it."""


def worst(verifications: Iterable[Verification]) -> Verdict | None:
    """Sum up a version in one word; None where nothing was looked at.

    The worst file decides. In a file, one claim that fails decides; a claim that could not be had or told comes next.
    A file is verified when somebody vouches for it: a digest that agrees with its own registry, or with a file beside it, proves the
    transport and nothing more.
    """
    files: dict[str, set[Verdict]] = {}
    for claim in verifications:
        if claim.form not in DIGEST_FORMS or claim.verdict is not Verdict.VERIFIED:
            files.setdefault(claim.filename, set()).add(claim.verdict)
    summed = {_worst_of_file(verdicts) for verdicts in files.values()}
    return next((verdict for verdict in Verdict if verdict in summed), None)


def _worst_of_file(verdicts: set[Verdict]) -> Verdict:
    if verdicts == {Verdict.UNATTESTED, Verdict.VERIFIED}:
        return Verdict.VERIFIED
    return next(verdict for verdict in Verdict if verdict in verdicts)
