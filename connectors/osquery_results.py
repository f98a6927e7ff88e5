"""Result logs of osquery, as its file logger or Fleet writes them: JSON lines, of which those about MCP servers become deployments.

Knows: what the scheduled queries asked on each host: packages of npm and PyPI (`npm_packages`, `python_packages`), containers
(`docker_containers`), command lines (`processes`). Rows of other tables are passed over, and so are packages that are no MCP servers.
Does not know: hosts and folders that no query looks at, which client starts a package, environment variables.

A snapshot replaces what its query said of its host before; added and removed rows are replayed in their order, and the first results of a
query (counter 0) begin anew. What a host had before the log begins cannot be told: that is a problem, and nothing counts as gone.
Formats: https://osquery.readthedocs.io/en/stable/deployment/logging/. Nothing of a command line is kept but what it names.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from connectors._osquery_row import CLIENT, Row, places
from connectors._reading_files.lines import Limits, numbered_lines
from connectors._reading_files.matching import matching
from connectors._reading_files.opening import opened
from connectors._sightings import Listed, Sightings
from monitor.domain.deployment import Deployment, HostReport, Inventory, PinKind
from monitor.domain.purl import Purl
from monitor.ports.errors import Malformed, Unavailable
from monitor.ports.sources import DeploymentSource

NAME = "osquery"
LIMITS = Limits(line=32 * 2**20, lines=8_000_000, size=2**31)
"""Of one file. A snapshot of all packages of a host is one line."""

MAX_STREAMS = 1_000_000
"""Queries times hosts."""

INSIDE = "*results*.log"
"""The files that are read where a folder is named: osquery's own names, the rotated ones too."""

ABSENT = msgspec.Raw(b"")
NONE = (b"", b"null", b'""')


class _Diff(msgspec.Struct):
    added: msgspec.Raw = ABSENT
    removed: msgspec.Raw = ABSENT


class _Decorations(msgspec.Struct):
    hostname: str = ""
    host_uuid: str = ""


class _Line(msgspec.Struct, rename="camel"):
    """A line of a result log in any of the three forms: snapshot, event, batch."""

    name: str = ""
    action: str = ""
    host_identifier: str = ""
    hostname: str = ""
    decorations: _Decorations = msgspec.field(default_factory=_Decorations)
    unix_time: int | str | None = None
    epoch: int | str | None = None
    counter: int | str | None = None
    columns: msgspec.Raw = ABSENT
    snapshot: msgspec.Raw = ABSENT
    diff_results: _Diff | None = None


_LINE = msgspec.json.Decoder(_Line)
_ROW = msgspec.json.Decoder(Row)
_ROWS = msgspec.json.Decoder(list[msgspec.Raw])
"""Made at import: files are read by several threads, and msgspec crashes the process where two of them first use a type at once."""


@dataclass(slots=True)
class _Stream:
    """What one query says of one host now: each row that counts, how often, and what it means."""

    query: str
    begun: bool = False
    """Whether the log holds it from its beginning."""
    epoch: int | None = None  # None: the line does not say
    counter: int | None = None  # None: as epoch
    said_at: int = 0
    rows: dict[Row, tuple[int, tuple[Deployment, ...]]] = field(default_factory=dict)


@dataclass(slots=True)
class _Host:
    """One agent. `said_at`: Unix time of its last line."""

    name: str
    said_at: int = 0
    periodic: bool = False
    """Whether it sends snapshots; one that sends changes alone is silent while there are none."""
    streams: dict[str, _Stream] = field(default_factory=dict)


def build(path: str | Path, *, listed: Listed) -> DeploymentSource:
    """Read the log anew at each call: a file, a pattern of names (`*`), or a folder; several files in the order of their last change."""
    return OsqueryResults(Path(path), listed)


