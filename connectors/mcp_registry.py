"""The registry of approved servers in the format of the MCP registry: server.json files, or the answers of its API kept as files.

Knows: names, packages, remotes, versions, and what the registry says of their state. Does not know: who answers for a server here, how
critical it is, who approved it; the keeper named in the configuration does. What is deprecated or deleted is listed and not approved.
Of several versions of a server the active and newest one is approved, and no other. Nothing is asked over the network.
"""

from pathlib import Path

from connectors._listed_entry import Keeper, registry
from connectors._listing_files import read_listing
from connectors._server_json import listed, newest, servers
from monitor.domain.server import EntryProblem, Registry
from monitor.ports.sources import RegistrySource

NAME = "mcp-registry"


def build(path: Path, *, owner: str, tier: int, approved_by: str) -> RegistrySource:
    """Read the file, or the folder of files, anew at each call."""
    return McpRegistry(path, Keeper(owner, tier, approved_by))


class McpRegistry:
    """One file or folder."""

    def __init__(self, path: Path, keeper: Keeper) -> None:
        """Hold the name; nothing is read yet."""
        self._path = path
        self._keeper = keeper

    def read(self) -> Registry:
        """Return the good entries and the problems of the others. Raises `Unavailable` or `Malformed` for the whole."""
        listing = read_listing(self._path, source=NAME)
        found = newest(servers(listing.documents, source=NAME))
        entries = (one for each in found for one in ([each] if isinstance(each, EntryProblem) else listed(each)))
        return registry(listing, entries, self._keeper, source=NAME)
