"""uv.lock: the whole graph, with the projects of the workspace in it (https://docs.astral.sh/uv/concepts/projects/layout/).

Left out: the groups for development, and the extras of the project, which nobody gets who does not ask for them. Extras that a package
asks of another one are followed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import msgspec

from connectors._dependency_files import packages
from connectors._dependency_files.graph import Graph, Node
from connectors._dependency_files.records import converter
from connectors._dependency_files.tables import entries, read_tables

SOURCE = "uv.lock"
HERE = (".", "./")
MAX_VERSIONS = 20
"""Of one package, for markers that exclude each other."""


class _Source(msgspec.Struct):
    registry: str | None = None
    editable: str | None = None
    virtual: str | None = None
    directory: str | None = None
    path: str | None = None
    git: str | None = None
    url: str | None = None

    @property
    def project(self) -> str | None:
        """The folder of a project; None: it is none."""
        return next((place for place in (self.editable, self.virtual, self.directory) if place is not None), None)


class _Need(msgspec.Struct):
    name: str
    version: str | None = None  # None: there is but one
    extra: list[str] = []


class _Package(msgspec.Struct, rename="kebab"):
    name: str
    version: str = ""
    source: _Source = msgspec.field(default_factory=_Source)
    dependencies: list[_Need] = []
    optional_dependencies: dict[str, list[_Need]] = {}


_PACKAGE = converter(_Package)


def parse(data: bytes) -> Graph:
    """Read the file. Raises `Malformed`; a bad entry costs itself."""
    problems: list[str] = []
    document = read_tables(data, SOURCE)
    read = list(entries(document.get("package", []), _PACKAGE, place=f"{SOURCE} package", problems=problems))
    by_name: dict[str, list[_Package]] = {}
    for package in read:
        by_name.setdefault(package.name, []).append(package)
    nodes = {_key(package): _node(package, by_name) for package in read}
    for package, extra in _asked(read, by_name):
        node, needs = nodes[_key(package)], _keys(package.optional_dependencies[extra], by_name)
        nodes[_key(package, extra)] = replace(node, needs=tuple(needs))
    projects = [package for package in read if package.source.project is not None]
    main = next((package for package in projects if package.source.project in HERE), next(iter(projects), None))
    return Graph(SOURCE, nodes, main=_key(main) if main else "", strays=main is None, problems=tuple(problems))


def _asked(read: list[_Package], by_name: Mapping[str, list[_Package]]) -> Iterator[tuple[_Package, str]]:
    """Yield the extras that a package asks of another one."""
    queue = [need for package in read for need in package.dependencies]
    seen: set[tuple[str, str]] = set()
    for need in queue:  # it grows on the way
        for extra in need.extra:
            for package in _meant(need, by_name):
                if extra in package.optional_dependencies and (_key(package), extra) not in seen:
                    seen.add((_key(package), extra))
                    queue += package.optional_dependencies[extra]
                    yield package, extra


def _key(package: _Package, extra: str = "") -> str:
    return f"{package.name}@{package.version}" + (f"[{extra}]" if extra else "")


def _node(package: _Package, by_name: Mapping[str, list[_Package]]) -> Node:
    source, needs = package.source, tuple(_keys(package.dependencies, by_name))
    name = packages.label(package.name)
    if source.project is not None:
        return Node(
            name,
            packages.project("pypi", package.name, package.version),
            f"{name} at {source.project}",
            needs,
            own=True,
        )
    elsewhere = source.git or source.url or source.path
    purl = None if elsewhere else packages.pypi(package.name, package.version)
    return Node(name, purl, f"{name} {elsewhere or package.version}", needs)


def _keys(needs: list[_Need], by_name: Mapping[str, list[_Package]]) -> Iterator[str]:
    for need in needs:
        meant = _meant(need, by_name)
        if not meant:
            yield f"{need.name} {need.version or '(any)'}"
        for package in meant:
            yield _key(package)
            yield from (_key(package, extra) for extra in need.extra if extra in package.optional_dependencies)


def _meant(need: _Need, by_name: Mapping[str, list[_Package]]) -> list[_Package]:
    """The packages that are meant: where several versions are locked, the one that is named, else all of them."""
    locked = by_name.get(need.name, [])[:MAX_VERSIONS]
    return [package for package in locked if need.version in (None, package.version)]
