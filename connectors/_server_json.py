"""server.json of the MCP registry: a server's packages and remotes, in every generation of the format.

Specification: https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json and its forerunners (before 2025-09-16 with
underscores: `registry_name`, `version_detail`), as single documents and as the answers of `GET /v0/servers` and `/v0.1/servers`.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import msgspec

from connectors._listed_entry import Listed, container_image, moment, purl
from connectors._listing_files import Document, Lines
from connectors._reading_files.jsonc import Value
from connectors._server_package import Argument, on_registry, own, words
from monitor.domain.address import shown
from monitor.domain.server import EntryProblem

OFFICIAL = "io.modelcontextprotocol.registry/official"
PROVIDED = "io.modelcontextprotocol.registry/publisher-provided"
TYPES = {"npm": "npm", "pypi": "pypi", "nuget": "nuget", "go": "golang", "golang": "golang"}
IMAGES = ("oci", "docker")
RELEASE_FILE = re.compile(r"https://github\.com/([A-Za-z0-9-]+/[\w.-]+)/releases/download/([^/?#\s]+)/[^/?#\s]+")
ACTIVE = ("", "active")


class Repository(msgspec.Struct):
    """Where the source is."""

    url: str = ""


class Package(
    msgspec.Struct,
    rename={
        "kind": "registryType",
        "old_kind": "registry_name",
        "older_kind": "registry_type",
        "base": "registryBaseUrl",
        "old_base": "registry_base_url",
        "arguments": "packageArguments",
        "old_arguments": "package_arguments",
    },
):
    """A package in all its spellings."""

    kind: str = ""
    old_kind: str = ""
    older_kind: str = ""
    identifier: str = ""
    name: str = ""
    version: str | None = None
    base: str | None = None
    old_base: str | None = None
    arguments: list[Argument] | None = None
    old_arguments: list[Argument] | None = None
    fileSha256: str = ""  # noqa: N815  the format's name
    file_sha256: str = ""


class Remote(msgspec.Struct):
    """A remote server; what else it needs is not read."""

    url: str = ""


class _VersionDetail(msgspec.Struct):
    version: str = ""
    release_date: str = ""
    is_latest: bool = True


class _Official(msgspec.Struct, rename="camel"):
    status: str = ""
    status_message: str = ""
    published_at: str = ""
    is_latest: bool | None = None


class Server(msgspec.Struct, rename={"meta": "_meta", "published_at": "publishedAt"}):
    """One version of a server."""

    name: str
    version: str = ""
    version_detail: _VersionDetail | None = None
    status: str = ""
    published_at: str = ""
    repository: Repository | None = None
    packages: list[Package] | None = None
    remotes: list[Remote] | None = None
    meta: dict[str, object] | None = None


class _Answer(msgspec.Struct, rename={"meta": "_meta"}):
    server: Server
    meta: dict[str, object] | None = None


class Version(msgspec.Struct, frozen=True):
    """One version of a server as it was found, and where."""

    server: Server
    official: _Official
    place: str
    line: int

    @property
    def status(self) -> str:
        """The registry's word, in small letters; empty where it says none."""
        return (self.official.status or self.server.status).lower()

    @property
    def order(self) -> tuple[bool, bool, str]:
        """What decides which of several versions is listed: the active, the newest by the registry's mark, the last published."""
        old = self.server.version_detail
        newest = self.official.is_latest if self.official.is_latest is not None else (old is None or old.is_latest)
        return self.status in ACTIVE, newest, self.published_at

    @property
    def published_at(self) -> str:
        """When this version was published, as the registry writes it."""
        old = self.server.version_detail
        return self.official.published_at or self.server.published_at or (old.release_date if old else "")


def servers(documents: Iterable[Document], *, source: str) -> Iterator[Version | EntryProblem]:
    """Yield every version in the documents. What is none costs itself."""
    for document in documents:
        lines = Lines(document)
        found = False
        for value in _values(document.value):
            found = True
            yield _version(value, document, lines)
        if not found and not _empty_list(document.value):
            yield EntryProblem(
                document.line, document.place or source, "expected a server.json, or a list under servers"
            )


def newest(found: Iterable[Version | EntryProblem]) -> Iterator[Version | EntryProblem]:
    """Yield problems, and of each server one version: a registry of approved servers approves one."""
    versions: dict[str, Version] = {}
    for each in found:
        if isinstance(each, EntryProblem):
            yield each
        elif each.server.name not in versions or versions[each.server.name].order <= each.order:
            versions[each.server.name] = each
    yield from versions.values()


