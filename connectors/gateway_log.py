"""Connection logs of gateways: JSON lines, each a connection of a client to an MCP server.

    {"at": "2026-11-20T12:00:00Z", "server": "io.github.acme/files", "version": "1.4.2", "person": "rita", "target": "production"}

The schema is docs/connections.schema.json; common other names of the fields are taken as well. A line that cannot be read costs itself.
Does not know: connections that do not pass the gateway. Nothing of an address is kept but what names an endpoint: no query, no password.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import msgspec

from connectors._reading_files.lines import Limits, numbered_lines
from connectors._reading_files.opening import opened
from monitor.domain.address import without_credentials
from monitor.domain.approved_then import UNNAMED
from monitor.domain.connection import Connection
from monitor.domain.purl import Purl

NAME = "gateway log"
LIMITS = Limits(line=64 * 1024, lines=50_000_000, size=32 * 2**30)
"""Of one file: a quarter of a busy gateway."""
LONGEST = 500
"""Characters of a field."""
MILLISECONDS = 10**11
"""A number that is larger counts milliseconds: as seconds it would be after the year 5000."""


@dataclass(frozen=True, slots=True)
class Bad:
    """A line that is no connection, and why."""

    line: int
    why: str


class _Line(msgspec.Struct):
    at: str | float | None = None
    timestamp: str | float | None = None
    time: str | float | None = None
    server: str | None = None
    server_name: str | None = None
    version: str | None = None
    server_version: str | None = None
    client: str | None = None
    client_name: str | None = None
    person: str | None = None
    user: str | None = None
    target: str | None = None
    environment: str | None = None
    remote: str | None = None
    url: str | None = None


LINE = msgspec.json.Decoder(_Line)


def connections(file: BinaryIO, *, source: str) -> Iterator[Connection | Bad]:
    """Read the log's lines, one at a time. Raises `Malformed` where the whole is too large."""
    for number, line in numbered_lines(file, LIMITS, source):
        try:
            yield read_line(line, source=source)
        except (ValueError, OverflowError, OSError, RecursionError) as error:
            yield Bad(number, str(error)[:300])


def read_line(line: bytes, *, source: str) -> Connection:
    """Read one line. Raises ValueError (msgspec's errors are such) and what times raise."""
    if len(line) > LIMITS.line:
        raise ValueError(f"over {LIMITS.line} bytes")
    read = LINE.decode(line)
    at, server = _moment(_first("at", read.at, read.timestamp, read.time)), _text(read.server, read.server_name)
    remote = without_credentials(_text(read.remote, read.url))
    if not server and not remote:
        raise ValueError("expected server (a name), or remote (an address)")
    return Connection(
        id=sha256(line.strip()).hexdigest(),
        at=at,
        server=without_credentials(server or remote),
        version=_version(server or remote, _text(read.version, read.server_version)),
        remote=remote,
        client=_text(read.client, read.client_name),
        person=_text(read.person, read.user),
        target=_text(read.target, read.environment),
        source=source,
    )


def _first(name: str, *given: str | float | None) -> str | float:
    found = next((each for each in given if each is not None and each != ""), None)
    if found is None:
        raise ValueError(f"expected {name}: a time such as 2026-11-20T12:00:00Z")
    return found


def _text(*given: str | None) -> str:
    found = next((each for each in given if each), "")
    if len(found) > LONGEST:
        raise ValueError(f"a field of over {LONGEST} characters")
    return found


def _moment(given: str | float) -> datetime:
    if isinstance(given, float):
        return datetime.fromtimestamp(given / 1000 if given > MILLISECONDS else given, UTC)
    read = datetime.fromisoformat(given)
    if read.tzinfo is None:
        raise ValueError(f"at: {given[:50]} names no zone: 2026-11-20T12:00:00Z")
    return read.astimezone(UTC)


def _version(server: str, given: str) -> Purl | None:
    """A package URL with its version, or the version alone, whose package the registry knows by the server's name."""
    if not given:
        return None
    return Purl.parse(given) if given.startswith("pkg:") else Purl(UNNAMED, None, server, given)


def open_log(path: Path) -> AbstractContextManager[BinaryIO]:
    """Open a log. Raises `NotFound` and `Unavailable`."""
    return opened(path, source=NAME)
