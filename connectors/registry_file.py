"""The registry of approved servers as a YAML file, such as an organisation keeps in git; `registry.example.yaml` tells its shape.

Knows: which servers are listed, who answers for them, and exactly which version was approved by whom. Does not know: whether it is true. A
bad entry is reported with its line and is not used; the others are.
"""

from hashlib import sha256
from pathlib import Path

from connectors._reading_files.form import open_form, shown
from connectors._reading_files.jsonc import Unreadable
from connectors._reading_files.yaml_tree import Items, Node, Pairs, Scalar, read_yaml
from connectors._registry_entry import read_entry, unique
from monitor.domain.server import Entry, EntryProblem, Registry
from monitor.ports.errors import Malformed, Unavailable
from monitor.ports.sources import RegistrySource

NAME = "registry-file"
VERSION = "1"
MAX_BYTES = 5 * 2**20
MAX_ENTRIES = 20_000
EXAMPLE = "registry.example.yaml"


def build(path: str | Path) -> RegistrySource:
    """Read the file anew at each call."""
    return RegistryFile(Path(path))


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


def parse_registry(data: bytes, path: str) -> Registry:
    """Read the file's bytes. Raises Malformed where the file as a whole is not what it should be."""
    if len(data) > MAX_BYTES:
        raise Malformed(NAME, f"{path}: over {MAX_BYTES} bytes")
    try:
        root = read_yaml(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Malformed(NAME, f"{path}: line {line}: not UTF-8") from error
    except Unreadable as error:
        raise Malformed(NAME, f"{path}: {error}") from error
    problems: list[EntryProblem] = []
    entries: list[Entry] = []
    for position, node in enumerate(_servers(root, path, problems), start=1):
        entry, wrong = read_entry(node, position)
        problems += wrong
        if entry:
            entries.append(entry)
    kept, repeated = unique(entries)
    ordered = sorted([*problems, *repeated], key=lambda problem: problem.line)
    return Registry(path, sha256(data).hexdigest(), kept, tuple(ordered))


def refusal(value: str) -> str:
    """Return why an entry cannot be about a package URL or an address; empty where it can."""
    key = "package" if value.startswith("pkg:") else "remote"
    fields = {"name": "a/b", key: value, "owner": "a"}
    pairs = tuple(
        (Scalar(name, plain=False, line=1), Scalar(text, plain=False, line=1)) for name, text in fields.items()
    )
    _, problems = read_entry(Pairs(pairs, 1), 1)
    return problems[0].message.removeprefix(f"{key}: ") if problems else ""


def _servers(root: Node, path: str, problems: list[EntryProblem]) -> tuple[Node, ...]:
    """Return the list's nodes. Raises Malformed where the version or the list is not what it should be."""
    form = open_form(root, ("version", "servers"), name="the file", prefix="", problems=problems)
    version = form.fields.get("version") if form else None
    servers = form.fields.get("servers") if form else None
    if not isinstance(version, Scalar) or version.text != VERSION:
        line = version.line if version else root.line
        raise Malformed(NAME, f"{path}: line {line}: version: expected {VERSION}, got {shown(version)}; see {EXAMPLE}")
    if not isinstance(servers, Items) or len(servers.items) > MAX_ENTRIES:
        line = servers.line if servers else root.line
        expected = f"a list of at most {MAX_ENTRIES} entries (`[]` for none)"
        raise Malformed(NAME, f"{path}: line {line}: servers: expected {expected}, got {shown(servers)}; see {EXAMPLE}")
    return servers.items