def listed(version: Version) -> Iterator[Listed | EntryProblem]:
    """Yield a version's packages and remotes: the first under the server's name, each further one with what it is behind the name."""
    server, count = version.server, 0
    names: set[str] = set()
    for package in server.packages or ():
        count += 1
        kind = package.kind or package.old_kind or package.older_kind
        name = _name(server.name, kind, names)
        try:
            yield _package(version, package, kind, name)
        except ValueError as error:
            yield _problem(version, name, f"package {count}: {error}")
    for url in dict.fromkeys(remote.url for remote in server.remotes or ()):
        count += 1
        yield _entry(version, _name(server.name, "remote", names), remote=url)
    if not count:
        yield _problem(version, server.name, "names neither a package nor a remote")


def _values(value: Value) -> Sequence[Value]:
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        return ()
    inner = value.get("data")
    for holder in (value, inner if isinstance(inner, dict) else {}):
        several = holder.get("servers")
        if isinstance(several, list):
            return several
    if isinstance(inner, list):
        return inner
    return [value] if "name" in value or isinstance(value.get("server"), dict) else ()


def _empty_list(value: Value) -> bool:
    return value == [] or (isinstance(value, dict) and value.get("servers") == [])


def _version(value: Value, document: Document, lines: Lines) -> Version | EntryProblem:
    name = ""
    try:
        if isinstance(value, dict) and isinstance(value.get("server"), dict):
            answer = msgspec.convert(value, _Answer)
            server, meta = answer.server, {**(answer.server.meta or {}), **(answer.meta or {})}
        else:
            server = msgspec.convert(value, Server)
            meta = server.meta or {}
        name = server.name
        official = msgspec.convert(meta.get(OFFICIAL, {}), _Official)
    except msgspec.ValidationError as error:
        known = value.get("name") if isinstance(value, dict) else None
        name = name or (known if isinstance(known, str) else "") or document.place or "an entry"
        return EntryProblem(lines.of(name), name[:200], f"no server.json: {error}")
    return Version(server, official, document.place, lines.of(name))


def _name(server: str, kind: str, names: set[str]) -> str:
    """Return a name that no other package of the server has."""
    name = server if not names else f"{server}.{kind or 'package'}"
    at = 2
    while name in names:
        name = f"{server}.{kind or 'package'}-{at}"
        at += 1
    names.add(name)
    return name


def _package(version: Version, package: Package, kind: str, name: str) -> Listed:
    identifier = package.identifier or package.name
    # An organisation's list that pins at the server alone pins all the same.
    pinned = package.version if package.version is not None else version.server.version
    digests = tuple(f"sha256:{each}" for each in {package.fileSha256 or package.file_sha256} - {""})
    base = (package.base or package.old_base or "").strip()
    always, open_ = words(package.arguments or package.old_arguments or ())
    if kind in TYPES:
        if base and not own(kind, base):
            raise ValueError(f"registryBaseUrl: {shown(base, 200)} is not where {kind} packages are watched")
        entry = _entry(version, name, package=purl(TYPES[kind], identifier), pinned=pinned, digests=digests)
        return replace(entry, arguments=always, refused=entry.refused or open_)
    if kind in IMAGES:
        reference, tag, pins = container_image(on_registry(base, identifier))
        entry = _entry(version, name, package=reference, pinned=tag or package.version or "", digests=pins)
        return replace(entry, arguments=always, refused=entry.refused or open_)
    release = RELEASE_FILE.fullmatch(identifier)
    if kind == "mcpb" and release:
        return _entry(version, name, package=purl("github", release[1]), pinned=release[2], digests=digests)
    raise ValueError(f"{kind[:40] or 'no registryType'}: not a kind of package that is watched")


def _entry(
    version: Version, name: str, *, package: str = "", pinned: str = "", remote: str = "", digests: tuple[str, ...] = ()
) -> Listed:
    server = version.server
    why = f"{version.status} in its registry" if version.status not in ACTIVE else ""
    message = version.official.status_message
    return Listed(
        name,
        package=package,
        version=pinned,
        remote=remote,
        repository=server.repository.url if server.repository else "",
        digests=digests,
        approved_on=moment(version.published_at),
        refused=f"{why}: {message[:200]}" if why and message else why,
        place=version.place,
        line=version.line,
    )


def _problem(version: Version, name: str, message: str) -> EntryProblem:
    place = f"{version.place}: " if version.place else ""
    return EntryProblem(version.line, name[:200], f"{place}{message}")
