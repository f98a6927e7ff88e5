"""A connection of a client to an MCP server, as a gateway logged it."""

from dataclasses import dataclass
from datetime import datetime

from monitor.domain.purl import Purl


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection. Empty or None: the log does not say."""

    id: str
    """The digest of the log's line."""
    at: datetime
    server: str
    """The server's name in the registry, or whatever the gateway calls it."""
    version: Purl | None = None
    remote: str = ""
    client: str = ""
    person: str = ""
    target: str = ""
    """What was accessed: `production`, a system, a scope."""
    source: str = ""
    """The log that it was read from."""
