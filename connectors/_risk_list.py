"""A list of how likely flaws are to be used, at an address or in a file: fetched when it changed, unpacked, and read as a whole.

A file has a validator, too: the time of its last change, and its size.
"""

import asyncio
import os
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from connectors._edge.address import split_credentials
from connectors._edge.http import Client, Http, NotModified
from connectors._reading_files.opening import opened
from monitor.domain.evidence import Evidence
from monitor.domain.risk import RiskTable
from monitor.ports.errors import Malformed
from monitor.ports.sources import Clock, Fresh, RiskSource, Unchanged, Validator, Validators

MAX_LIST = 64 * 2**20
"""Bytes, on the wire and unpacked."""
GZIP = zlib.MAX_WBITS | 16
GZIP_MAGIC = b"\x1f\x8b"
MAX_MEMBERS = 10
"""Of a gzip file: real lists have one."""
ADDRESS = re.compile(r"https?://", re.IGNORECASE)
ACCEPT = "*/*"

Parse = Callable[[bytes], RiskTable]
"""Reads the unpacked list. Raises `Malformed`."""
_Read = tuple[bytes, Validator, Evidence]


@dataclass(frozen=True, slots=True)
class _AtAddress:
    """A list that is fetched; `address` is without credentials."""

    client: Client
    address: str

    async def read(self, known: Validators) -> _Read | Unchanged:
        answer = await self.client.get(self.address, accept=ACCEPT, known=known, limit=MAX_LIST)
        return Unchanged() if isinstance(answer, NotModified) else (answer.body, answer.validator, answer.evidence)


@dataclass(frozen=True, slots=True)
class _InFile:
    """A list that somebody puts there."""

    name: str
    path: Path
    clock: Clock

    async def read(self, known: Validators) -> _Read | Unchanged:
        return await asyncio.to_thread(self._read, known)

    def _read(self, known: Validators) -> _Read | Unchanged:
        with opened(self.path, source=self.name) as file:
            state = os.fstat(file.fileno())
            validator = Validator(f"file:{self.path}", f"{state.st_mtime_ns}:{state.st_size}", "")
            if known.get(validator.key) == validator:
                return Unchanged()
            body = file.read(MAX_LIST + 1)
        return body, validator, Evidence(str(self.path), sha256(body).hexdigest(), self.clock(), body)


@dataclass(frozen=True, slots=True)
class RiskList:
    """A source of risk. `keeps`: whether its document is small enough to be kept; else only its digest is."""

    name: str
    _place: _AtAddress | _InFile
    _parse: Parse
    _keeps: bool

    async def read(self, known: Validators) -> Fresh[RiskTable] | Unchanged:
        """Read the list when it changed. Raises the four errors."""
        read = await self._place.read(known)
        if isinstance(read, Unchanged):
            return read
        body, validator, evidence = read
        table = await asyncio.to_thread(self._parsed, body)  # up to a second for a large one
        return Fresh(table, (validator,), (evidence if self._keeps else replace(evidence, body=b""),))

    def _parsed(self, body: bytes) -> RiskTable:
        return self._parse(unpacked(body, self.name))


def build_list(edge: Http, name: str, place: str | Path, parse: Parse, *, keeps: bool) -> RiskSource:
    """Build the source for an address or a file. Raises ValueError for an address that is none."""
    text = str(place)
    if not ADDRESS.match(text):
        return RiskList(name, _InFile(name, Path(place), edge.clock), parse, keeps)
    client = edge.client(name, base=text)
    return RiskList(name, _AtAddress(client, split_credentials(text)[0]), parse, keeps)


def unpacked(body: bytes, name: str) -> bytes:
    """Return the list itself, whatever its name and its server's labels say of gzip. Raises `Malformed`."""
    _bounded(body, name)
    if not body.startswith(GZIP_MAGIC):
        return body
    found, rest = bytearray(), body
    for _ in range(MAX_MEMBERS):
        unzip = zlib.decompressobj(GZIP)
        try:
            found += unzip.decompress(rest, MAX_LIST + 1 - len(found))
        except zlib.error as error:
            raise Malformed(name, "the list is not the gzip that it begins as") from error
        _bounded(found, name)
        if not unzip.eof:
            raise Malformed(name, "the list breaks off")
        rest = unzip.unused_data
        if not rest.startswith(GZIP_MAGIC):
            return bytes(found)
    raise Malformed(name, f"the list has more than {MAX_MEMBERS} gzip members")


def refuse_mostly_bad(name: str, *, good: int, bad: int) -> None:
    """Raise `Malformed` where a list is none: nothing in it can be read, or most of it cannot."""
    if bad > good or not good:
        raise Malformed(name, f"{bad} of {good + bad} entries cannot be read")


def _bounded(body: bytes | bytearray, name: str) -> None:
    if len(body) > MAX_LIST:
        raise Malformed(name, f"the list is larger than {MAX_LIST} bytes")
