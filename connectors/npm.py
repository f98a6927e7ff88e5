"""Releases of npm packages from a registry's package document.

https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md; signatures: npm's "About registry signatures".

It knows: versions, tarballs with digests, publication times, deprecations, the registry's signatures, which versions carry attestations,
and whether the package was unpublished or replaced by a security holder.
It does not know: why a version vanished, and the size of a tarball (`unpackedSize` is another one). Tags but `latest` are not looked at. A
mirror may leave times, signatures and attestations out. What a manifest says of scripts, maintainers and sizes is in `_npm_manifest`.
"""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote, urlsplit

import msgspec
import structlog

from connectors import _npm_dependencies, _npm_manifest
from connectors._edge.address import Address, NoAddress, allows, shown, split_credentials
from connectors._edge.allowance import DESCRIBED, Allowance
from connectors._edge.http import Client, Http, NotModified
from connectors._edge.installers import Endpoint, NpmEndpoints
from connectors._edge.references import References
from monitor.domain.dependency import Dependencies
from monitor.domain.provenance import Attestation, Form
from monitor.domain.purl import Purl
from monitor.domain.release import Artifact, Digest, Listing, RegistrySignature, Release, Standing
from monitor.domain.text import one_line
from monitor.ports.errors import Malformed, NotFound, Unavailable
from monitor.ports.sources import Downloaded, Fresh, ReleaseSource, Unchanged, Validators

log = structlog.get_logger()

NAME = "npm"
MAX_FILE = 512 * 2**20
"""Bytes of a tarball that is downloaded to be hashed."""
MAX_ATTESTATIONS = 8 * 2**20
MAX_TEXT = 500
VERSION = re.compile(r"[!-~]{1,256}")
HOLDER = re.compile(r"0\.0\.1-security(\.|\Z)")
"""The version of npm's placeholder. It is a pre-release, and lower than whatever is deployed."""

STRONGEST_FIRST = ("sha512", "sha256", "sha384", "sha1")
"""sha512 before all, because attestations are about it; sha384 late, because downloads are not hashed with it."""

_Url = Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]
_Short = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]


class _Package(msgspec.Struct, rename="kebab"):
    name: str
    dist_tags: dict[str, str] = {}
    versions: dict[str, msgspec.Raw] = {}
    time: dict[str, msgspec.Raw] = {}


class _Signature(msgspec.Struct, gc=False):
    keyid: _Short
    sig: _Short


class _Attestations(msgspec.Struct, gc=False):
    url: _Url


class _Dist(msgspec.Struct, gc=False):
    tarball: _Url
    integrity: Annotated[str, msgspec.Meta(max_length=1024)] = ""
    shasum: str = ""
    signatures: Annotated[list[_Signature], msgspec.Meta(max_length=20)] | None = None
    attestations: _Attestations | None = None  # None: nobody vouches for it


class _Version(msgspec.Struct):
    version: str
    dist: _Dist
    deprecated: msgspec.Raw = msgspec.Raw(b"null")


_PACKAGE: msgspec.json.Decoder[_Package] = msgspec.json.Decoder(_Package)
_VERSION: msgspec.json.Decoder[_Version] = msgspec.json.Decoder(_Version)
_TIME: msgspec.json.Decoder[datetime] = msgspec.json.Decoder(Annotated[datetime, msgspec.Meta(tz=True)])


def parse_package(body: bytes, package: Purl, url: str) -> Listing:
    """Read the full package document that came from `url`. Raises `Malformed`.

    A version's entry that is none costs itself, and the listing is then not complete: that version is not gone. Versions that stand in
    `time` alone were unpublished, and are left out. A document that lists more than its bytes can describe is refused as a whole.
    """
    try:
        read = _PACKAGE.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(NAME, f"{shown(url)} is no package document: {one_line(str(error), 200)}") from error
    if read.name != package.label:
        raise Malformed(NAME, f"{shown(url)} is the document of {one_line(read.name, 100)!r}")
    if not read.versions:
        return _without_versions(read, package, url)
    allowance = Allowance.of(NAME, url, body)
    allowance.take(DESCRIBED * len(read.versions))
    references = References(url, allowance)
    releases = [
        _release(text, entry, read.time.get(text), package, references) for text, entry in read.versions.items()
    ]
    kept = tuple(release for release in releases if release is not None)
    if not kept:
        raise Malformed(NAME, f"{shown(url)}: no version of it can be read")
    held = HOLDER.match(read.dist_tags.get("latest", "")) is not None
    standing, reason = (Standing.SECURITY_HOLDER, "replaced by npm's placeholder") if held else (Standing.ACTIVE, "")
    return Listing(package, kept, standing, reason, complete=len(kept) == len(releases))


