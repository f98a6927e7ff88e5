"""Pipfile.lock (https://github.com/pypa/pipfile): everything that is installed, side by side; who needs what it does not tell."""

import msgspec

from connectors._dependency_files import packages
from connectors._dependency_files.graph import MAX_ENTRIES, Graph, Node, refused
from connectors._dependency_files.records import document, record

SOURCE = "Pipfile.lock"


class _Lock(msgspec.Struct):
    default: dict[str, msgspec.Raw] = {}


class _Package(msgspec.Struct):
    version: str = ""
    git: str = ""
    ref: str = ""
    path: str = ""
    file: str = ""


_LOCK = msgspec.json.Decoder(_Lock)
_PACKAGE = msgspec.json.Decoder(_Package)


def parse(data: bytes) -> Graph:
    """Read the file. Raises `Malformed`; a bad entry costs itself."""
    read = document(data, _LOCK, SOURCE)
    if len(read.default) > MAX_ENTRIES:
        raise refused(f"{SOURCE}: more than {MAX_ENTRIES} packages")
    nodes: dict[str, Node] = {}
    problems: list[str] = []
    for name, raw in read.default.items():
        entry = record(raw, _PACKAGE, f"default[{name[:100]!r}]", problems)
        if entry is not None:
            nodes[name] = _node(name, entry)
    return Graph(SOURCE, nodes, problems=tuple(problems))


def _node(name: str, read: _Package) -> Node:
    elsewhere = read.git or read.path or read.file
    exact = read.version.removeprefix("==").removeprefix("=")
    purl = None if elsewhere or exact == read.version else packages.pypi(name, exact)
    return Node(packages.label(name), purl, f"{name} {elsewhere or read.version or '(any)'}")
