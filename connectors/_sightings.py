"""What inventories have in common that list everything on a machine: which of it is an MCP server, each place once, problems counted."""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from connectors._launch.command import parse
from connectors._launch.launch import Launch, local
from monitor.domain.deployment import Deployment, HostReport, Inventory
from monitor.domain.purl import Purl
from monitor.domain.text import one_line
from monitor.ports.errors import Malformed

Listed = Callable[[], Collection[Purl]]
"""The packages, without versions, in the registry of approved servers; asked when the inventory is read. May raise the four errors."""

MARKS = ("mcp", "modelcontextprotocol", "model-context-protocol")
"""What servers that nobody approved are known by: one of these in their name, in any capitals."""

LIBRARIES = frozenset(
    {
        *map(
            Purl.npm,
            (
                "@modelcontextprotocol/sdk",
                "@modelcontextprotocol/inspector",
                "@modelcontextprotocol/inspector-cli",
                "@modelcontextprotocol/inspector-client",
                "@modelcontextprotocol/inspector-server",
                "@modelcontextprotocol/ext-apps",
                "fastmcp",
                "mcp-framework",
                "mcp-use",
                "@ai-sdk/mcp",
                "@langchain/mcp-adapters",
                "@vercel/mcp-adapter",
                "mcp-handler",
            ),
        ),
        *map(
            Purl.pypi,
            ("mcp", "fastmcp", "mcpadapt", "langchain-mcp-adapters", "llama-index-tools-mcp", "mcp-use"),
        ),
    }
)
"""Packages with such a name that are parts of servers and clients, and no servers. In the registry they count all the same."""

INSTALLED = re.compile(r"node_modules[/\\]((?:@[^/\\]+[/\\])?[^/\\@.][^/\\]*)(?![\s\S]*node_modules[/\\])")
"""The innermost package of a path below node_modules."""

MAX_PROBLEMS = 1000
"""More are counted, not listed."""

MAX_PLACES = 1_000_000
MAX_TEXT = 1000
MAX_WORDS = 300


def serves(package: Purl | None, listed: Collection[Purl]) -> bool:
    """Say whether a package may be an MCP server: it is in the registry, or its name says so."""
    if package is None:
        return False
    bare = package.package
    return bare in listed or (bare not in LIBRARIES and marked(bare.label))


def launches_server(launch: Launch, listed: Collection[Purl]) -> bool:
    """Say whether a command starts an MCP server, in itself or in what it starts in turn."""
    inner = (launch.inner,) if launch.inner else ()
    return serves(launch.purl, listed) or any(launches_server(each, listed) for each in (*inner, *launch.beside))


def server_launch(argv: Sequence[str], listed: Collection[Purl]) -> Launch | None:
    """Read a command; None: it starts no MCP server that can be named.

    A script below `node_modules` is of the package that its folder names, at a version that stands there.
    """
    if not argv:
        return None
    launch = parse(argv[0], argv[1:])
    return launch if launches_server(launch, listed) else _installed(argv, listed)


def _installed(argv: Sequence[str], listed: Collection[Purl]) -> Launch | None:
    for word in argv[:8]:
        found = INSTALLED.search(word[:MAX_TEXT])
        if found and found[1].isprintable() and serves(purl := Purl.npm(found[1].replace("\\", "/")), listed):
            return replace(local("a script in node_modules, its version stands there"), purl=purl)
    return None


def marked(text: str) -> bool:
    """Say whether a name is an MCP server's by the sound of it."""
    lowered = text.lower()
    return any(mark in lowered for mark in MARKS)


class Sightings:
    """Collects what was seen, and what could not be read."""

    def __init__(self, source: str) -> None:
        """Hold the inventory's name."""
        self._source = source
        self._places: dict[str, dict[Deployment, None]] = {}
        self._problems: list[str] = []
        self._bad = 0
        self._count = 0

    def add(self, deployments: Iterable[Deployment]) -> None:
        """Take deployments. One that was seen before, just as it is, is the same. Raises Malformed for too many."""
        for deployment in deployments:
            texts = (deployment.host, deployment.client, deployment.location, deployment.name)
            if any("\0" in text or len(text) > MAX_TEXT for text in texts) or not deployment.host:
                self.problem(f"{deployment.host}: {deployment.name}: the names of the place are empty, or no names")
                continue
            there = self._places.setdefault(deployment.key, {})
            self._count += deployment not in there
            there[deployment] = None
            if self._count > MAX_PLACES:
                raise Malformed(self._source, f"over {MAX_PLACES} deployments")

    def problem(self, words: str) -> None:
        """Take what could not be read, and where."""
        self._bad += 1
        if self._bad <= MAX_PROBLEMS:
            self._problems.append(one_line(words, MAX_WORDS))

    @property
    def problems(self) -> int:
        """How many things could not be read."""
        return self._bad

    def inventory(
        self,
        *,
        complete: bool = True,
        collected_at: datetime | None = None,
        reports: Iterable[HostReport] = (),
        partial: frozenset[str] = frozenset(),
    ) -> Inventory:
        """Return all of it. Where one place holds several things, each after the first has a place of its own."""
        more = (f"and {self._bad - MAX_PROBLEMS} more that cannot be read",) if self._bad > MAX_PROBLEMS else ()
        deployments = tuple(each for there in self._places.values() for each in _apart(there))
        problems = (*self._problems, *more)
        return Inventory(self._source, deployments, problems, complete, collected_at, tuple(reports), partial)


def _apart(there: Collection[Deployment]) -> Iterable[Deployment]:
    """In an order that does not depend on who was seen first, so that the same things have the same places again."""
    for number, deployment in enumerate(sorted(there, key=repr), start=1):
        yield replace(deployment, location=f"{deployment.location} #{number}") if number > 1 else deployment
