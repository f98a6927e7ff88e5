"""npm's package-lock.json and npm-shrinkwrap.json, lockfileVersion 1, 2 and 3.

https://docs.npmjs.com/cli/configuring-npm/package-lock-json

They tell the whole graph, the version 1 all but what the project itself needs: that is what nothing else needs.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated

import msgspec

from connectors._dependency_files import packages
from connectors._dependency_files.graph import MAX_ENTRIES, MAX_NEEDS, Graph, Node, refused
from connectors._dependency_files.records import document, record

SOURCE = "package-lock.json"
MAIN = "."
"""The project itself: it stands at the empty location, and the graph knows no empty key."""
MAX_DEPTH = 48
MAX_LOCATION = 1024
FOLDER = "node_modules/"

_Ranges = dict[str, str]
_Text = Annotated[str, msgspec.Meta(max_length=4096)]


class _Lock(msgspec.Struct, rename="camel"):
    lockfile_version: int = 1
    name: str = ""
    version: str = ""
    packages: dict[str, msgspec.Raw] = {}
    dependencies: dict[str, msgspec.Raw] = {}


class _Meta(msgspec.Struct):
    optional: bool = False


class _Package(msgspec.Struct, rename="camel"):
    """An entry of `packages`, the location in the folder its key."""

    name: _Text = ""
    version: _Text = ""
    resolved: _Text | bool = ""
    link: bool = False
    dev: bool = False
    dependencies: _Ranges = {}
    optional_dependencies: _Ranges = {}
    peer_dependencies: _Ranges = {}
    peer_dependencies_meta: dict[str, _Meta] = {}


class _Old(msgspec.Struct):
    """An entry of `dependencies` of version 1."""

    version: _Text
    resolved: _Text | bool = ""
    dev: bool = False
    requires: _Ranges | bool = False
    dependencies: dict[str, msgspec.Raw] = {}


_LOCK = msgspec.json.Decoder(_Lock)
_PACKAGE = msgspec.json.Decoder(_Package)
_OLD = msgspec.json.Decoder(_Old)


def parse(data: bytes) -> Graph:
    """Read the file. Raises `Malformed`; a bad entry costs itself."""
    read = document(data, _LOCK, SOURCE)
    source = f"{SOURCE} {read.lockfile_version}"
    if not read.packages:
        return _old(read, source)
    entries, problems = _entries(read)
    nodes = {location: _node(location, entry, entries, read) for location, entry in entries.items() if not entry.link}
    if "" not in nodes:
        return Graph(source, nodes, problems=problems)
    nodes[MAIN] = nodes.pop("")
    return Graph(source, nodes, main=MAIN, strays=False, problems=problems)


def _entries(read: _Lock) -> tuple[dict[str, _Package], tuple[str, ...]]:
    if len(read.packages) > MAX_ENTRIES:
        raise refused(f"{SOURCE}: more than {MAX_ENTRIES} packages")
    entries: dict[str, _Package] = {}
    problems: list[str] = []
    for location, raw in read.packages.items():
        _refuse_deep(location)
        entry = record(raw, _PACKAGE, f"packages[{location[:100]!r}]", problems)
        if entry is not None:
            entries[location] = entry
    if sum(len(entry.dependencies) + len(entry.peer_dependencies) for entry in entries.values()) > MAX_NEEDS:
        raise refused(f"{SOURCE}: more than {MAX_NEEDS} dependencies between packages")
    return entries, tuple(problems)


def _refuse_deep(location: str) -> None:
    if len(location) > MAX_LOCATION or location.count("/") > MAX_DEPTH:
        raise refused(f"{SOURCE}: a place deeper than {MAX_DEPTH} folders: {location[:100]!r}")


def _node(location: str, entry: _Package, entries: Mapping[str, _Package], read: _Lock) -> Node:
    _, folder, installed = location.rpartition(FOLDER)
    needs = tuple(_needs(location, entry, entries))
    if not folder:
        name = entry.name or ("" if location else read.name) or location.rpartition("/")[2]
        purl = packages.project("npm", name, entry.version)
        words = f"{name} at {location}, a part of the project"
        return Node(packages.label(name), purl, words, needs, own=True, apart=entry.dev)
    name = entry.name or installed
    resolved = entry.resolved if isinstance(entry.resolved, str) else ""
    purl = packages.npm(name, entry.version) if packages.from_registry(resolved) else None
    return Node(packages.label(name), purl, f"{name} {resolved or entry.version}", needs, apart=entry.dev)


def _needs(location: str, entry: _Package, entries: Mapping[str, _Package]) -> Iterator[str]:
    """Yield the locations of what it needs, and words for what is not installed."""
    wanted = entry.dependencies | entry.optional_dependencies
    for name, declared in wanted.items():
        found = _found(location, name, entries)
        if found is not None:
            yield found
        elif name not in entry.optional_dependencies:
            yield f"{name} {declared}"
    for name in entry.peer_dependencies.keys() - wanted.keys():
        meta = entry.peer_dependencies_meta.get(name)
        found = None if meta and meta.optional else _found(location, name, entries)
        if found is not None:
            yield found


def _found(location: str, name: str, entries: Mapping[str, _Package]) -> str | None:
    """The location; of a link, where it leads. None: it was not installed."""
    place = next((place for place in _places(location, name) if place in entries), None)
    entry = entries.get(place or "")
    if place is None or entry is None or not entry.link:
        return place
    target = entry.resolved if isinstance(entry.resolved, str) else ""
    return target if target in entries and target else f"{name} link:{target}"


def _places(location: str, name: str) -> Iterator[str]:
    """Yield where Node looks for a package that the one at `location` needs: beside it, then above."""
    at = location
    while at:
        yield f"{at}/{FOLDER}{name}"
        at = at.rpartition("/")[0]
    yield f"{FOLDER}{name}"


def _old(read: _Lock, source: str) -> Graph:
    """Version 1: a tree of what is installed in what."""
    entries: dict[str, tuple[str, _Old]] = {}
    problems: list[str] = []
    queue = [("", read.dependencies)]
    for above, inner in queue:  # it grows on the way
        for name, raw in inner.items():
            place = f"{above}/{FOLDER}{name}" if above else f"{FOLDER}{name}"
            _refuse_deep(place)
            entry = record(raw, _OLD, f"dependencies[{place[:100]!r}]", problems)
            if entry is not None:
                entries[place] = (name, entry)
                queue.append((place, entry.dependencies))
        if len(entries) > MAX_ENTRIES:
            raise refused(f"{SOURCE}: more than {MAX_ENTRIES} packages")
    nodes = {place: _old_node(place, name, entry, entries) for place, (name, entry) in entries.items()}
    name = packages.label(read.name)
    nodes[MAIN] = Node(name, packages.project("npm", read.name, read.version), own=True)
    return Graph(source, nodes, main=MAIN, problems=tuple(problems))


def _old_node(place: str, name: str, entry: _Old, entries: Mapping[str, tuple[str, _Old]]) -> Node:
    resolved = entry.resolved if isinstance(entry.resolved, str) else ""
    purl = packages.npm(name, entry.version) if packages.from_registry(resolved) else None
    requires = entry.requires if isinstance(entry.requires, dict) else {}
    found = (next((each for each in _places(place, needed) if each in entries), None) for needed in requires)
    # Optional packages of another platform are required, and not installed: what is missing here is nothing.
    told = tuple(each for each in found if each is not None)
    return Node(packages.label(name), purl, f"{name} {entry.version}", told, apart=entry.dev)
