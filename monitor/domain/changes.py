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
    before: Digest | None  # None: the file did not exist when the version was first seen, or had no digest
    after: Digest | None  # None: its source announces no digest of it (any more)


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


def diff(known: Mapping[str, KnownRelease], listing: Listing, *, first_look: bool = False) -> Changes:
    """Compare by version text: "new" is a set difference, and nothing is ordered. `known` is by version.

    A package that was looked at and had no release is known to have none: its first release is news.
    """
    listed = {release.version: release for release in listing.releases}
    gone = tuple(was for version, was in known.items() if version not in listed) if listing.complete else ()
    republished = tuple(
        change
        for version, release in listed.items()
        if version in known
        for change in _republished(known[version].release, release)
    )
    return Changes(
        first_look=first_look,
        new=() if first_look else tuple(release for version, release in listed.items() if version not in known),
        gone=gone,
        republished=republished,
        reset=len(gone) >= RESET_COUNT and len(gone) > RESET_SHARE * len(known),
    )


def _republished(was: Release, now: Release) -> list[Republished]:
    """Compare file by file. A file that vanished from a release is not republished; a registry may delete single files."""
    before = {artifact.filename: artifact.digest for artifact in was.artifacts}
    changes = [
        Republished(now.version, artifact.filename, before.get(artifact.filename), artifact.digest)
        for artifact in now.artifacts
        if before and (artifact.filename not in before or _other(before[artifact.filename], artifact.digest))
    ]
    if was.commit and now.commit and was.commit != now.commit:
        changes.append(Republished(now.version, "tag", was.commit, now.commit))
    return changes


def _other(before: Digest | None, after: Digest | None) -> bool:
    """A digest that is withdrawn is a change. One of another algorithm is not comparable; the file is downloaded again and compared."""
    if before is None or after is None:
        return before is not None
    return before.algorithm == after.algorithm and before != after
