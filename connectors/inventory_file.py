"""A file of deployments that some other inventory exports: JSON lines, one deployment a line.

Knows: what the exporter wrote. Does not know: whether the exporter sees every machine. The file is the whole of it: what is not in it any
more is gone. A bad line is reported with its number and costs only itself; a file without any good line is refused, since an exporter that
failed leaves an empty one behind.

The shape of a line is told at the top of `connectors/_inventory_line.py`.
"""

import asyncio
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from connectors._inventory_line import MAX_LINE, read_line
from connectors._reading_files.lines import Limits, numbered_lines
from monitor.domain.deployment import Deployment, Inventory
from monitor.ports.errors import Malformed, Unavailable
from monitor.ports.sources import DeploymentSource

NAME = "inventory-file"
LIMITS = Limits(line=MAX_LINE, lines=4_000_000, size=256 * 2**20)
MAX_PROBLEMS = 1000
"""More are counted, not listed."""


def build(path: str | Path) -> DeploymentSource:
    """Read the file anew at each call."""
    return InventoryFile(Path(path))


class InventoryFile:
    """One inventory file."""

    def __init__(self, path: Path) -> None:
        """Hold the name; nothing is read yet."""
        self._path = path

    @property
    def name(self) -> str:
        """The connector's name and its place, for people."""
        return f"{NAME} {self._path}"

    async def inventory(self) -> Inventory:
        """Return all deployments of the file. Raises Unavailable and Malformed for the file as a whole."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> Inventory:
        try:
            with self._path.open("rb") as file:
                return _parsed(file, str(self._path), self.name)
        except FileNotFoundError as error:
            raise Unavailable(
                self.name, "does not exist; export it to that place, or set the path in the configuration"
            ) from error
        except OSError as error:
            raise Unavailable(self.name, f"cannot be read: {error.strerror}") from error


def parse_inventory(data: bytes, path: str, *, source: str = NAME) -> Inventory:
    """Read the file's bytes. Raises Malformed where it is too large or holds no deployment."""
    return _parsed(BytesIO(data), path, source)


def _parsed(file: BinaryIO, path: str, source: str) -> Inventory:
    """Read line by line: beside the deployments no more is held than one line, and the first bad lines' reasons."""
    places: dict[str, int] = {}
    deployments: list[Deployment] = []
    problems: list[str] = []
    bad = 0
    seen: list[datetime] = []
    for number, line in numbered_lines(file, LIMITS, source):
        try:
            deployment, seen_at = read_line(line, path, places)
        except ValueError as error:
            bad += 1
            if bad <= MAX_PROBLEMS:
                problems.append(f"{path}: line {number}: {error}")
            continue
        places[deployment.key] = number
        deployments.append(deployment)
        seen += [seen_at] if seen_at else []
    if not deployments:
        first = problems[0] if problems else "it is empty"
        raise Malformed(
            source, f"no deployment in it ({first}); take it out of the configuration where nothing is deployed"
        )
    if bad > MAX_PROBLEMS:
        problems.append(f"{path}: and {bad - MAX_PROBLEMS} more bad lines")
    collected_at = max(seen) if len(seen) == len(deployments) else None
    return Inventory(source, tuple(deployments), tuple(problems), complete=True, collected_at=collected_at)
