"""What a lock file or an SBOM tells, whatever its format, and what of it the server brings along."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from connectors._dependency_files import packages
from monitor.domain.dependency import Dependencies, Dependency
from monitor.domain.purl import Purl
from monitor.domain.release import Digest
from monitor.domain.text import one_line
from monitor.ports.errors import Malformed

NAME = "dependency-file"
MAX_ENTRIES = 100_000
MAX_NEEDS = 500_000
MAX_PATH = 32
"""Names of a path. Of a longer one the middle is an ellipsis."""
MAX_UNRESOLVED = 1000
"""More are counted, not listed."""
MAX_DETAIL = 300
CUT = "…"
REGISTRIES = frozenset({"npm", "pypi"})
PLACEHOLDER = "0.0.0"
"""How the versions begin that projects carry whose releases are numbered when they are built."""


@dataclass(frozen=True, slots=True)
class Node:
    """A package of a file.

    `needs` are keys of nodes; one that is no key is itself the words about what stands at no known version.
    """

    label: str
    purl: Purl | None  # None: it is of no registry, or at no version that can be read
    words: str = ""
    """What is said of one without a purl."""
    needs: tuple[str, ...] | None = None  # None: the file does not tell
    own: bool = False
    """The project itself, or a part of it: its purl says who it is, and may have no version."""
    apart: bool = False
    """Not installed with the package, as the file marks it: for development alone, or in an extra."""
    digests: tuple[Digest, ...] = ()
    """Of the package's file, where the format has them beside it; they say nothing of what lies unpacked on a disk."""


@dataclass(frozen=True, slots=True)
class Graph:
    """A file that was read. `source` is its format, for people."""

    source: str
    nodes: Mapping[str, Node]
    main: str = ""
    """The key of the project, or of what an SBOM is about; empty: the file does not tell."""
    strict: bool = False
    """Whether the file is about its main package and no other."""
    strays: bool = True
    """Whether a package counts to which no way leads from the main one: the file does not tell every way."""
    whole: bool = True
    problems: tuple[str, ...] = ()
    """Entries that could not be read, with their places."""


def refused(detail: str) -> Malformed:
    """Return the error about a file as a whole."""
    return Malformed(NAME, one_line(detail, MAX_DETAIL))


def limited(graph: Graph) -> Graph:
    """Return the graph. Raises `Malformed` where it is larger than what is read."""
    needs = sum(len(node.needs or ()) for node in graph.nodes.values())
    if len(graph.nodes) > MAX_ENTRIES or needs > MAX_NEEDS:
        raise refused(f"more than {MAX_ENTRIES} packages, or {MAX_NEEDS} dependencies between them")
    return graph


def dependencies(graph: Graph, of: Purl, *, stamp: str) -> Dependencies:
    """Return what the version brings along, each package by the shortest way that is told.

    Where the server is a package of an application's file, what lies below it. Raises `Malformed` for a file about something else.
    """
    found: dict[Purl, Dependency] = {}
    unresolved: dict[str, None] = dict.fromkeys(graph.problems)
    for key, path in _ways(graph, _starts(graph, of)):
        node = graph.nodes.get(key)
        if node is None or node.purl is None or node.own:
            unresolved.setdefault(packages.words(_words(node) if node else key))
        elif not packages.same(node.purl, of):
            found.setdefault(node.purl, Dependency(node.purl, path))
    listed = tuple(unresolved)
    if len(listed) > MAX_UNRESOLVED:
        listed = (*listed[:MAX_UNRESOLVED], f"and {len(listed) - MAX_UNRESOLVED} more")
    return Dependencies(of, graph.source, graph.whole, tuple(found.values()), listed, stamp)


def _words(node: Node) -> str:
    return node.words or f"{node.label} a part of the project"


