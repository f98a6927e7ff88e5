"""A table of deployments that some other inventory exports as CSV: a header, and one deployment a row.

Knows and does not know: as `inventory_file`. The columns are named as the keys of its lines (`connectors/_inventory_line.py`), in any order
and any capitals; columns of other names are not read, an empty cell is one that is left out. The header tells the delimiter: comma,
semicolon or tab. Text is UTF-8. A cell may stand in double quotes, but holds no line break: a quote without an end costs its row.
`disabled` is true or false (yes and no, 1 and 0); `redirects` are names with blanks between them.
"""

import asyncio
import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from connectors._inventory_line import LIMITS, MAX_LINE, Line, deployed, gathered
from connectors._reading_files.lines import numbered_lines
from connectors._reading_files.opening import opened
from monitor.domain.deployment import Deployment, Inventory
from monitor.domain.text import one_line
from monitor.ports.errors import Malformed, Unavailable
from monitor.ports.sources import DeploymentSource

NAME = "csv"
DELIMITERS = (",", ";", "\t")
WIDE = (b"\xff\xfe", b"\xfe\xff")
COLUMNS = frozenset(field.encode_name for field in msgspec.structs.fields(Line))
NEEDED = ("host", "name")
SWITCH = {
    **dict.fromkeys(("true", "yes", "y", "1"), True),
    **dict.fromkeys(("false", "no", "n", "0"), False),
}
EXCEL = re.compile(rb"sep=[,;\t]?\s*", re.IGNORECASE)
"""A first line with which Excel is told the delimiter."""


@dataclass(frozen=True, slots=True)
class _Header:
    delimiter: str
    names: tuple[str, ...]


def build(path: str | Path) -> DeploymentSource:
    """Read the file anew at each call."""
    return InventoryCsv(Path(path))


class InventoryCsv:
    """One table."""

    def __init__(self, path: Path) -> None:
        """Hold the name; nothing is read yet."""
        self._path = path

    @property
    def name(self) -> str:
        """The connector's name and its place, for people."""
        return f"{NAME} {self._path}"

    async def inventory(self) -> Inventory:
        """Return all deployments of the table. Raises Unavailable, NotFound and Malformed for the file as a whole."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> Inventory:
        try:
            with opened(self._path, source=self.name) as file:
                return parse_table(file, str(self._path), source=self.name)
        except OSError as error:
            raise Unavailable(self.name, f"cannot be read: {error.strerror}") from error


def parse_table(file: BinaryIO, path: str, *, source: str = NAME) -> Inventory:
    """Read the table row by row. Raises Malformed where it has no header, is too large, or holds no deployment."""
    lines = numbered_lines(file, LIMITS, source)
    header, rows = _header(lines, source)
    return gathered(rows, lambda row, path, places: _deployment(header, row, path, places), path, source)


def _header(lines: Iterator[tuple[int, bytes]], source: str) -> tuple[_Header, Iterator[tuple[int, bytes]]]:
    """Take the header off; the rows are the rest."""
    first = next(lines, (0, b""))[1]
    if first.startswith(WIDE) or b"\0" in first[:4]:
        raise Malformed(source, "text in UTF-16; save it as CSV in UTF-8")
    second = next(lines, (0, b"")) if EXCEL.fullmatch(first) else None
    text = _bare(second[1] if second else first).decode("utf-8", errors="replace")
    for delimiter in DELIMITERS:
        names = tuple(name.strip().lower() for name in _cells(text, delimiter, source))
        if all(name in names for name in NEEDED):
            known = [name for name in names if name in COLUMNS]
            if twice := sorted({name for name in known if known.count(name) > 1}):
                raise Malformed(source, f"the header names {twice[0]} twice")
            return _Header(delimiter, names), lines
    raise Malformed(source, f"expected a header with host and name in the first line, got {one_line(text, 80)!r}")


def _cells(text: str, delimiter: str, source: str) -> Sequence[str]:
    try:
        return _split(text, delimiter)
    except ValueError as error:
        raise Malformed(source, f"the header: {error}") from error


def _split(text: str, delimiter: str) -> Sequence[str]:
    """Read one row. Raises ValueError."""
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True, skipinitialspace=True), [])
    except csv.Error as error:
        raise ValueError(f"not a row of CSV: {error}") from error


def _bare(line: bytes) -> bytes:
    return line.removesuffix(b"\r")


def _deployment(
    header: _Header, row: bytes, path: str, places: Mapping[str, int]
) -> tuple[Deployment, datetime | None]:
    """Read one row as a line of an inventory file is read. Raises ValueError with the reason."""
    if len(row) > MAX_LINE:
        raise ValueError(f"over {MAX_LINE} bytes")
    cells = _split(_bare(row).decode("utf-8"), header.delimiter)
    if len(cells) != len(header.names):
        raise ValueError(f"{len(cells)} cells, and {len(header.names)} in the header")
    given: dict[str, object] = {
        name: cell.strip() for name, cell in zip(header.names, cells, strict=True) if name in COLUMNS and cell.strip()
    }
    if "disabled" in given:
        given["disabled"] = _switch(str(given["disabled"]))
    if "redirects" in given:
        given["redirects"] = str(given["redirects"]).split()
    return deployed(msgspec.convert(given, Line), path, places)


def _switch(text: str) -> bool:
    if text.lower() not in SWITCH:
        raise ValueError(f"disabled: expected true or false, got {text[:40]!r}")
    return SWITCH[text.lower()]
