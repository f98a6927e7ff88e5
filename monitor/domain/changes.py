"""The difference between what we knew of a package and what its source says now."""

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.domain.release import Digest, KnownRelease, Listing, Release

RESET_COUNT = 3
RESET_SHARE = 0.5
"""At least this many, and more than this share, gone at once: the source was reset, or lies. Hold, and ask a person."""


@dataclass(frozen=True, slots=True)
class Republished:
    """The same version with other bytes: a file that changed or was added after the fact, or a tag that moved."""

    version: str
    what: str
    """The file's name, or "tag"."""
    before: Digest | None  # None: the file did not exist when the version was first seen
    after: Digest


@dataclass(frozen=True, slots=True)
class Changes:
    """The diff of what is known and what is listed. All of it is derived anew each time, so that it stays while it is true."""

    first_look: bool
    new: tuple[Release, ...]
    """Listed and not known. On the first look everything is a baseline and nothing is new."""
    gone: tuple[KnownRelease, ...]
    """Known and not listed."""
    republished: tuple[Republished, ...]
    reset: bool = False
    """Whether so much is gone at once that the source itself is in doubt."""


def diff(known: Mapping[str, KnownRelease], listing: Listing) -> Changes:
    """Compare by version text: "new" is a set difference, and nothing is ordered. `known` is by version."""
    listed = {release.version: release for release in listing.releases}
    gone = tuple(was for version, was in known.items() if version not in listed) if listing.complete else ()
    republished = tuple(
        change
        for version, release in listed.items()
        if version in known
        for change in _republished(known[version].release, release)
    )
    return Changes(
        first_look=not known,
        new=tuple(release for version, release in listed.items() if known and version not in known),
        gone=gone,
        republished=republished,
        reset=len(gone) >= RESET_COUNT and len(gone) > RESET_SHARE * len(known),
    )


def _republished(was: Release, now: Release) -> list[Republished]:
    """A file that vanished from a release is not republished; a registry may delete single files."""
    before = was.digests
    changes = [
        Republished(now.version, filename, before.get(filename), digest)
        for filename, digest in now.digests.items()
        if before and before.get(filename) != digest and _comparable(before.get(filename), digest)
    ]
    if was.commit and now.commit and was.commit != now.commit:
        changes.append(Republished(now.version, "tag", was.commit, now.commit))
    return changes


def _comparable(before: Digest | None, after: Digest) -> bool:
    """A source that changes its algorithm says nothing about the bytes."""
    return before is None or before.algorithm == after.algorithm