def _starts(graph: Graph, of: Purl) -> tuple[str, ...]:
    """The nodes that are the server's version; else the project with its parts, empty where the file names none.

    Raises `Malformed` for a file about something else.
    """
    main = graph.nodes.get(graph.main)
    about = main.purl if main and main.purl and _comparable(main.purl, of) else None
    if graph.strict and about and main and not _is(main, of):
        raise refused(f"{graph.source} is about {about}, and not about {of}")
    named = {key: node for key, node in graph.nodes.items() if _names(node, of)}
    exact = [key for key, node in named.items() if _is(node, of)]
    if exact:
        return tuple(key for key in exact if not named[key].apart) or tuple(exact)
    if named:
        others = sorted({node.purl.version or "" for node in named.values() if node.purl})
        raise refused(f"{graph.source} holds {of.label} at {', '.join(others[:5])}, and not at {of.version}")
    if about:
        raise refused(f"{graph.source} is about {about}, and does not hold {of}")
    return tuple(key for key, node in graph.nodes.items() if node.own and not node.apart)


def _comparable(main: Purl, of: Purl) -> bool:
    """Whether two names that differ are two things. A repository, or an image, has another name than the package in it."""
    return main.type == of.type or {main.type, of.type} <= REGISTRIES


def _names(node: Node, of: Purl) -> bool:
    return node.purl is not None and node.purl.name == of.name and node.purl.package == of.package


def _is(node: Node, of: Purl) -> bool:
    """Whether it is that version; a project that is numbered only when it is released may be any."""
    if node.purl is None or not _names(node, of):
        return False
    version = node.purl.version
    return packages.same(node.purl, of) or (node.own and (version is None or version.startswith(PLACEHOLDER)))


def _ways(graph: Graph, starts: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each key that counts, once, with the shortest path to it, nearest first."""
    nodes = graph.nodes
    told = [needs for key in starts if (needs := nodes[key].needs) is not None]
    below = bool(told) and not any(nodes[key].own for key in starts)
    apart = frozenset() if below else frozenset(key for key, node in nodes.items() if node.apart)
    seen = {*starts, *apart}
    yield from _walk(nodes, dict.fromkeys(need for needs in told for need in needs), seen)
    # Behind an entry that could not be read there are others, to which no way leads any more.
    if not below and (graph.strays or graph.problems or not told):
        own = {key: node for key, node in nodes.items() if node.own and key not in seen}
        seen.update(own)
        yield from _walk(nodes, [need for node in own.values() for need in node.needs or ()], seen)
        yield from _walk(nodes, _tops(nodes, seen), seen)
        # What is left stands in circles to which nothing leads.
        yield from ((key, (_label(key, node),)) for key, node in nodes.items() if key not in seen)


def _tops(nodes: Mapping[str, Node], seen: AbstractSet[str]) -> list[str]:
    """What nothing else needs, which is what the project needs."""
    unseen = {key: node for key, node in nodes.items() if key not in seen}
    needed = {need for key, node in unseen.items() for need in node.needs or () if need != key}
    return [key for key in unseen if key not in needed]


def _walk(nodes: Mapping[str, Node], first: Iterable[str], seen: set[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Walk in breadth, and put what was found into `seen`."""
    queue: deque[tuple[str, tuple[str, ...]]] = deque((key, ()) for key in first)
    while queue:
        key, above = queue.popleft()
        if key in seen:
            continue
        seen.add(key)
        node = nodes.get(key)
        path = _longer(above, _label(key, node))
        yield key, path
        queue.extend((need, path) for need in (node.needs or () if node else ()) if need not in seen)


def _label(key: str, node: Node | None) -> str:
    """The package's own name, whatever an alias or another spelling calls it."""
    if node is None:
        return packages.label(key)
    return node.purl.label if node.purl else node.label


def _longer(above: tuple[str, ...], label: str) -> tuple[str, ...]:
    return (*above, label) if len(above) < MAX_PATH else (*above[: MAX_PATH - 2], CUT, label)
