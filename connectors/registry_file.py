"""The registry of approved servers as a YAML file, such as an organisation keeps in git; `registry.example.yaml` tells its shape.

Knows: which servers are listed, who answers for them, and exactly which version was approved by whom. Does not know: whether it is true. A
bad entry is reported with its line and is not used; the others are.
"""

from pathlib import Path

from connectors._reading_files.yaml_tree import Pairs, Scalar
from connectors._registry_entry import read_entry
from connectors._registry_text import EXAMPLE, MAX_BYTES
from connectors._registry_text import NAME as NAME  # noqa: PLC0414  (as for the other connectors)
from connectors._registry_text import parse_registry as parse_registry  # noqa: PLC0414  (the connector's own, kept beside the editor)
from connectors._registry_writing import FileWriter
from monitor.domain.action import Delivery, Rejected
from monitor.domain.server import Registry
from monitor.ports.channels import Change, RegistryWriter
from monitor.ports.errors import Denied, Unavailable
from monitor.ports.sources import RegistrySource


def build(path: str | Path) -> RegistrySource:
    """Read the file anew at each call."""
    return RegistryFile(Path(path))


def writer(path: str | Path, *, foreign: str = "") -> RegistryWriter:
    """Write decisions into the file. `foreign`: who writes it, where that is not us (another kind of registry): everything is refused."""
    return Foreign(foreign) if foreign else FileWriter(Path(path))


class Foreign:
    """A registry that something else writes, in a form that has no room for an approval."""

    def __init__(self, kind: str) -> None:
        """`kind` as in the configuration: `mcp-registry`, `toolhive`, `docker`."""
        self._detail = f"the registry is written by {kind}, and has no room for an approval: publish the version there"

    @property
    def name(self) -> str:
        """`registry-file`."""
        return NAME

    async def write(self, change: Change) -> Delivery:  # noqa: ARG002  (the port's)
        """Refuse."""
        return Rejected(self._detail)

    async def probe(self) -> str:
        """Raises `Denied`."""
        raise Denied(NAME, f'{self._detail}, and set `write = "none"` in [reviews]')


class RegistryFile:
    """One registry file."""

    def __init__(self, path: Path) -> None:
        """Hold the name; nothing is read yet."""
        self._path = path

    def read(self) -> Registry:
        """Return the good entries and the problems of the others. Raises `Unavailable` or `Malformed` for the file as a whole."""
        try:
            with self._path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except FileNotFoundError as error:
            way_out = f"copy {EXAMPLE} to that place and list your servers in it, or set the path in the configuration"
            raise Unavailable(NAME, f"{self._path} does not exist; {way_out}") from error
        except OSError as error:
            raise Unavailable(NAME, f"{self._path} cannot be read: {error.strerror}") from error
        return parse_registry(data, str(self._path))


def refusal(value: str) -> str:
    """Return why an entry cannot be about a package URL or an address; empty where it can."""
    key = "package" if value.startswith("pkg:") else "remote"
    fields = {"name": "a/b", key: value, "owner": "a"}
    pairs = tuple(
        (Scalar(name, plain=False, line=1), Scalar(text, plain=False, line=1)) for name, text in fields.items()
    )
    _, problems = read_entry(Pairs(pairs, 1), 1)
    return problems[0].message.removeprefix(f"{key}: ") if problems else ""
