"""SPDX 2.2, 2.3 and 3.0 as JSON (https://spdx.github.io/spdx-spec/): what it describes, its packages, and their relationships.

Left out: what is only a dependency for development, tests or building.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

import msgspec

from connectors._dependency_files.bill import ABSENT, Part, digests, graph
from connectors._dependency_files.graph import MAX_ENTRIES, MAX_NEEDS, Graph, refused
from connectors._dependency_files.records import document, record

T = TypeVar("T")
VERSION = re.compile(r"SPDX-2\.[23]")
FORWARD = frozenset(
    {"DEPENDS_ON", "CONTAINS", "DEPENDSON", "HASDYNAMICLINK", "HASSTATICLINK", "DYNAMIC_LINK", "STATIC_LINK"}
)
BACKWARD = frozenset(
    {"DEPENDENCY_OF", "CONTAINED_BY", "RUNTIME_DEPENDENCY_OF", "OPTIONAL_DEPENDENCY_OF", "PROVIDED_DEPENDENCY_OF"}
)
APART = frozenset(
    {"DEV_DEPENDENCY_OF", "TEST_DEPENDENCY_OF", "BUILD_DEPENDENCY_OF", "DEV_TOOL_OF", "TEST_TOOL_OF", "BUILD_TOOL_OF"}
)
SCOPES_APART = frozenset({"development", "test", "build"})
DESCRIBES = "DESCRIBES"
DOCUMENT = "SPDXRef-DOCUMENT"


class _Reference(msgspec.Struct, rename="camel"):
    reference_type: str = ""
    reference_locator: str = ""


class _Package(msgspec.Struct, rename="camel"):
    name: str
    key: str = msgspec.field(name="SPDXID")
    version_info: str = ""
    external_refs: list[_Reference] = []
    checksums: msgspec.Raw = ABSENT


class _Relationship(msgspec.Struct, rename="camel"):
    spdx_element_id: str
    relationship_type: str
    related_spdx_element: str


class _Document(msgspec.Struct, rename="camel"):
    spdx_version: str
    document_describes: list[str] = []
    packages: list[msgspec.Raw] = []
    relationships: list[msgspec.Raw] = []


class _Wrapped(msgspec.Struct):
    """As GitHub's API hands it out."""

    sbom: msgspec.Raw = msgspec.Raw(b"null")


class _Identifier(msgspec.Struct, rename="camel"):
    external_identifier_type: str = ""
    identifier: str = ""


class _Element(msgspec.Struct, rename="camel"):
    """Any element of SPDX 3: a package, a relationship, or the document."""

    type: str
    key: str = msgspec.field(name="spdxId", default="")
    name: str = ""
    version: str = msgspec.field(name="software_packageVersion", default="")
    purl: str = msgspec.field(name="software_packageUrl", default="")
    external_identifier: list[_Identifier] = []
    verified_using: msgspec.Raw = ABSENT
    source: str = msgspec.field(name="from", default="")
    to: list[str] = []
    relationship_type: str = ""
    scope: str = ""
    root_element: list[str] = []


class _Newer(msgspec.Struct):
    elements: list[msgspec.Raw] = msgspec.field(name="@graph")


@dataclass(frozen=True, slots=True)
class _Edge:
    source: str
    kind: str
    target: str


_DOCUMENT = msgspec.json.Decoder(_Document)
_WRAPPED = msgspec.json.Decoder(_Wrapped)
_PACKAGE = msgspec.json.Decoder(_Package)
_RELATIONSHIP = msgspec.json.Decoder(_Relationship)
_NEWER = msgspec.json.Decoder(_Newer)
_ELEMENT = msgspec.json.Decoder(_Element)


def parse(data: bytes) -> Graph:
    """Read a document of version 2. Raises `Malformed`; a bad entry costs itself."""
    inner = bytes(document(data, _WRAPPED, "SPDX").sbom)
    read = document(data if inner == b"null" else inner, _DOCUMENT, "SPDX")
    if not VERSION.fullmatch(read.spdx_version):
        raise refused(f"SPDX: version {read.spdx_version!r}; SPDX-2.2, SPDX-2.3 and SPDX-3.0 are read")
    problems: list[str] = []
    packages = list(_each(read.packages, _PACKAGE, "packages", MAX_ENTRIES, problems))
    related = list(_each(read.relationships, _RELATIONSHIP, "relationships", MAX_NEEDS, problems))
    edges = [_Edge(each.spdx_element_id, each.relationship_type, each.related_spdx_element) for each in related]
    described = [*read.document_describes, *(edge.target for edge in edges if edge.kind == DESCRIBES)]
    parts = [
        Part(each.key, each.name, each.version_info, _purl(each), digests=digests(each.checksums)) for each in packages
    ]
    return _graph(read.spdx_version.replace("-", " "), parts, edges, described, problems)


def parse_newer(data: bytes) -> Graph:
    """Read a document of version 3. Raises `Malformed`; a bad entry costs itself."""
    read = document(data, _NEWER, "SPDX")
    problems: list[str] = []
    elements = list(_each(read.elements, _ELEMENT, "@graph", MAX_ENTRIES + MAX_NEEDS, problems))
    packages = [each for each in elements if each.type == "software_Package"]
    described = [key for each in elements if each.type == "software_Sbom" for key in each.root_element]
    described += [
        key for each in elements if each.type == "SpdxDocument" and not described for key in each.root_element
    ]
    parts = [
        Part(each.key, each.name, each.version, each.purl or _identified(each), digests=digests(each.verified_using))
        for each in packages
    ]
    return _graph("SPDX 3.0", parts, list(_newer_edges(elements)), described, problems)


def _newer_edges(elements: Iterable[_Element]) -> Iterator[_Edge]:
    for each in elements:
        kind = each.relationship_type.upper()
        for target in each.to if kind else ():
            if each.scope in SCOPES_APART:
                yield _Edge(target, "DEV_DEPENDENCY_OF", each.source)
            else:
                yield _Edge(each.source, kind, target)


def _each(
    raws: list[msgspec.Raw], decoder: msgspec.json.Decoder[T], place: str, limit: int, problems: list[str]
) -> Iterator[T]:
    """Yield the good entries; each bad one is a problem with its place."""
    if len(raws) > limit:
        raise refused(f"SPDX: more than {limit} {place}")
    for number, raw in enumerate(raws):
        read = record(raw, decoder, f"{place}[{number}]", problems)
        if read is not None:
            yield read


def _purl(read: _Package) -> str:
    return next((each.reference_locator for each in read.external_refs if each.reference_type == "purl"), "")


def _identified(read: _Element) -> str:
    kinds = ("packageUrl", "packageURL", "purl")
    return next((one.identifier for one in read.external_identifier if one.external_identifier_type in kinds), "")


def _graph(source: str, parts: list[Part], edges: list[_Edge], described: list[str], problems: list[str]) -> Graph:
    needs: dict[str, list[str]] = {}
    for edge in edges:
        if DOCUMENT in (edge.source, edge.target):
            continue
        if edge.kind in FORWARD:
            needs.setdefault(edge.source, []).append(edge.target)
        elif edge.kind in BACKWARD:
            needs.setdefault(edge.target, []).append(edge.source)
    needed = {key for keys in needs.values() for key in keys}
    apart = {edge.source for edge in edges if edge.kind in APART} - needed
    known = {part.key: part for part in parts}
    about = [known[key] for key in dict.fromkeys(described) if key in known]
    marked = [replace(part, apart=part.key in apart) for part in parts]
    return graph(source, about[0] if len(about) == 1 else None, marked, needs, problems)
