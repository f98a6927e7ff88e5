"""Docker's catalogue of MCP servers as the registry of approved servers: images, and the commits that they are built from.

Knows: images, remotes, and for what Docker builds the exact commit of the source: it is the approved version, and a digest of it
(`gitCommit`). Does not know: tags and digests of the images, which the catalogue leaves to its publication. Names are listed as
`docker/name`. Source: https://github.com/docker/mcp-registry (MIT), one entry a line or document.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from connectors._listed_entry import Keeper, Listed, container_image, named, registry
from connectors._listing_files import Document, Lines, read_listing
from connectors._reading_files.jsonc import Value
from monitor.domain.server import EntryProblem, Registry
from monitor.ports.sources import RegistrySource

NAME = "docker"


class _Source(msgspec.Struct):
    project: str = ""
    commit: str = ""


class _Remote(msgspec.Struct):
    url: str = ""


class _Entry(msgspec.Struct):
    name: str
    type: str = ""
    image: str = ""
    source: _Source | None = None
    remote: _Remote | None = None


def build(path: Path, *, owner: str, tier: int, approved_by: str) -> RegistrySource:
    """Read the file, or the folder of files, anew at each call."""
    return DockerCatalog(path, Keeper(owner, tier, approved_by))


class DockerCatalog:
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
    lines = Lines(document)
    for value in _values(document.value):
        try:
            entry = msgspec.convert(value, _Entry)
            yield _listed(entry, document.place, lines.of(entry.name))
        except ValueError as error:
            name = value.get("name") if isinstance(value, dict) else None
            name = name if isinstance(name, str) else document.place or "an entry"
            yield EntryProblem(lines.of(name), name[:200], f"no entry of Docker's catalogue: {error}")


def _values(value: Value) -> Sequence[Value]:
    return value if isinstance(value, list) else [value]


def _listed(entry: _Entry, place: str, line: int) -> Listed:
    name = named(NAME, entry.name)
    source = entry.source or _Source()
    if entry.remote and entry.remote.url:
        return Listed(name, remote=entry.remote.url, place=place, line=line)
    if not entry.image:
        raise ValueError(f"names neither an image nor a remote (type {entry.type[:40] or 'none'})")
    package, tag, digests = container_image(entry.image)
    commit = (f"gitCommit:{source.commit}",) if source.commit else ()
    return Listed(
        name,
        package=package,
        version=tag or source.commit,
        repository=source.project,
        digests=(*digests, *commit),
        place=place,
        line=line,
    )
