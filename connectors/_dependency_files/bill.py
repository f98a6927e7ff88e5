"""What the formats of SBOMs have in common: parts, of which some are packages of a registry, and what depends on what."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from connectors._dependency_files import packages
from connectors._dependency_files.graph import MAX_ENTRIES, REGISTRIES, Graph, Node, refused


@dataclass(frozen=True, slots=True)
class Part:
    """A component or package of an SBOM under its key there."""

    key: str
    name: str
    version: str
    purl: str
    apart: bool = False
    """For development alone, or said not to be installed."""


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
            packages.label(main.name), packages.said(main.purl, main.name, main.version), needs=told, own=True
        )
    # Tools connect what they do not list, such as files: that is no package, and nothing is missing.
    kept = {key: _within(node, nodes) for key, node in nodes.items()}
    return Graph(source, kept, main=main.key if main else "", strict=True, problems=tuple(problems))


def _node(part: Part, needs: Mapping[str, list[str]]) -> Node:
    said = packages.said(part.purl, part.name, part.version)
    purl = said if said and said.version and said.type in REGISTRIES else None
    told = tuple(dict.fromkeys(needs[part.key])) if part.key in needs else None
    words = part.purl or f"{part.name} {part.version}".rstrip()
    return Node(packages.label(part.name), purl, words, told, apart=part.apart)


def _within(node: Node, nodes: Mapping[str, Node]) -> Node:
    if node.needs is None or all(need in nodes for need in node.needs):
        return node
    needs = tuple(need for need in node.needs if need in nodes)
    return Node(node.label, node.purl, node.words, needs, own=node.own, apart=node.apart)
