"""Releases of Python packages from an index that serves the Simple API as JSON (PEP 691, 700, 714, 740, 792).

https://packaging.python.org/en/latest/specifications/simple-repository-api/; attestations: PEP 740.

It knows: versions, files with digests, sizes and upload times, yanks, the project's status, and which files carry an attestation.
It does not know: releases that PyPI has quarantined by themselves, or that were deleted (both just vanish), who uploaded, and when a
yank happened. A quarantined project lists nothing at all: its status says so, and nothing in it is gone.
A mirror may leave attestations out: then no file announces one, which here looks the same as files that nobody vouches for.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

import msgspec
import structlog

from connectors import _pypi_dependencies
from connectors._edge.address import Address, NoAddress, allows, shown, split_credentials
from connectors._edge.allowance import DESCRIBED, NAMED, Allowance
from connectors._edge.http import Client, Http, NotModified
from connectors._edge.references import References
from connectors._pypi_files import MAX_TEXT, Found, Versions, read_files
from monitor.domain.dependency import Dependencies
from monitor.domain.provenance import Attestation, Form
from monitor.domain.purl import Purl
from monitor.domain.release import Artifact, Listing, Release, Standing
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
NOT_ACCEPTABLE = 406
WAY_OUT = "it does not serve the Simple API as JSON (PEP 691); name an index that does in [sources.pypi] url"

STANDINGS = {
    "active": Standing.ACTIVE,
    "archived": Standing.ARCHIVED,
    "archived-noindex": Standing.ARCHIVED,
    "quarantined": Standing.QUARANTINED,
    "deprecated": Standing.DEPRECATED,
}


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


_PROJECT: msgspec.json.Decoder[_Project] = msgspec.json.Decoder(_Project)


@dataclass(frozen=True, slots=True)
class Page:
    """A project's page. `ignored` counts the files that no installer would take, and the versions that are none."""

    listing: Listing
    ignored: int


def parse_project(body: bytes, package: Purl, url: str) -> Page:
    """Read the page of a project that came from `url`. Raises `Malformed`.

    A file's entry that is none costs itself, and the listing is then not complete: that file is not gone. Nor is it complete where two
    entries have one name, of which the first counts. A page that lists more than its bytes can describe is refused as a whole.
    """
    try:
        read = _PROJECT.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        hint = WAY_OUT if body.lstrip()[:1] == b"<" else one_line(str(error), 200)
        raise Malformed(NAME, f"{shown(url)} is no project's page: {hint}") from error
    if Purl.pypi(read.name) != package:
        raise Malformed(NAME, f"{shown(url)} is the page of {one_line(read.name, 100)!r}")
    allowance = Allowance.of(NAME, url, body)
    allowance.take(DESCRIBED * len(read.files) + NAMED * len(read.versions))
    versions = Versions(allowance)
    files, ignored, broken = read_files(read.files, package, versions, References(url, allowance))
    spelled = [(version[0], text) for text in read.versions if (version := versions.read(text)) is not None]
    texts = dict(reversed(spelled))
    ignored += len(read.versions) - len(texts)
    by_version: dict[str, list[Found]] = {key: [] for key in texts}
    for file in files:
        key, normal = file.version
        by_version.setdefault(key, []).append(file)
        texts.setdefault(key, normal)
    releases = tuple(_release(package.at(texts[key]), found) for key, found in by_version.items())
    standing, reason = _standing(read.project_status)
    if not releases and standing is Standing.ACTIVE:
        raise Malformed(NAME, f"{shown(url)} lists no release that can be read, and no status says why")
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

    async def dependencies(self, release: Release) -> Fresh[Dependencies]:
        """Return what the JSON API at the index's origin, or a wheel's metadata, declares; nothing that only an extra needs."""
        return await _pypi_dependencies.ask(self._client, self._index.origin, release)

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


def _release(purl: Purl, files: list[Found]) -> Release:
    if not files:
        return Release(purl, None, ())
    uploads = [file.uploaded_at for file in files if file.uploaded_at is not None]
    uploaded_at = min(uploads) if uploads else None
    return Release(purl, uploaded_at, tuple([file.artifact for file in files]), yanked=_yanked(files))


def _yanked(files: list[Found]) -> str | None:
    """PyPI yanks whole releases; where an index yanks single files, the release is yanked with a note of how many."""
    reasons = [file.yanked for file in files if file.yanked is not None]
    if not reasons:
        return None
    said = next(filter(None, reasons), "")
    return said if len(reasons) == len(files) else f"({len(reasons)} of {len(files)} files) {said}".rstrip()


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
