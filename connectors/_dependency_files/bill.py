"""What the formats of SBOMs have in common: parts, of which some are packages of a registry, and what depends on what."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import msgspec

from connectors._dependency_files import packages
from connectors._dependency_files.graph import MAX_ENTRIES, REGISTRIES, Graph, Node, refused
from monitor.domain.release import Digest

KEPT = frozenset({"sha256", "sha512"})


@dataclass(frozen=True, slots=True)
class Part:
    """A component or package of an SBOM under its key there."""

    key: str
    name: str
    version: str
    purl: str
    apart: bool = False
    """For development alone, or said not to be installed."""
    digests: tuple[Digest, ...] = ()


class _Hash(msgspec.Struct):
    """A digest as CycloneDX (alg, content), SPDX 2 (algorithm, checksumValue) and SPDX 3 (algorithm, hashValue) write it."""

    alg: str = ""
    content: str = ""
    algorithm: str = ""
    checksum: str = msgspec.field(name="checksumValue", default="")
    hash: str = msgspec.field(name="hashValue", default="")


_HASHES = msgspec.json.Decoder(list[_Hash])
ABSENT = msgspec.Raw(b"")


def digests(raw: msgspec.Raw) -> tuple[Digest, ...]:
    """Return the sha256 and sha512 of a part. One that is none is passed over: the package is what it is without it."""
    found: list[Digest] = []
    try:
        hashes = _HASHES.decode(raw) if bytes(raw) else []
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ()
    for each in hashes:
        name = (each.alg or each.algorithm).lower().replace("-", "")
        try:
            found += [Digest(name, each.content or each.checksum or each.hash)] if name in KEPT else []
        except ValueError:
            continue
    return tuple(dict.fromkeys(found))


def graph(
    source: str, main: Part | None, parts: Iterable[Part], needs: Mapping[str, list[str]], problems: list[str]
) -> Graph:
    """Join them. `main` is what the SBOM is about; None: it names none, or several."""
    nodes: dict[str, Node] = {}
    for part in parts:
        nodes[part.key] = _node(part, needs)
        if len(nodes) > MAX_ENTRIES:
            raise refused(f"{source}: more than {MAX_ENTRIES} packages")
    if main:
        # Some tools name what it is about, and connect nothing with it.
        told = tuple(needs.get(main.key, ())) or None
        nodes[main.key] = Node(
            packages.label(main.name),
            packages.said(main.purl, main.name, main.version),
            needs=told,
            own=True,
            digests=main.digests,
        )
    # Tools connect what they do not list, such as files: that is no package, and nothing is missing.
    kept = {key: _within(node, nodes) for key, node in nodes.items()}
    return Graph(source, kept, main=main.key if main else "", strict=True, problems=tuple(problems))


def _node(part: Part, needs: Mapping[str, list[str]]) -> Node:
    said = packages.said(part.purl, part.name, part.version)
    purl = said if said and said.version and said.type in REGISTRIES else None
    told = tuple(dict.fromkeys(needs[part.key])) if part.key in needs else None
    words = part.purl or f"{part.name} {part.version}".rstrip()
    return Node(packages.label(part.name), purl, words, told, apart=part.apart, digests=part.digests)


def _within(node: Node, nodes: Mapping[str, Node]) -> Node:
    if node.needs is None or all(need in nodes for need in node.needs):
        return node
    needs = tuple(need for need in node.needs if need in nodes)
    return replace(node, needs=needs)
