"""The files on a project's page (PEP 691), and the versions that their names state."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from packaging.version import InvalidVersion, Version

from connectors._edge.allowance import NAMED, Allowance
from connectors._edge.references import References
from monitor.domain.purl import Purl
from monitor.domain.release import HEX_LENGTH, Artifact, Digest
from monitor.domain.text import one_line

MAX_TEXT = 500
MAX_VERSION = 256
ARCHIVE = re.compile(r"\.(?:tar(?:\.(?:gz|bz2|xz|lz|lzma|zst|z))?|tgz|tbz2?|txz|tlz|zip)\Z")
"""What pip and uv unpack, in lower case: more than the standards allow."""
PYTHON = re.compile(r"-py[123]\.?[0-9]?\Z")
WHEEL_PARTS = (5, 6)

_NUMBER = "(?:0|[1-9][0-9]*)"
CANONICAL = re.compile(
    rf"(?:[1-9][0-9]*!)?{_NUMBER}(?:\.{_NUMBER})*(?:(?:a|b|rc){_NUMBER})?(?:\.post{_NUMBER})?(?:\.dev{_NUMBER})?"
)
"""https://packaging.python.org/en/latest/specifications/version-specifiers/, its appendix: versions that are their own normal form."""
CHARACTERS_FOR_ONE = 16
"""Of a version in an odd spelling, which takes as long to read as it is."""
RELEASE_SEGMENT = re.compile(r"[0-9.!]*[0-9]")

STRONGEST_FIRST = ("sha256", "sha512", "sha384", "sha1")
"""sha256 before all, because attestations are about it."""

_Url = Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]


class _File(msgspec.Struct, rename="kebab", gc=False):
    filename: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+!-]{0,254}\Z")]
    url: _Url
    hashes: dict[str, str] = {}
    size: Annotated[int, msgspec.Meta(ge=0)] | None = None
    upload_time: datetime | None = None
    yanked: bool | str = False
    provenance: _Url | None = None


_FILE: msgspec.json.Decoder[_File] = msgspec.json.Decoder(_File)


Spelled = tuple[str, str]
"""A version: a key that is the same for all its spellings, and how PEP 440 writes it."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file, and what is said with it about its release."""

    version: Spelled
    artifact: Artifact
    uploaded_at: datetime | None
    yanked: str | None


@dataclass(slots=True)
class Versions:
    """Reads versions as PEP 440 does. They are told apart by text: whoever writes numbers can make the hashes of `Version` collide."""

    allowance: Allowance
    _odd: dict[str, Spelled | None] = field(default_factory=dict)

    def read(self, text: str) -> Spelled | None:
        """Return the version; None: the text is none."""
        if len(text) > MAX_VERSION:
            return None
        if CANONICAL.fullmatch(text):
            return _key(text), text
        if text not in self._odd:
            self.allowance.take(NAMED + len(text) // CHARACTERS_FOR_ONE)
            self._odd[text] = _normalised(text)
        return self._odd[text]


def read_files(
    entries: list[msgspec.Raw], package: Purl, versions: Versions, references: References
) -> tuple[list[Found], int, int]:
    """The files, how many are of no release that an installer would see, and how many entries are none."""
    files: dict[str, Found] = {}
    named = re.compile("[-_.]+".join(map(re.escape, package.name.split("-"))))
    ignored = broken = 0
    for entry in entries:
        try:
            read = _FILE.decode(entry)
            stated = _stated_version(read.filename, named)
            version = None if stated is None else versions.read(stated)
            if version is None:
                ignored += 1
            elif read.filename in files:
                broken += 1  # an installer could take either
            else:
                files[read.filename] = _found(read, version, references)
        except (ValueError, OverflowError, RecursionError):  # msgspec's errors, a digest or an address that is none
            broken += 1
    return list(files.values()), ignored, broken


def _stated_version(filename: str, named: re.Pattern[str]) -> str | None:
    """The version that a file's name states; None: no installer would take it for one of this project.

    Read as pip reads it (its `package_finder.py`), which takes more names than `packaging` does, and without multiplying out the tags.
    """
    lowered = filename.lower()
    if lowered.endswith(".whl"):
        parts = filename[: -len(".whl")].split("-")
        ours = len(parts) in WHEEL_PARTS and named.fullmatch(parts[0].lower())
        return parts[1].replace("_", "-") if ours else None
    ending, name = ARCHIVE.search(lowered), named.match(lowered)
    if ending is None or name is None or not lowered.startswith("-", name.end()):
        return None
    stated = filename[name.end() + 1 : ending.start()]
    return PYTHON.sub("", stated) if "-py" in stated else stated


def _found(read: _File, version: Spelled, references: References) -> Found:
    artifact = Artifact(
        read.filename,
        references.without_fragment(read.url),
        _digest(read.hashes),
        size=read.size,
        attestation_url=None if read.provenance is None else references.resolve(read.provenance),
    )
    yanked = None if read.yanked is False else one_line("" if read.yanked is True else read.yanked, MAX_TEXT)
    return Found(version, artifact, _utc(read.upload_time), yanked)


def _digest(hashes: Mapping[str, str]) -> Digest | None:
    """The best digest that is given; None: the index gives none of a kind that is known. Raises ValueError."""
    for algorithm in STRONGEST_FIRST:
        if algorithm in hashes and algorithm in HEX_LENGTH:
            return Digest(algorithm, hashes[algorithm])
    return None


def _utc(time: datetime | None) -> datetime | None:
    """PEP 700 wants UTC; some mirrors leave the zone out."""
    if time is None or time.tzinfo is UTC:
        return time
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _normalised(text: str) -> Spelled | None:
    if text != text.strip():
        return None
    try:
        normal = str(Version(text))
    except InvalidVersion:
        return None
    return _key(normal), normal


def _key(normal: str) -> str:
    """The normal form without zeros at the end of the release segment: `1.0` and `1.0.0` are one version."""
    if ".0" not in normal:
        return normal
    release = RELEASE_SEGMENT.match(normal)
    end = len(normal) if release is None else release.end()
    kept = normal[:end].rstrip(".0")
    last = normal[len(kept) : end].partition(".")[0]  # zeros of a number that ends in them
    return kept + last + normal[end:]
