"""A folder of SBOMs, one a host or image: CycloneDX (1.2 to 1.7) and SPDX (2.2, 2.3, 3.0) as JSON. MCP servers in them become deployments.

Knows: packages of npm and PyPI with the version that lies there, and the digest if one stands beside it. Does not know: whether a package
is ever started, and by whom; commands; what the tool that wrote the SBOM did not look at.

The host is what the SBOM is about (CycloneDX `metadata.component`, SPDX what the document describes); one that names nothing, or several
things, is about the file's own name. The place is the file: one that is written anew under the same name is the same place.
"""

import asyncio
from collections.abc import Collection, Iterator
from pathlib import Path

from connectors._dependency_files.graph import Graph, Node, limited
from connectors._dependency_files.in_json import of_json
from connectors._reading_files.matching import matching
from connectors._reading_files.opening import opened
from connectors._sightings import Listed, Sightings, marked, serves
from monitor.domain.deployment import Deployment, Inventory, PinKind
from monitor.domain.purl import Purl
from monitor.domain.release import Digest
from monitor.ports.errors import Malformed, NotFound, Unavailable
from monitor.ports.sources import DeploymentSource

NAME = "sbom"
INSIDE = "*.json"
"""The files that are read where a folder is named."""

MAX_BYTES = 64 * 2**20
"""Of one file."""

PREFERRED = {"npm": ("sha512", "sha256"), "pypi": ("sha256", "sha512")}
"""Which digest the registry itself announces."""


def build(path: str | Path, *, listed: Listed) -> DeploymentSource:
    """Read the files anew at each call: a folder, a pattern of names (`*`), or one file."""
    return SbomInventory(Path(path), listed)


class SbomInventory:
    """The SBOMs of one folder."""

    def __init__(self, path: Path, listed: Listed) -> None:
        """Hold the name; nothing is read yet."""
        self._path = path
        self._listed = listed

    @property
    def name(self) -> str:
        """The connector's name and its place, for people."""
        return f"{NAME} {self._path}"

    async def inventory(self) -> Inventory:
        """Return the MCP servers of all files. A file that cannot be read costs itself, and makes the inventory incomplete.

        Raises NotFound where there is no file, Malformed where none could be read, and what `listed` raises.
        """
        return await asyncio.to_thread(self._read)

    def _read(self) -> Inventory:
        listed, sightings = self._listed(), Sightings(self.name)
        files = matching(self._path, inside=INSIDE, source=self.name)
        unread: list[str] = []
        for path in files:
            try:
                found, problems = parse_sbom(_bytes(path, self.name), path, listed)
            except (Malformed, NotFound, Unavailable) as error:
                unread.append(f"{path}: {error.detail}")
                continue
            sightings.add(found)
            for problem in problems:
                sightings.problem(f"{path}: {problem}")
        if len(unread) == len(files):
            raise Malformed(self.name, f"no file could be read ({unread[0]})")
        for words in unread:
            sightings.problem(words)
        return sightings.inventory(complete=not unread)


def _bytes(path: Path, source: str) -> bytes:
    try:
        with opened(path, source=source) as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Unavailable(source, f"cannot be read: {error.strerror}") from error


def parse_sbom(data: bytes, path: Path, listed: Collection[Purl]) -> tuple[tuple[Deployment, ...], tuple[str, ...]]:
    """Read one document: its MCP servers, and the entries that could not be read. Raises Malformed for the document as a whole."""
    if len(data) > MAX_BYTES:
        raise Malformed(NAME, f"over {MAX_BYTES} bytes")
    text = data.removeprefix(b"\xef\xbb\xbf")
    if not text.lstrip().startswith(b"{"):
        raise Malformed(NAME, "no JSON; export the SBOM as CycloneDX or SPDX in JSON")
    try:
        parse = of_json(text, path.name)
    except Malformed as error:
        reason = error.detail.removeprefix(f"{path.name}: ").partition("; expected")[0]
        raise Malformed(NAME, f"{reason}; expected CycloneDX or SPDX") from error
    graph = limited(parse(text))
    if not graph.strict:
        raise Malformed(NAME, f"{graph.source}, and no SBOM")
    host = graph.nodes[graph.main].label if graph.main in graph.nodes else path.stem
    nodes = [node for node in graph.nodes.values() if not node.apart]
    deployments = dict.fromkeys(each for node in nodes for each in _deployment(node, host, str(path), listed))
    return tuple(deployments), (*graph.problems, *_without_version(graph))


def _deployment(node: Node, host: str, path: str, listed: Collection[Purl]) -> Iterator[Deployment]:
    purl = node.purl
    if purl is None or not purl.version or purl.type not in PREFERRED or not serves(purl, listed):
        return
    yield Deployment(
        host=host,
        client=NAME,
        location=path,
        name=purl.label,
        kind=PinKind.EXACT,
        purl=purl,
        digest=_digest(purl, node.digests),
    )


def _digest(purl: Purl, digests: Collection[Digest]) -> Digest | None:
    by_name = {each.algorithm: each for each in digests}
    return next((by_name[name] for name in PREFERRED[purl.type] if name in by_name), None)


def _without_version(graph: Graph) -> Iterator[str]:
    """What sounds like a server and cannot be named exactly is told of, and not left out."""
    for node in graph.nodes.values():
        types = ("pkg:npm/", "pkg:pypi/")
        if node.purl is None and not node.own and node.words.startswith(types) and marked(node.label):
            yield f"{node.label} stands there at no version that can be read"