@dataclass(frozen=True, slots=True)
class _Registry:
    """A registry behind a client that is bound to it; `hosts` are further hosts from which its files may come."""

    client: Client
    address: Address
    hosts: frozenset[str]

    def closeness(self, address: Address) -> tuple[bool, bool, int]:
        """How well the address suits this registry: allowed, of its origin, and how much of its path."""
        own, base = address.origin == self.address.origin, self.address.target.rstrip("/") + "/"
        return allows(self.address, self.hosts, address), own, len(base) if address.target.startswith(base) else 0


@dataclass(frozen=True, slots=True)
class Npm:
    """The registries behind clients that are bound to them: one for scopes (`@scope`) that have their own, one for everything else."""

    _default: _Registry
    _scopes: Mapping[str, _Registry]

    @property
    def name(self) -> str:
        """`npm`."""
        return NAME

    async def listing(self, package: Purl, known: Validators) -> Fresh[Listing] | Unchanged:
        """Return the package document. One that was unpublished as a whole has no releases, and that standing."""
        answer = await self._of(package).client.get(_path(package), known=known)
        if isinstance(answer, NotModified):
            return Unchanged()
        listing = parse_package(answer.body, package, answer.address)
        if not listing.complete:
            log.info("npm.ignored", package=str(package), complete=False)
        conditional = answer.validator.etag or answer.validator.last_modified
        return Fresh(listing, (answer.validator,) if conditional else (), (answer.evidence,))

    async def download(self, artifact: Artifact) -> Downloaded:
        """Stream the tarball through the hashes; from its registry's own host, or one of those that were allowed."""
        return await self._at(artifact.url).client.download(artifact.url, limit=MAX_FILE, size=artifact.size)

    async def attestations(self, release: Release, artifact: Artifact) -> Fresh[tuple[Attestation, ...]]:
        """Return the registry's signatures, as the document has them, and the attestations that it announces."""
        registry = self._of(release.purl)
        signed = _signed(release, artifact, f"{registry.address.shown.rstrip('/')}/{_path(release.purl)}")
        if artifact.attestation_url is None:
            return Fresh(signed)
        # Only the path counts: what a document says of hosts leads nowhere else (https://github.com/npm/pacote, lib/registry.js).
        url = registry.address.origin + urlsplit(artifact.attestation_url).path
        try:
            answer = await registry.client.get(url, limit=MAX_ATTESTATIONS)
        except NotFound as error:
            raise Unavailable(NAME, f"attestations are announced, and {error.detail}") from error
        if isinstance(answer, NotModified):
            raise Malformed(NAME, "said that nothing changed to a question without condition")
        attested = Attestation(Form.NPM_ATTESTATIONS, answer.body, answer.url)
        return Fresh((*signed, attested), (), (answer.evidence,))

    async def dependencies(self, release: Release) -> Fresh[Dependencies]:
        """Return what the version's manifest declares, without what is for development, and peers."""
        return await _npm_dependencies.ask(self._of(release.purl).client, _path(release.purl), release.purl)

    async def confirms_absence(self, release: Release, artifact: Artifact) -> bool:  # noqa: ARG002 - the port's question
        """Ask the attestation endpoint; its 404 says that it has none, either."""
        path = f"-/npm/v1/attestations/{_path(release.purl)}@{quote(release.version, safe='')}"
        try:
            await self._of(release.purl).client.get(path, limit=MAX_ATTESTATIONS)
        except NotFound:
            return True
        return False

    def _of(self, package: Purl) -> _Registry:
        return self._scopes.get(package.namespace or "", self._default)

    def _at(self, url: str) -> _Registry:
        """The registry whose file that is. Raises `Malformed`."""
        try:
            address = Address.parse(url)
        except NoAddress as error:
            raise Malformed(NAME, f"{error} was to be downloaded") from error
        return max((self._default, *self._scopes.values()), key=lambda registry: registry.closeness(address))