class OsqueryResults:
    """The result logs of one fleet."""

    def __init__(self, path: Path, listed: Listed) -> None:
        """Hold the name; nothing is read yet."""
        self._path = path
        self._listed = listed

    @property
    def name(self) -> str:
        """The connector's name and its place, for people."""
        return f"{NAME} {self._path}"

    async def inventory(self) -> Inventory:
        """Return what the hosts have now. Raises Unavailable, NotFound and Malformed for the log as a whole, and what `listed` raises."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> Inventory:
        replay = Replay(self.name, self._listed())
        try:
            files = sorted(
                matching(self._path, inside=INSIDE, source=self.name), key=lambda path: (path.stat().st_mtime_ns, path)
            )
            for path in files:
                with opened(path, source=self.name) as file:
                    written_at = int(os.fstat(file.fileno()).st_mtime) + 1
                    replay.read(numbered_lines(file, LIMITS, self.name), str(path), written_at=written_at)
        except OSError as error:
            raise Unavailable(self.name, f"cannot be read: {error.strerror}") from error
        return replay.inventory()


class Replay:
    """The state of all hosts, as their lines tell it one after the other."""

    def __init__(self, source: str, listed: Collection[Purl]) -> None:
        """Begin with no host."""
        self._source = source
        self._listed = listed
        self._hosts: dict[str, _Host] = {}
        self._sightings = Sightings(source)
        self._streams = 0
        self._lines = 0

    def read(self, lines: Iterable[tuple[int, bytes]], path: str, *, written_at: int) -> None:
        """Replay a file. No line can be younger than `written_at` (Unix time), whatever it says. Raises Malformed."""
        for number, line in lines:
            where = f"{path}: line {number}"
            try:
                self._line(_decoded(line), where, written_at)
            except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
                self._sightings.problem(f"{where}: {error}")

    def inventory(self) -> Inventory:
        """Return what there is now. Raises Malformed where no line is a result."""
        if not self._lines:
            raise Malformed(
                self._source, "no result of a query in it; take it out of the configuration where nothing is logged"
            )
        late: list[str] = []
        # A line that cannot be read may be of any host.
        unread = self._sightings.problems
        partial: set[str] = set()
        shared = _shared(host.name for host in self._hosts.values())
        reports: list[HostReport] = []
        for identifier, host in self._hosts.items():
            name = f"{host.name} ({identifier})" if host.name in shared and host.name != identifier else host.name
            for stream in host.streams.values():
                found = (each for _, several in stream.rows.values() for each in several)
                self._sightings.add(replace(each, host=name) for each in found)
                if not stream.begun:
                    late.append(f"{stream.query!r} on {name}")
                if unread or not stream.begun:
                    partial.add(name)
            if host.said_at and host.periodic:
                reports.append(HostReport(name, datetime.fromtimestamp(host.said_at, UTC)))
        if late:
            others = f", and {len(late) - 1} more" if late[1:] else ""
            self._sightings.problem(
                f"the log begins after the first results of {late[0]}{others}: name the older files,"
                " too, or schedule snapshots; nothing of theirs counts as gone"
            )
        newest = max((host.said_at for host in self._hosts.values()), default=0)
        collected_at = datetime.fromtimestamp(newest, UTC) if newest else None
        return self._sightings.inventory(
            complete=not (late or unread), collected_at=collected_at, reports=reports, partial=frozenset(partial)
        )

    def _line(self, line: _Line, where: str, written_at: int) -> None:
        identifier = line.host_identifier or line.hostname or line.decorations.host_uuid or line.decorations.hostname
        if line.action not in {"", "snapshot", "added", "removed"} or not (line.name and identifier):
            raise ValueError("no result of a query: expected its name, an action and a hostIdentifier")
        if not line.action and line.diff_results is None:
            raise ValueError("no result of a query: expected a snapshot, columns or diffResults")
        self._lines += 1
        said_at = min(max(_number(line.unix_time) or 0, 0), written_at)
        host = self._hosts.setdefault(identifier, _Host(""))
        host.name = line.decorations.hostname or line.hostname or identifier
        host.said_at = max(host.said_at, said_at)
        stream = self._stream(host, line.name)
        if said_at and said_at < stream.said_at:
            return  # of another file, and overtaken by what is known
        again, stream.said_at = said_at != stream.said_at, said_at
        if line.action == "snapshot":
            rows = _rows(line.snapshot)
            stream.begun = host.periodic = True
            stream.rows.clear()
            self._add(stream, rows, where)
        else:
            self._change(stream, line, where, again=again)

    def _stream(self, host: _Host, query: str) -> _Stream:
        if query not in host.streams:
            self._streams += 1
            if self._streams > MAX_STREAMS:
                raise Malformed(self._source, f"over {MAX_STREAMS} queries and hosts")
            host.streams[query] = _Stream(query)
        return host.streams[query]

    def _change(self, stream: _Stream, line: _Line, where: str, *, again: bool) -> None:
        """Replay added and removed rows. `again`: it is not the time of the line before, and so another execution of the query."""
        diff = line.diff_results or _Diff()
        row = [line.columns] if line.action else []
        gone = (*(row if line.action == "removed" else ()), *_rows(diff.removed))
        new = (*(row if line.action == "added" else ()), *_rows(diff.added))
        epoch, counter = _number(line.epoch), _number(line.counter)
        if counter == 0 and (again or stream.counter != 0 or stream.epoch != epoch):
            stream.begun = True
            stream.rows.clear()
        stream.epoch, stream.counter = epoch, counter
        self._remove(stream, gone, where)
        self._add(stream, new, where)

    def _add(self, stream: _Stream, rows: Iterable[msgspec.Raw], where: str) -> None:
        for row in self._each(rows, where):
            try:
                found = places(row, stream.query, BARE, self._listed)
            except ValueError as error:
                self._sightings.problem(f"{where}: {error}")
                continue
            if found:
                stream.rows[row] = (stream.rows.get(row, (0, ()))[0] + 1, found)

    def _remove(self, stream: _Stream, rows: Iterable[msgspec.Raw], where: str) -> None:
        for row in self._each(rows, where):
            count, found = stream.rows.pop(row, (0, ()))
            if count > 1:
                stream.rows[row] = (count - 1, found)

    def _each(self, rows: Iterable[msgspec.Raw], where: str) -> Iterator[Row]:
        for raw in rows:
            try:
                yield _ROW.decode(raw)
            except (ValueError, RecursionError) as error:
                self._sightings.problem(f"{where}: {error}")


BARE = Deployment("", CLIENT, "", "", PinKind.UNKNOWN, None)
"""A place of a host that is named later: a name that two hosts share is told only at the end."""


def _decoded(line: bytes) -> _Line:
    """Raises ValueError and RecursionError."""
    if len(line) > LIMITS.line:
        raise ValueError(f"over {LIMITS.line} bytes")
    return _LINE.decode(line)


def _rows(raw: msgspec.Raw) -> list[msgspec.Raw]:
    """Read a list of rows; osquery writes an empty text for none."""
    return [] if bytes(raw) in NONE else _ROWS.decode(raw)


def _number(value: int | str | None) -> int | None:
    """Read what is a number or the text of one; None: neither."""
    try:
        return int(value) if value is not None and len(str(value)) < 20 else None  # noqa: PLR2004  digits of 64 bits
    except ValueError:
        return None


def _shared(names: Iterable[str]) -> frozenset[str]:
    """Return the names that several hosts bear."""
    return frozenset(name for name, count in Counter(names).items() if count > 1)
