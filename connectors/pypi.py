"""Releases of Python packages from an index that serves the Simple API as JSON (PEP 691, 700, 714, 740, 792).

https://packaging.python.org/en/latest/specifications/simple-repository-api/; attestations: PEP 740.

It knows: versions, files with digests, sizes and upload times, yanks, the project's status, and which files carry an attestation.
It does not know: releases that PyPI has quarantined by themselves, or that were deleted (both just vanish), who uploaded, and when a
yank happened. A quarantined project lists nothing at all: its status says so, and nothing in it is gone.
A mirror may leave attestations out: then no file announces one, which here looks the same as files that nobody vouches for.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote, urldefrag, urljoin

import msgspec
import structlog
from packaging.version import InvalidVersion, Version

from connectors._edge.address import Address, NoAddress, allows, shown, split_credentials
from connectors._edge.http import Client, Http, NotModified
from monitor.domain.provenance import Attestation, Form
from monitor.domain.purl import Purl
from monitor.domain.release import HEX_LENGTH, Artifact, Digest, Listing, Release, Standing
from monitor.domain.text import one_line
from monitor.ports.errors import Malformed, NotFound, Unavailable
from monitor.ports.sources import Downloaded, Fresh, ReleaseSource, Unchanged, Validators

log = structlog.get_logger()

NAME = "pypi"
SIMPLE = "application/vnd.pypi.simple.v1+json"
INTEGRITY = "application/vnd.pypi.integrity.v1+json"
MAX_FILE = 512 * 2**20
"""Bytes of a file that is downloaded to be hashed."""
MAX_PROVENANCE = 8 * 2**20
MAX_TEXT = 500
MAX_VERSION = 256
ARCHIVE = re.compile(r"(?:\.tar(?:\.(?:gz|bz2|xz|lz|lzma|zst|Z))?|\.tgz|\.tbz2?|\.txz|\.tlz|\.zip)\Z", re.IGNORECASE)
"""What pip and uv unpack: more than the standards allow."""
WHEEL_PARTS = (5, 6)
NOT_ACCEPTABLE = 406
WAY_OUT = "it does not serve the Simple API as JSON (PEP 691); name an index that does in [sources.pypi] url"

STRONGEST_FIRST = ("sha256", "sha512", "sha384", "sha1")
"""sha256 before all, because attestations are about it."""

STANDINGS = {
    "active": Standing.ACTIVE,
    "archived": Standing.ARCHIVED,
    "archived-noindex": Standing.ARCHIVED,
    "quarantined": Standing.QUARANTINED,
    "deprecated": Standing.DEPRECATED,
}

_Url = Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]


class _Meta(msgspec.Struct, rename="kebab"):
    api_version: Annotated[str, msgspec.Meta(pattern=r"^1\.[0-9]{1,4}\Z")]


class _Status(msgspec.Struct):
    status: str = "active"
    reason: str | None = None  # None: none is given


class _Project(msgspec.Struct, rename="kebab"):
    meta: _Meta
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    files: list[msgspec.Raw]
    versions: list[str] = []
    project_status: _Status | str | None = None  # None: the index has no status markers


class _File(msgspec.Struct, rename="kebab"):
    filename: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+!-]{0,254}\Z")]
    url: _Url
    hashes: dict[str, str] = {}
    size: Annotated[int, msgspec.Meta(ge=0)] | None = None
    upload_time: datetime | None = None
    yanked: bool | str = False
    provenance: _Url | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A project's page. `ignored` counts the files that no installer would take, and the versions that are none."""

    listing: Listing
    ignored: int


@dataclass(frozen=True, slots=True)
class _Found:
    """A file, and what is said with it about its release."""

    version: Version
    artifact: Artifact
    uploaded_at: datetime | None
    yanked: str | None


