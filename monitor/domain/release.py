"""What a source says about a package: its releases, their files, and the standing of the whole."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self

from monitor.domain.purl import Purl

HEX_LENGTH = {"sha1": 40, "sha256": 64, "sha384": 96, "sha512": 128, "gitCommit": 40}


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A digest in lower-case hex. Algorithms: sha256, sha384, sha512, sha1 (npm's oldest files), gitCommit (what a tag points at)."""

    algorithm: str
    hex: str

    def __post_init__(self) -> None:
        """Refuse what is no digest of that algorithm, with ValueError."""
        lowered = self.hex.lower()
        if lowered != self.hex:
            object.__setattr__(self, "hex", lowered)
        if HEX_LENGTH.get(self.algorithm) != len(lowered) or lowered.strip("0123456789abcdef"):
            raise ValueError(f"not a {self.algorithm[:20]} digest: {self.hex[:130]!r}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `sha256:<hex>`. Raises ValueError."""
        algorithm, _, value = text.partition(":")
        return cls(algorithm, value)

    def __str__(self) -> str:
        """`algorithm:hex`."""
        return f"{self.algorithm}:{self.hex}"


@dataclass(frozen=True, slots=True)
class RegistrySignature:
    """npm's `dist.signatures` entry: the registry's signature over `name@version:integrity`; `sig` is base64 as served."""

    keyid: str
    sig: str


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file of a release, as its source announces it. Its identity is the digest."""

    filename: str
    url: str
    digest: Digest | None  # None: the source publishes no digest of this file
    size: int | None = None  # bytes; None: not announced
    attestation_url: str | None = None  # None: the source announces no attestation for this file
    signatures: tuple[RegistrySignature, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a version's own manifest says that a reviewer asks about. Every text is the publisher's, and untrusted."""

    hooks: tuple[str, ...] = ()
    """What runs when it is installed: `postinstall: node setup.js`."""
    maintainers: tuple[str, ...] = ()
    """The accounts that could publish it then."""
    published_by: str = ""
    """The account that published it; empty: the registry does not say."""
    unpacked: int | None = None  # bytes of all files together; None: not said


@dataclass(frozen=True, slots=True)
class Release:
    """One version of a package. `published_at` is upstream's claim; our own first sight stands in `KnownRelease`."""

    purl: Purl
    published_at: datetime | None  # None: the source gives no time
    artifacts: tuple[Artifact, ...]
    yanked: str | None = None  # None: not yanked; else the reason, possibly empty (untrusted text)
    deprecated: str | None = None  # None: not deprecated; else the text (untrusted)
    prerelease: bool = False  # the maintainer's own mark on GitHub; registries mark by the version itself
    commit: Digest | None = None  # what the tag points at; None: the source has no commits
    manifest: Manifest | None = None  # None: the source shows none, or it was read before this was kept

    @property
    def version(self) -> str:
        """The version's text, exactly as published."""
        return self.purl.version or ""

    @property
    def digests(self) -> Mapping[str, Digest]:
        """File name -> digest, for the files whose source publishes one."""
        return {artifact.filename: artifact.digest for artifact in self.artifacts if artifact.digest}


class Standing(StrEnum):
    """What a source says of a package as a whole."""

    ACTIVE = "active"
    ARCHIVED = "archived"
    DEPRECATED = "deprecated"
    QUARANTINED = "quarantined"
    """PyPI took it out of service, usually for malware; its file list is empty while the page stands."""
    SECURITY_HOLDER = "security-holder"
    """npm replaced it by a placeholder after removing malware."""
    UNPUBLISHED = "unpublished"
    MISSING = "missing"
    """The source knows no such package (any more)."""


@dataclass(frozen=True, slots=True)
class Listing:
    """All that one source says of one package at one time: every release, yanked ones too, in no order."""

    package: Purl
    releases: tuple[Release, ...]
    standing: Standing = Standing.ACTIVE
    standing_reason: str = ""  # untrusted text
    moved_to: str | None = None  # `owner/name`; None: the repository is where it was asked for
    identity: str | None = None  # GitHub's numeric repository id, survives renames; None: registries have none
    complete: bool = True
    """Whether what is missing from it is gone. A source that lists only its newest releases says nothing about the others."""

    def release(self, version: str) -> Release | None:
        """Return the release of exactly that version text, None where there is none."""
        return next((release for release in self.releases if release.version == version), None)


@dataclass(frozen=True, slots=True)
class KnownRelease:
    """A release as it was when we first saw it; the reference for republished bytes and moved tags, never overwritten."""

    release: Release
    first_seen_at: datetime
    baseline: bool
    """Part of the first look at its package: history, not news."""
