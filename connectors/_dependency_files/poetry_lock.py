"""poetry.lock, versions 1 and 2 (https://python-poetry.org/docs/basic-usage/): what every package needs, and not what the project does.

The project's own dependencies are those that nothing else needs. Left out: what is of groups for development alone, and what is only
installed with an extra of the project.
"""

from collections.abc import Iterator, Mapping

import msgspec
from packaging.utils import canonicalize_name

from connectors._dependency_files import packages
from connectors._dependency_files.graph import Graph, Node
from connectors._dependency_files.records import converter
from connectors._dependency_files.tables import entries, read_tables

SOURCE = "poetry.lock"
MAIN = "main"


class _Source(msgspec.Struct):
    type: str = ""
    url: str = ""


class _Need(msgspec.Struct):
    version: str = ""
    optional: bool = False
    markers: str = ""


class _Package(msgspec.Struct):
    name: str
    version: str
    optional: bool = False
    category: str = MAIN
    groups: list[str] = msgspec.field(default_factory=lambda: [MAIN])
    source: _Source = msgspec.field(default_factory=_Source)
    dependencies: dict[str, str | _Need | list[str | _Need]] = {}


_PACKAGE = converter(_Package)


def parse(data: bytes) -> Graph:
    """Read the file. Raises `Malformed`; a bad entry costs itself."""
    problems: list[str] = []
    document = read_tables(data, SOURCE)
    read = list(entries(document.get("package", []), _PACKAGE, place=f"{SOURCE} package", problems=problems))
    by_name: dict[str, list[str]] = {}
    for package in read:
        by_name.setdefault(canonicalize_name(package.name), []).append(_key(package))
    return Graph(SOURCE, {_key(package): _node(package, by_name) for package in read}, problems=tuple(problems))


def _key(package: _Package) -> str:
    return f"{package.name}@{package.version}"


def _node(package: _Package, by_name: Mapping[str, list[str]]) -> Node:
    name = packages.label(package.name)
    elsewhere = package.source.url if package.source.type in {"git", "url", "directory", "file"} else ""
    purl = None if elsewhere else packages.pypi(package.name, package.version)
    apart = package.optional or package.category != MAIN or MAIN not in package.groups
    return Node(name, purl, f"{name} {elsewhere or package.version}", tuple(_needs(package, by_name)), apart=apart)


def _needs(package: _Package, by_name: Mapping[str, list[str]]) -> Iterator[str]:
    """Yield what it needs and is locked. Of what is not, nothing is installed: it is for another platform."""
    for name, declared in package.dependencies.items():
        several = declared if isinstance(declared, list) else [declared]
        if all(isinstance(each, _Need) and (each.optional or "extra ==" in each.markers) for each in several):
            continue  # only with an extra, which the lock does not name
        yield from by_name.get(canonicalize_name(name), [])[:20]
