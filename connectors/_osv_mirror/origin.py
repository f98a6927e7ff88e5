"""Where the export is: at an address, or in a folder of the same layout.

<ECOSYSTEM>/modified_id.csv   <ECOSYSTEM>/<ID>.json   <ECOSYSTEM>/all.zip
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Protocol

from connectors._edge.address import shown
from connectors._edge.http import Client, Http, NotModified
from connectors._edge.reading import Take
from connectors._osv_mirror.archive import MAX_ARCHIVE
from connectors._osv_mirror.changes import MAX_LIST
from connectors._osv_mirror.entry import NAME, PURLS
from connectors._osv_mirror.index import NEW
from connectors._osv_shape import GIT, MAX_RECORD
from connectors._reading_files.opening import opened
from monitor.ports.errors import Malformed

ECOSYSTEMS = frozenset({*PURLS, GIT})
"""Folders of the export that are read."""
LIST = "modified_id.csv"
ARCHIVE = "all.zip"
_PIECE = 2**16
DOWNLOAD = ".download-"
"""How the name of an archive begins that is being fetched."""


@dataclass(frozen=True, slots=True)
class File:
    """A file that can be read. `written_at` is when its origin wrote it; None: it does not say."""

    path: Path
    written_at: datetime | None


class Origin(Protocol):
    """The export, or a copy of it. Everything raises the four errors."""

    @property
    def place(self) -> str:
        """Where it is, for people."""

    @property
    def near(self) -> bool:
        """Whether its files cost nothing."""

    async def changes(self, ecosystem: str, begin: Callable[[], Take]) -> datetime | None:
        """Hand the list of modified records on, and return when it was written."""

    async def record(self, ecosystem: str, advisory_id: str) -> bytes:
        """Return a record's own file. The id is one that can be the name of a file."""

    def archive(self, ecosystem: str, scratch: Path) -> AbstractAsyncContextManager[File]:
        """Return the archive, which may stand in the scratch folder as long as it is used."""


@dataclass(frozen=True, slots=True)
class Remote:
    """At an address."""

    _client: Client
    place: str
    near: bool = False

    async def changes(self, ecosystem: str, begin: Callable[[], Take]) -> datetime | None:
        """Stream the list, and hang up when there is enough."""
        return _written(await self._client.stream(f"{ecosystem}/{LIST}", begin, limit=MAX_LIST))

    async def record(self, ecosystem: str, advisory_id: str) -> bytes:
        """Fetch the file."""
        answer = await self._client.get(f"{ecosystem}/{advisory_id}.json", limit=MAX_RECORD)
        if isinstance(answer, NotModified):
            raise Malformed(NAME, "said that nothing changed to a question without condition")
        return answer.body

    @asynccontextmanager
    async def archive(self, ecosystem: str, scratch: Path) -> AsyncIterator[File]:
        """Download the archive; it is removed after use."""
        with tempfile.NamedTemporaryFile(dir=scratch, prefix=DOWNLOAD) as file:

            def begin() -> Take:
                file.seek(0)
                file.truncate()
                return lambda part: file.write(part) > 0

            headers = await self._client.stream(f"{ecosystem}/{ARCHIVE}", begin, limit=MAX_ARCHIVE)
            file.flush()
            yield File(Path(file.name), _written(headers))


@dataclass(frozen=True, slots=True)
class Local:
    """In a folder that somebody fills. Only regular files are read."""

    folder: Path
    near: bool = True

    @property
    def place(self) -> str:
        """The folder."""
        return str(self.folder)

    async def changes(self, ecosystem: str, begin: Callable[[], Take]) -> datetime | None:
        """Read the list until there is enough."""
        return await asyncio.to_thread(self._read_list, self.folder / ecosystem / LIST, begin())

    async def record(self, ecosystem: str, advisory_id: str) -> bytes:
        """Read the file."""
        return await asyncio.to_thread(self._read, self.folder / ecosystem / f"{advisory_id}.json")

    @asynccontextmanager
    async def archive(self, ecosystem: str, scratch: Path) -> AsyncIterator[File]:  # noqa: ARG002 - nothing has to be fetched
        """Return the archive where it is."""
        path = self.folder / ecosystem / ARCHIVE
        with opened(path, source=NAME) as file:
            written_at = _of_file(file.fileno())
        yield File(path, written_at)

    def _read_list(self, path: Path, take: Take) -> datetime | None:
        with opened(path, source=NAME) as file:
            read = 0
            while (part := file.read(_PIECE)) and take(part):
                read += len(part)
                if read > MAX_LIST:
                    raise Malformed(NAME, f"{path} is larger than {MAX_LIST} bytes")
            return _of_file(file.fileno())

    def _read(self, path: Path) -> bytes:
        with opened(path, source=NAME) as file:
            body = file.read(MAX_RECORD + 1)
        if len(body) > MAX_RECORD:
            raise Malformed(NAME, f"{path} is larger than {MAX_RECORD} bytes")
        return body


def at(place: str, edge: Http) -> Origin:
    """Return the origin at an address, or in a folder. Raises ValueError for an address that is none."""
    if place.lower().startswith(("https://", "http://")):
        return Remote(edge.client(NAME, base=place), shown(place))
    return Local(Path(place).expanduser().absolute())


def _of_file(file: int) -> datetime:
    return datetime.fromtimestamp(os.fstat(file).st_mtime, UTC)


def _written(headers: Mapping[str, str]) -> datetime | None:
    """Read Last-Modified (RFC 9110, 8.8.2); None: there is none that can be read."""
    try:
        at = parsedate_to_datetime(headers.get("last-modified", ""))
    except (ValueError, OverflowError):
        return None
    return None if at.tzinfo is None else at.astimezone(UTC)


def sweep(folder: Path) -> None:
    """Remove what a process left there that did not live to do so itself. Call where no other is in the folder. Raises OSError."""
    for prefix in (DOWNLOAD, NEW):
        for path in folder.glob(f"{prefix}*"):
            path.unlink(missing_ok=True)
