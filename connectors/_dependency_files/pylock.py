"""pylock.toml (PEP 751, https://packaging.python.org/en/latest/specifications/pylock-toml/).

Whether a package tells what it needs is its tool's choice: where none does, all stand side by side. Left out: what is only installed with
a group that is no default one, or with an extra.
"""

import re
from collections.abc import Iterator, Mapping

import msgspec
from packaging.utils import canonicalize_name

from connectors._dependency_files import packages
from connectors._dependency_files.graph import Graph, Node, refused
from connectors._dependency_files.records import converter
from connectors._dependency_files.tables import entries, read_tables

SOURCE = "pylock.toml"
VERSION = "1."
ONE_OF = re.compile(r"""\s*['"]([^'"]{0,100})['"]\s+in\s+(?:dependency_groups|extras)\s*""")


class _Place(msgspec.Struct):
    url: str = ""
    path: str = ""


class _Need(msgspec.Struct):
    name: str
    version: str | None = None  # None: there is but one


class _Package(msgspec.Struct):
    name: str
    version: str = ""
    marker: str = ""
    vcs: _Place | None = None
    directory: _Place | None = None
    archive: _Place | None = None
    dependencies: list[_Need] | None = None  # None: the tool does not tell


_PACKAGE = converter(_Package)


def parse(data: bytes) -> Graph:
    """Read the file. Raises `Malformed`; a bad entry costs itself."""
    document = read_tables(data, SOURCE)
    version = str(document.get("lock-version", ""))
    if not version.startswith(VERSION):
        raise refused(f"{SOURCE}: lock-version {version!r}; 1.x is read")
    problems: list[str] = []
    read = list(entries(document.get("packages", []), _PACKAGE, place=f"{SOURCE} packages", problems=problems))
    default = document.get("default-groups", [])
    groups = frozenset(str(group) for group in default) if isinstance(default, list) else frozenset()
    by_name: dict[str, list[_Package]] = {}
    for package in read:
        by_name.setdefault(canonicalize_name(package.name), []).append(package)
    nodes = {_key(package): _node(package, by_name, groups) for package in read}
    return Graph(SOURCE, nodes, problems=tuple(problems))


def _key(package: _Package) -> str:
    return f"{package.name}@{package.version}"


def _node(package: _Package, by_name: Mapping[str, list[_Package]], groups: frozenset[str]) -> Node:
    name, place = packages.label(package.name), package.vcs or package.directory or package.archive
    elsewhere = "" if place is None else place.url or place.path or "of a place that is not named"
    purl = None if place else packages.pypi(package.name, package.version)
    needs = None if package.dependencies is None else tuple(_needs(package.dependencies, by_name))
    apart = _apart(package.marker, groups)
    return Node(name, purl, f"{name} {elsewhere or package.version}", needs, apart=apart)


def _apart(marker: str, groups: frozenset[str]) -> bool:
    """Whether the marker is no more than that one of some groups or extras was asked for, and none of them is a default."""
    clauses = [ONE_OF.fullmatch(clause) for clause in marker[:10_000].split(" or ")] if marker else []
    return bool(clauses) and all(clause is not None and clause[1] not in groups for clause in clauses)


def _needs(needs: list[_Need], by_name: Mapping[str, list[_Package]]) -> Iterator[str]:
    for need in needs:
        locked = by_name.get(canonicalize_name(need.name), [])
        meant = [_key(package) for package in locked if need.version in (None, package.version)]
        yield from meant[:20] or [f"{need.name} {need.version or '(any)'}"]
