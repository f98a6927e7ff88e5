"""CycloneDX 1.2 to 1.7 as JSON (https://cyclonedx.org/docs/1.6/json/): what it is about, its components, and what depends on what.

Left out: components of the scope `excluded`, and those that npm's generator marks as for development.
"""

import re
from collections.abc import Iterator

import msgspec

from connectors._dependency_files.bill import ABSENT, Part, digests, graph
from connectors._dependency_files.graph import MAX_ENTRIES, Graph, refused
from connectors._dependency_files.records import document, record

VERSION = re.compile(r"1\.[2-7]")
MAX_DEPTH = 16
NO_PACKAGES = frozenset(
    {"file", "operating-system", "device", "device-driver", "firmware", "data", "cryptographic-asset"}
)
MARKS = frozenset({("cdx:npm:package:development", "true"), ("cdx:pipenv:category", "develop")})


class _Property(msgspec.Struct):
    name: str = ""
    value: str = ""


class _Component(msgspec.Struct):
    name: str
    type: str = ""
    group: str = ""
    version: str = ""
    purl: str = ""
    scope: str = ""
    ref: str = msgspec.field(name="bom-ref", default="")
    properties: list[_Property] = []
    hashes: msgspec.Raw = ABSENT
    components: list[msgspec.Raw] = []


class _Metadata(msgspec.Struct):
    component: _Component | None = None  # None: it does not say what it is about


class _Dependency(msgspec.Struct, rename="camel"):
    ref: str
    depends_on: list[str] = []


class _Bom(msgspec.Struct, rename="camel"):
    spec_version: str
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)
    components: list[msgspec.Raw] = []
    dependencies: list[msgspec.Raw] = []


_BOM = msgspec.json.Decoder(_Bom)
_COMPONENT = msgspec.json.Decoder(_Component)
_DEPENDENCY = msgspec.json.Decoder(_Dependency)


def parse(data: bytes) -> Graph:
    """Read the document. Raises `Malformed`; a bad entry costs itself."""
    read = document(data, _BOM, "CycloneDX")
    source = f"CycloneDX {read.spec_version}"
    if not VERSION.fullmatch(read.spec_version):
        raise refused(f"{source}; 1.2 to 1.7 are read")
    problems: list[str] = []
    about = read.metadata.component
    inner = about.components if about else []
    parts = list(_parts([*inner, *read.components], problems))
    return graph(source, _part(about, "main") if about else None, parts, _needs(read.dependencies, problems), problems)


def _parts(components: list[msgspec.Raw], problems: list[str]) -> Iterator[Part]:
    """Yield the packages of all levels: what contains others says nothing of who needs whom."""
    queue = [(raw, f"components[{number}]", 0) for number, raw in enumerate(components)]
    for raw, place, depth in queue:  # it grows on the way
        read = record(raw, _COMPONENT, place, problems)
        if read is None:
            continue
        if depth == MAX_DEPTH and read.components:
            raise refused(f"CycloneDX: {place} is deeper than {MAX_DEPTH} levels")
        queue += [(each, f"{place}.components[{number}]", depth + 1) for number, each in enumerate(read.components)]
        if len(queue) > MAX_ENTRIES:
            raise refused(f"CycloneDX: more than {MAX_ENTRIES} components")
        if read.purl or read.type not in NO_PACKAGES:
            yield _part(read, place)


def _part(read: _Component, place: str) -> Part:
    name = f"{read.group}/{read.name}" if read.group else read.name
    marked = any((each.name, each.value) in MARKS for each in read.properties)
    apart = marked or read.scope == "excluded"
    return Part(read.ref or place, name, read.version, read.purl, apart, digests(read.hashes))


def _needs(entries: list[msgspec.Raw], problems: list[str]) -> dict[str, list[str]]:
    needs: dict[str, list[str]] = {}
    for number, raw in enumerate(entries):
        read = record(raw, _DEPENDENCY, f"dependencies[{number}]", problems)
        if read is not None:
            needs.setdefault(read.ref, []).extend(read.depends_on)
    return needs