def parse_project(body: bytes, package: Purl, url: str) -> Page:
    """Read the page of a project that came from `url`. Raises `Malformed`.

    A file's entry that is none costs itself, and the listing is then not complete: that file is not gone. Nor is it complete where two
    entries have one name, of which the first counts.
    """
    try:
        read = msgspec.json.decode(body, type=_Project)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        hint = WAY_OUT if body.lstrip()[:1] == b"<" else one_line(str(error), 200)
        raise Malformed(NAME, f"{shown(url)} is no project's page: {hint}") from error
    if Purl.pypi(read.name) != package:
        raise Malformed(NAME, f"{shown(url)} is the page of {one_line(read.name, 100)!r}")
    files, ignored, broken = _files(read.files, package, url)
    texts = {version: text for text in reversed(read.versions) if (version := _version(text)) is not None}
    by_version: dict[Version, list[_Found]] = {version: [] for version in texts}
    for file in files:
        by_version.setdefault(file.version, []).append(file)
    releases = tuple(
        _release(package.at(texts.get(version, str(version))), found) for version, found in by_version.items()
    )
    standing, reason = _standing(read.project_status)
    if not releases and standing is Standing.ACTIVE:
        raise Malformed(NAME, f"{shown(url)} lists no release that can be read, and no status says why")
    ignored += len(read.versions) - len(texts)
    return Page(Listing(package, releases, standing, reason, complete=broken == 0), ignored)


@dataclass(frozen=True, slots=True)
class PyPI:
    """The index behind a client that is bound to it."""

    _client: Client
    _index: Address
    _hosts: frozenset[str]

    @property
    def name(self) -> str:
        """`pypi`."""
        return NAME

    async def listing(self, package: Purl, known: Validators) -> Fresh[Listing] | Unchanged:
        """Return the project's page. An empty one of a quarantined project has that standing."""
        answer = await self._client.get(f"{package.name}/", accept=SIMPLE, known=known, also={NOT_ACCEPTABLE})
        if isinstance(answer, NotModified):
            return Unchanged()
        if answer.status == NOT_ACCEPTABLE:
            raise Malformed(NAME, f"{answer.url} answered {NOT_ACCEPTABLE}: {WAY_OUT}")
        page = parse_project(answer.body, package, answer.address)
        if page.ignored or not page.listing.complete:
            log.info(
                "pypi.ignored", package=str(package), unreadable_names=page.ignored, complete=page.listing.complete
            )
        conditional = answer.validator.etag or answer.validator.last_modified
        return Fresh(page.listing, (answer.validator,) if conditional else (), (answer.evidence,))

    async def download(self, artifact: Artifact) -> Downloaded:
        """Stream the file through the hashes; from the index's own host, or one of those that were allowed."""
        return await self._client.download(artifact.url, limit=MAX_FILE, size=artifact.size)

    async def attestations(self, release: Release, artifact: Artifact) -> Fresh[tuple[Attestation, ...]]:
        """Return the provenance that the page announces for the file; nothing where it announces none."""
        if artifact.attestation_url is None:
            return Fresh(())
        try:
            answer = await self._client.get(
                self._provenance(release, artifact, artifact.attestation_url), accept=INTEGRITY, limit=MAX_PROVENANCE
            )
        except NotFound as error:
            raise Unavailable(NAME, f"a provenance is announced, and {error.detail}") from error
        if isinstance(answer, NotModified):
            raise Malformed(NAME, "said that nothing changed to a question without condition")
        return Fresh((Attestation(Form.PYPI_PROVENANCE, answer.body, answer.url),), (), (answer.evidence,))

    async def confirms_absence(self, release: Release, artifact: Artifact) -> bool:
        """Ask the integrity API; its 404 says that it has none, either."""
        try:
            await self._client.get(self._integrity(release, artifact), accept=INTEGRITY, limit=MAX_PROVENANCE)
        except NotFound:
            return True
        return False

    def _provenance(self, release: Release, artifact: Artifact, announced: str) -> str:
        """The announced address if it may be asked, else the integrity API at the index's origin (a page leads nowhere else)."""
        try:
            if allows(self._index, self._hosts, Address.parse(announced)):
                return announced
        except NoAddress:
            pass
        return self._integrity(release, artifact)

    def _integrity(self, release: Release, artifact: Artifact) -> str:
        parts = (release.purl.name, release.version, artifact.filename)
        return f"{self._index.origin}/integrity/{'/'.join(quote(part, safe='') for part in parts)}/provenance"


