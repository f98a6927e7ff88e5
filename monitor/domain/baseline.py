"""What a new version is measured by: the approved one, and the line that it belongs to.

A line is a major version, pre-releases apart. A release is measured in the order of publication, never of version numbers: a backport on an
old major by its own line, and an early version by none but early ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.domain.candidate import by_publication
from monitor.domain.provenance import Form, Publisher, Verdict, Verification
from monitor.domain.release import KnownRelease, Release
from monitor.domain.server import Approval
from monitor.domain.snapshot import Looked, Snapshot
from monitor.domain.unknown import Unknown
from monitor.domain.version_range import is_prerelease, same_line

VOUCHING = (Form.PYPI_PROVENANCE, Form.NPM_ATTESTATIONS, Form.GITHUB_ATTESTATION, Form.SIGSTORE_BUNDLE)
"""The forms in which a publisher vouches for a file; a registry's own signature or digest is none of them."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """The version that a release is measured by. `own_line` is false where the release begins a line."""

    version: str
    attested: bool
    publishers: tuple[Publisher, ...]
    """Who built its files, as verified; empty where it was not verified."""
    partly: frozenset[str]
    """The kinds of its files that nobody vouches for although others are vouched for."""
    own_line: bool


def baseline(snapshot: Snapshot, release: Release) -> Baseline | None:
    """Return what the release is measured by; None: nothing is comparable, or nothing was ever attested or approved."""
    looked = snapshot.package
    if isinstance(looked, Unknown):
        return None
    known = predecessor(snapshot.approval, looked, release)
    if known is None:
        return None
    claims = () if isinstance(snapshot.verifications, Unknown) else snapshot.verifications.get(known.release.purl, ())
    return Baseline(
        version=known.release.version,
        attested=attested(known.release, claims),
        publishers=tuple(dict.fromkeys(claim.publisher for claim in claims if claim.publisher)),
        partly=unattested_kinds(claims),
        own_line=same_line(release.purl.type, known.release.version, release.version),
    )


def predecessor(approval: Approval | None, looked: Looked, release: Release) -> KnownRelease | None:
    """Return the release that another one is measured by.

    The approved one where it is of the same line; else the one of that line that was published last before it; else, for the first
    release of a new line, the approved one. A pre-release is measured only by its own line.
    """
    approved = looked.known.get(approval.pin.purl.version or "") if approval else None
    kind = release.purl.type
    if (
        approved
        and approved.release.version != release.version
        and same_line(kind, approved.release.version, release.version)
    ):
        return approved
    own = looked.known.get(release.version)
    line = [
        known
        for version, known in looked.known.items()
        if version != release.version and same_line(kind, version, release.version)
    ]
    before = [known for known in line if own is None or by_publication(known) < by_publication(own)]
    if before:
        return max(before, key=by_publication)
    if approved is None or approved.release.version == release.version or is_prerelease(kind, release.version):
        return None
    return approved


def attested(release: Release, claims: Sequence[Verification]) -> bool:
    """Whether somebody vouched for a release: as verified, else as its registry announced."""
    if any(claim.verdict is Verdict.VERIFIED and claim.publisher for claim in claims):
        return True
    return not claims and any(artifact.attestation_url for artifact in release.artifacts)


def unattested_kinds(claims: Sequence[Verification]) -> frozenset[str]:
    """Return the kinds of files (`wheel`, `sdist`, …) that nobody vouches for, where others of the same release are vouched for."""
    vouching = [claim for claim in claims if claim.form in VOUCHING]
    held = {claim.filename for claim in vouching if claim.verdict is Verdict.VERIFIED}
    bare = {claim.filename for claim in vouching if claim.verdict in (Verdict.UNATTESTED, Verdict.LOST)} - held
    return frozenset(kind_of(filename) for filename in bare) if held else frozenset()


def kind_of(filename: str) -> str:
    """`wheel`, `sdist`, or the file's ending."""
    if filename.endswith(".whl"):
        return "wheel"
    if filename.endswith((".tar.gz", ".tgz", ".zip")):
        return "sdist"
    return filename.rpartition(".")[2]
