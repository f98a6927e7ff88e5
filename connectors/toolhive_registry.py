"""ToolHive's catalogue as the registry of approved servers: container images, and for many of them who must have signed them.

Reads both shapes: one entry a line or document (`image`, `provenance`), also as a mapping of them under `servers` and `remote_servers`,
and server.json documents under `data.servers`, whose provenance stands in `_meta` by the image's name.

Knows: images with their tags, remotes, and the signer that the catalogue demands: it is demanded here, too. Does not know: digests; a tag
can be moved. Plain names are listed as `toolhive/name`. Source: https://github.com/stacklok/toolhive-registry (Apache-2.0).
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec

from connectors._listed_entry import Keeper, Listed, container_image, named, registry
from connectors._listing_files import Document, Lines, read_listing
from connectors._reading_files.jsonc import Value
from connectors._server_json import PROVIDED, Version, listed, newest, servers
from monitor.domain.server import EntryProblem, Registry
from monitor.ports.sources import RegistrySource

NAME = "toolhive"
ENTRIES = ("servers", "remote_servers")


class _Provenance(msgspec.Struct):
    cert_issuer: str = ""
    repository_uri: str = ""
    signer_identity: str = ""
    runner_environment: str = ""


class _Entry(msgspec.Struct):
    name: str = ""
    image: str = ""
    url: str = ""
    repository_url: str = ""
    status: str = ""
    provenance: _Provenance | None = None


class _Provided(msgspec.Struct):
    status: str = ""
    provenance: _Provenance | None = None


def build(path: Path, *, owner: str, tier: int, approved_by: str) -> RegistrySource:
    """Read the file, or the folder of files, anew at each call."""
    return ToolHive(path, Keeper(owner, tier, approved_by))


class ToolHive:
    """One file or folder."""

    def __init__(self, path: Path, keeper: Keeper) -> None:
        """Hold the name; nothing is read yet."""
        self._path = path
        self._keeper = keeper

    def read(self) -> Registry:
        """Return the good entries and the problems of the others. Raises `Unavailable` or `Malformed` for the whole."""
        listing = read_listing(self._path, source=NAME)
        found = (one for document in listing.documents for one in _read(document))
        return registry(listing, found, self._keeper, source=NAME)


def _read(document: Document) -> Iterator[Listed | EntryProblem]:
    own = list(_own(document.value))
    lines = Lines(document)
    for name, value in own:
        yield _listed(name, value, document, lines)
    if own:
        return
    for each in newest(servers([document], source=NAME)):
        if isinstance(each, EntryProblem):
            yield each
        else:
            yield from map(_with_namespace, _server_json(each))


def _own(value: Value) -> Iterator[tuple[str, Value]]:
    """Yield the entries in ToolHive's own shape, each with the key that it stands under."""
    if not isinstance(value, dict):
        return
    if "image" in value:
        yield "", value
    for key in ENTRIES:
        inner = value.get(key)
        if isinstance(inner, dict):
            yield from inner.items()


def _listed(key: str, value: Value, document: Document, lines: Lines) -> Listed | EntryProblem:
    try:
        entry = msgspec.convert(value, _Entry)
    except msgspec.ValidationError as error:
        return EntryProblem(lines.of(key), key[:200] or "an entry", f"no entry of ToolHive: {error}")
    image_name = entry.image.rpartition("@")[0] or entry.image
    name = named(NAME, key or entry.name or image_name.rpartition("/")[2].partition(":")[0])
    line = lines.of(key or entry.name or entry.image)
    try:
        package, version, digests = container_image(entry.image) if entry.image else ("", "", ())
    except ValueError as error:
        return EntryProblem(line, name[:200], str(error))
    return Listed(
        name,
        package=package,
        version=version,
        remote=entry.url if not package else "",
        repository=entry.repository_url,
        digests=digests,
        publisher=_publisher(entry.provenance),
        refused=_refused(entry.status),
        place=document.place,
        line=line,
    )


def _server_json(version: Version) -> Iterator[Listed | EntryProblem]:
    """Add what the catalogue says of each image beside its server.json."""
    said = (version.server.meta or {}).get(PROVIDED)
    by_image: dict[str, _Provided] = {}
    try:
        for each in msgspec.convert(said or {}, dict[str, dict[str, object]]).values():
            by_image |= msgspec.convert(each, dict[str, _Provided])
    except msgspec.ValidationError as error:
        yield EntryProblem(version.line, version.server.name[:200], f"{PROVIDED}: {error}")
        return
    images = [package.identifier for package in version.server.packages or ()]
    for one, image_name in zip(listed(version), [*images, *[""] * len(version.server.remotes or ())], strict=False):
        extra = by_image.get(image_name)
        if isinstance(one, EntryProblem) or extra is None:
            yield one
        else:
            yield replace(one, publisher=_publisher(extra.provenance), refused=one.refused or _refused(extra.status))


def _with_namespace(one: Listed | EntryProblem) -> Listed | EntryProblem:
    return one if isinstance(one, EntryProblem) else replace(one, name=named(NAME, one.name))


def _refused(status: str) -> str:
    return f"{status.lower()[:40]} in ToolHive's catalogue" if status.lower() not in ("", "active") else ""


def _publisher(given: _Provenance | None) -> tuple[tuple[str, str], ...]:
    """Return whose signature the catalogue demands: a workflow, without the address of its repository and its `@ref`."""
    if given is None or not given.cert_issuer:
        return ()
    workflow = given.signer_identity.removeprefix(given.repository_uri).partition("@")[0].lstrip("/")
    return (
        ("issuer", given.cert_issuer),
        ("repository", given.repository_uri),
        ("workflow", workflow),
        ("runner_environment", given.runner_environment),
    )