def build(edge: Http, *, endpoints: NpmEndpoints, hosts: Collection[str] = ()) -> ReleaseSource:
    """Build the source for the registries at `endpoints`. `hosts` are further hosts from which tarballs of all of them may come."""

    def registry(endpoint: Endpoint) -> _Registry:
        allowed = frozenset(host.lower() for host in (*endpoint.hosts, *hosts))
        client = edge.client(NAME, base=endpoint.url, hosts=allowed, headers=endpoint.headers)
        return _Registry(client, Address.parse(split_credentials(endpoint.url)[0]), allowed)

    return Npm(registry(endpoints.default), {scope: registry(own) for scope, own in endpoints.scopes.items()})


def _without_versions(read: _Package, package: Purl, url: str) -> Listing:
    """An epitaph says so; a document that lists nothing and says nothing is no answer."""
    epitaph = read.time.get("unpublished")
    if epitaph is None or not bytes(epitaph).lstrip().startswith(b"{"):
        raise Malformed(NAME, f"{shown(url)} lists no versions and does not say that they were unpublished")
    return Listing(package, (), Standing.UNPUBLISHED, "unpublished as a whole")


def _release(
    text: str, entry: msgspec.Raw, time: msgspec.Raw | None, package: Purl, references: References
) -> Release | None:
    """One version; None: its entry is none."""
    try:
        read = _VERSION.decode(entry)
        if read.version != text or not VERSION.fullmatch(text):
            return None
        artifact = _artifact(read.dist, f"{package.name}-{text}.tgz", references)
        deprecated = _deprecated(read.deprecated)
        return Release(
            package.at(text), _time(time), (artifact,), deprecated=deprecated, manifest=_npm_manifest.read(entry)
        )
    except (ValueError, RecursionError):  # msgspec's errors, a digest or an address that is none
        return None


def _artifact(dist: _Dist, filename: str, references: References) -> Artifact:
    """The tarball, under the name that npm itself gives it: mirrors have addresses of their own. Raises ValueError."""
    digest = _digest(dist)
    signable = dist.signatures and digest is not None and dist.integrity == _integrity(digest)
    return Artifact(
        filename,
        references.resolve(dist.tarball),
        digest,
        attestation_url=None if dist.attestations is None else references.resolve(dist.attestations.url),
        signatures=tuple(RegistrySignature(each.keyid, each.sig) for each in dist.signatures or ()) if signable else (),
    )


def _digest(dist: _Dist) -> Digest | None:
    """The best of `integrity` (https://www.w3.org/TR/SRI/), else `shasum`; None: neither is there. Raises ValueError."""
    if not dist.integrity:
        return Digest("sha1", dist.shasum) if dist.shasum else None
    given = dict(text.partition("?")[0].split("-", 1) for text in dist.integrity.split() if "-" in text)
    best = next((algorithm for algorithm in STRONGEST_FIRST if algorithm in given), None)
    if best is None:
        raise ValueError("an integrity without a known algorithm")
    return Digest(best, b64decode(given[best], validate=True).hex())


def _integrity(digest: Digest) -> str:
    """`dist.integrity` as npm writes it, and signs it: one digest. Signatures over any other text are left out: it is not kept."""
    return f"{digest.algorithm}-{b64encode(bytes.fromhex(digest.hex)).decode()}"


def _signed(release: Release, artifact: Artifact, url: str) -> tuple[Attestation, ...]:
    if not artifact.signatures or artifact.digest is None:
        return ()
    document = {
        "integrity": _integrity(artifact.digest),
        "published_at": release.published_at.isoformat() if release.published_at else None,
        "signatures": [{"keyid": each.keyid, "sig": each.sig} for each in artifact.signatures],
    }
    return (Attestation(Form.NPM_SIGNATURE, json.dumps(document).encode(), url),)


def _time(read: msgspec.Raw | None) -> datetime | None:
    """A version's own time; None: the registry gives none that can be read."""
    if read is None:
        return None
    try:
        return _TIME.decode(read).astimezone(UTC)
    except (msgspec.MsgspecError, OverflowError):
        return None


def _deprecated(read: msgspec.Raw) -> str | None:
    """The text; an empty one, or `false`, takes a deprecation back. Whatever else is written is one without a text, and is not built."""
    if bytes(read).lstrip()[:1] in (b"[", b"{"):
        return ""
    value = msgspec.json.decode(read)
    if isinstance(value, str):
        return one_line(value, MAX_TEXT) or None
    return None if value in (None, False) else ""


def _path(package: Purl) -> str:
    return quote(package.label, safe="@")
