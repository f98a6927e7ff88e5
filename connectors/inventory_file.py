"""A file of deployments that some other inventory exports: JSON lines, one deployment a line.

Knows: what the exporter wrote. Does not know: whether the exporter sees every machine. The file is the whole of it: what is not in it any
more is gone. A bad line is reported with its number and costs only itself; a file without any good line is refused, since an exporter that
failed leaves an empty one behind.

The shape of a line is told at the top of `connectors/_inventory_line.py`.
"""

import asyncio
from io import BytesIO
from pathlib import Path

from connectors._inventory_line import LIMITS, gathered, read_line
from connectors._reading_files.lines import numbered_lines
from monitor.domain.deployment import Inventory
from monitor.ports.errors import Unavailable
from monitor.ports.sources import DeploymentSource

NAME = "inventory-file"


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
                return gathered(numbered_lines(file, LIMITS, self.name), read_line, str(self._path), self.name)
        except FileNotFoundError as error:
            raise Unavailable(
                self.name, "does not exist; export it to that place, or set the path in the configuration"
            ) from error
        except OSError as error:
            raise Unavailable(self.name, f"cannot be read: {error.strerror}") from error


def parse_inventory(data: bytes, path: str, *, source: str = NAME) -> Inventory:
    """Read the file's bytes. Raises Malformed where it is too large or holds no deployment."""
    return gathered(numbered_lines(BytesIO(data), LIMITS, source), read_line, path, source)
