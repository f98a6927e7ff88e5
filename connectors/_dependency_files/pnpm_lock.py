"""pnpm-lock.yaml, lockfileVersion 5, 6 and 9 (https://github.com/pnpm/spec/tree/master/lockfile): the whole graph.

It names no project: those of a workspace count together. Left out: what they need for development alone.
"""

import re
from collections.abc import Iterator, Mapping

import msgspec

from connectors._dependency_files import packages
from connectors._dependency_files.graph import Graph, Node, refused
from connectors._dependency_files.records import converted, converter
from connectors._dependency_files.trees import read_tree

SOURCE = "pnpm-lock.yaml"
OLD = re.compile(r"(?P<name>(?:@[^/]+/)?[^/]+)/(?P<version>[^/_(]+)(?:[_(].*)?", re.DOTALL)
NEW = re.compile(r"(?P<name>@?[^@(]+)@(?P<version>[^(]+)(?:\(.*)?", re.DOTALL)
MAIN = "."


class _Wanted(msgspec.Struct):
    version: str


class _Project(msgspec.Struct, rename="camel"):
    dependencies: dict[str, str | _Wanted] = {}
    optional_dependencies: dict[str, str | _Wanted] = {}


class _Resolution(msgspec.Struct):
    tarball: str = ""
    directory: str = ""
    repo: str = ""
    commit: str = ""

    @property
    def elsewhere(self) -> str:
        """Where it comes from; empty: from a registry."""
        return self.directory or self.repo or ("" if packages.from_registry(self.tarball) else self.tarball)


class _Package(msgspec.Struct, rename="camel"):
    resolution: _Resolution = msgspec.field(default_factory=_Resolution)
    dev: bool = False
    dependencies: dict[str, str] = {}
    optional_dependencies: dict[str, str] = {}


class _Lock(msgspec.Struct, rename="camel"):
    lockfile_version: str
    importers: dict[str, _Project] = {}
    dependencies: dict[str, str | _Wanted] = {}
    optional_dependencies: dict[str, str | _Wanted] = {}
    packages: dict[str, object] | None = None
    snapshots: dict[str, object] | None = None


_LOCK = converter(_Lock)
_PACKAGE = converter(_Package)


def parse(data: bytes) -> Graph:
    """Read the file. Raises `Malformed`; a bad entry costs itself."""
    tree = read_tree(data, SOURCE)
    problems: list[str] = []
    read = converted(tree, _LOCK, SOURCE, problems)
    if read is None:
        raise refused(problems[0])
    known = _packages(read.packages or {}, "packages", problems)
    installed = known if read.snapshots is None else _packages(read.snapshots, "snapshots", problems)
    pattern = OLD if read.lockfile_version.startswith(("4", "5")) else NEW
    nodes = {key: _node(key, entry, known, installed, pattern) for key, entry in installed.items()}
    projects = [*read.importers.values(), _Project(read.dependencies, read.optional_dependencies)]
    needs = dict.fromkeys(need for project in projects for need in _needs(_versions(project), installed))
    nodes[MAIN] = Node(MAIN, None, "the project itself", tuple(needs), own=True)
    return Graph(f"{SOURCE} {read.lockfile_version}", nodes, main=MAIN, strays=False, problems=tuple(problems))


def _packages(entries: Mapping[str, object], place: str, problems: list[str]) -> dict[str, _Package]:
    read = {}
    for key, value in entries.items():
        entry = converted({} if value is None else value, _PACKAGE, f"{place}[{key[:100]!r}]", problems)
        if entry is not None:
            read[key] = entry
    return read


def _node(
    key: str,
    entry: _Package,
    known: Mapping[str, _Package],
    installed: Mapping[str, _Package],
    pattern: re.Pattern[str],
) -> Node:
    read = pattern.fullmatch(key.removeprefix("/"))
    name, version = (read["name"], read["version"]) if read else (key, "")
    described = known.get(f"{name}@{version}", entry)
    elsewhere = described.resolution.elsewhere or entry.resolution.elsewhere
    purl = None if elsewhere else packages.npm(name, version)
    needs = tuple(_needs(entry.dependencies | entry.optional_dependencies, installed))
    return Node(packages.label(name), purl, f"{name} {elsewhere or version}", needs, apart=entry.dev)


def _versions(project: _Project) -> dict[str, str]:
    wanted = project.dependencies | project.optional_dependencies
    return {name: each if isinstance(each, str) else each.version for name, each in wanted.items()}


def _needs(wanted: Mapping[str, str], installed: Mapping[str, _Package]) -> Iterator[str]:
    """Yield the keys of packages: under the name that is wanted, or, where that is an alias, under the version's own."""
    for name, version in wanted.items():
        keys = (f"{name}@{version}", f"/{name}@{version}", f"/{name}/{version}", version)
        yield next((key for key in keys if key in installed), f"{name} {version}")
