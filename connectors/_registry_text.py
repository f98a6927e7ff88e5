"""The text of a registry file: `registry.example.yaml` tells its shape. A bad entry is reported with its line and is not used."""

from hashlib import sha256

from connectors._reading_files.form import open_form, shown
from connectors._reading_files.jsonc import Unreadable
from connectors._reading_files.yaml_tree import Items, Node, Scalar, read_yaml
from connectors._registry_entry import read_entry, unique
from monitor.domain.server import Entry, EntryProblem, Registry
from monitor.ports.errors import Malformed

NAME = "registry-file"
VERSION = "1"
MAX_BYTES = 5 * 2**20
MAX_ENTRIES = 20_000
EXAMPLE = "registry.example.yaml"


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