def build(
    edge: Http, *, index: str, hosts: Collection[str] = (), headers: Mapping[str, str] | None = None
) -> ReleaseSource:
    """Build the source for the index at `index` (`https://registry.example/simple/`).

    `hosts` are further hosts from which files, and provenance, may come. `headers` (credentials) go to the index's origin only.
    """
    client = edge.client(NAME, base=index, hosts=hosts, headers=headers)
    return PyPI(client, Address.parse(split_credentials(index)[0]), frozenset(host.lower() for host in hosts))


def _files(entries: list[msgspec.Raw], package: Purl, url: str) -> tuple[list[_Found], int, int]:
    """The files, how many are of no release that an installer would see, and how many entries are none."""
    files: dict[str, _Found] = {}
    named = re.compile("[-_.]+".join(map(re.escape, package.name.split("-"))), re.IGNORECASE)
    ignored = broken = 0
    for entry in entries:
        try:
            read = msgspec.json.decode(entry, type=_File)
            version = _file_version(read.filename, named)
            if version is None:
                ignored += 1
            elif read.filename in files:
                broken += 1  # an installer could take either
            else:
                files[read.filename] = _found(read, version, url)
        except (ValueError, OverflowError, RecursionError):  # msgspec's errors, a digest or an address that is none
            broken += 1
    return list(files.values()), ignored, broken


def _file_version(filename: str, named: re.Pattern[str]) -> Version | None:
    """The version that a file's name states; None: no installer would take it for one of this project.

    Read as pip reads it (its `package_finder.py`), which takes more names than `packaging` does, and without multiplying out the tags.
    """
    if filename.lower().endswith(".whl"):
        parts = filename[: -len(".whl")].split("-")
        ours = len(parts) in WHEEL_PARTS and named.fullmatch(parts[0])
        return _version(parts[1].replace("_", "-")) if ours else None
    ending, name = ARCHIVE.search(filename), named.match(filename)
    if ending is None or name is None or filename[name.end() : name.end() + 1] != "-":
        return None
    return _version(re.sub(r"-py[123]\.?[0-9]?\Z", "", filename[name.end() + 1 : ending.start()]))


def _found(read: _File, version: Version, url: str) -> _Found:
    provenance = None if read.provenance is None else urljoin(url, read.provenance)
    artifact = Artifact(
        read.filename,
        urldefrag(urljoin(url, read.url)).url if "#" in read.url else urljoin(url, read.url),
        _digest(read.hashes),
        size=read.size,
        attestation_url=provenance,
    )
    yanked = None if read.yanked is False else one_line("" if read.yanked is True else read.yanked, MAX_TEXT)
    return _Found(version, artifact, _utc(read.upload_time), yanked)


def _digest(hashes: Mapping[str, str]) -> Digest | None:
    """The best digest that is given; None: the index gives none of a kind that is known. Raises ValueError."""
    algorithm = next((each for each in STRONGEST_FIRST if each in hashes and each in HEX_LENGTH), None)
    return None if algorithm is None else Digest(algorithm, hashes[algorithm])


def _utc(time: datetime | None) -> datetime | None:
    """PEP 700 wants UTC; some mirrors leave the zone out."""
    if time is None:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _release(purl: Purl, files: list[_Found]) -> Release:
    uploads = [file.uploaded_at for file in files if file.uploaded_at]
    return Release(purl, min(uploads, default=None), tuple(file.artifact for file in files), yanked=_yanked(files))


def _yanked(files: list[_Found]) -> str | None:
    """PyPI yanks whole releases; where an index yanks single files, the release is yanked with a note of how many."""
    reasons = [file.yanked for file in files if file.yanked is not None]
    if not reasons:
        return None
    said = next(filter(None, reasons), "")
    return said if len(reasons) == len(files) else f"({len(reasons)} of {len(files)} files) {said}".rstrip()


def _version(text: str) -> Version | None:
    try:
        return Version(text) if len(text) <= MAX_VERSION and text == text.strip() else None
    except InvalidVersion:
        return None


def _standing(status: _Status | str | None) -> tuple[Standing, str]:
    """A marker that is not known yet is shown, and changes nothing."""
    read = _Status(status) if isinstance(status, str) else status or _Status()
    reason = one_line(read.reason or "", MAX_TEXT)
    standing = STANDINGS.get(read.status)
    return (
        (Standing.ACTIVE, one_line(f"status {read.status!r} {reason}", MAX_TEXT))
        if standing is None
        else (standing, reason)
    )
