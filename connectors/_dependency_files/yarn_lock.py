"""yarn.lock, of yarn 1 and of those after it (https://yarnpkg.com): the whole graph.

Yarn 1 does not tell what the project itself needs: that is what nothing else needs. None of them tells what is for development alone, so
that this is in it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

import msgspec

from connectors._dependency_files import packages
from connectors._dependency_files.graph import MAX_ENTRIES, Graph, Node, refused
from connectors._dependency_files.records import converted, converter
from connectors._dependency_files.trees import read_tree

CLASSIC = "yarn.lock 1"
LINE = re.compile(
    r'(?P<indent> *)(?P<key>"(?:[^"\\]|\\.)*"|[^\s":]+)(?: +(?P<value>"(?:[^"\\]|\\.)*"|[^\s"]+)|(?P<opens>:))?'
)
KEYS = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s,":][^\s,"]*[^\s,":])')
MAX_LINE = 65_536
ALIAS = re.compile(r"npm:(?P<name>@?[^@]+)@")
PATCHED = re.compile(r"patch:(?P<inner>[^#]+)#")


class _Text(msgspec.Struct):
    """An entry of yarn 2 and later."""

    version: str
    resolution: str
    dependencies: dict[str, str] = {}


_TEXT = converter(_Text)


@dataclass(slots=True)
class _Entry:
    """An entry of yarn 1. `needs` are specifiers."""

    specifiers: list[str]
    fields: dict[str, str] = field(default_factory=dict)
    needs: list[tuple[str, str, bool]] = field(default_factory=list)
    """Name, range, and whether it is optional."""


def parse(data: bytes) -> Graph:
    """Read the file. Raises `Malformed`; a bad entry costs itself."""
    if re.search(rb"^__metadata:", data, re.MULTILINE):
        return _berry(data)
    try:
        return _classic(data.decode())
    except UnicodeDecodeError as error:
        raise refused(f"{CLASSIC}: {error}") from error


def _classic(text: str) -> Graph:
    problems: list[str] = []
    entries = list(_entries(text, problems))
    by_specifier = {one: entry.specifiers[0] for entry in entries for one in entry.specifiers}
    nodes = {entry.specifiers[0]: _classic_node(entry, by_specifier) for entry in entries}
    return Graph(CLASSIC, nodes, problems=tuple(problems))


def _entries(text: str, problems: list[str]) -> Iterator[_Entry]:
    """Read the lines: an entry at the margin, its fields two spaces in, what it needs four."""
    entry: _Entry | None = None
    inside, count = "", 0
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        if not line.startswith(" "):
            if entry:
                yield entry
            names = [quoted or bare for quoted, bare in KEYS.findall(line[:MAX_LINE])]
            entry = _Entry(names) if names and line.rstrip().endswith(":") else None
            inside, count = "", count + 1
            if count > MAX_ENTRIES:
                raise refused(f"{CLASSIC}: more than {MAX_ENTRIES} entries")
        read = LINE.fullmatch(line[:MAX_LINE].rstrip()) if entry and line.startswith(" ") else None
        if entry and read:
            inside = _field(entry, read, inside)
        elif entry is None or line.startswith(" "):
            problems += [f"{CLASSIC}: line {number} is none"] if len(problems) < MAX_ENTRIES else []
    if entry:
        yield entry


def _field(entry: _Entry, read: re.Match[str], inside: str) -> str:
    """Take a line into its entry, and return the block in which the next one stands."""
    key, value = _unquoted(read["key"]), _unquoted(read["value"] or "")
    if read["opens"]:
        return key
    if len(read["indent"]) > len("  "):
        if inside in {"dependencies", "optionalDependencies"}:
            entry.needs.append((key, value, inside == "optionalDependencies"))
        return inside
    entry.fields[key] = value
    return ""


def _unquoted(text: str) -> str:
    return text[1:-1] if text.startswith('"') else text


def _classic_node(entry: _Entry, by_specifier: Mapping[str, str]) -> Node:
    name, wanted = _specifier(entry.specifiers[0])
    alias = ALIAS.match(wanted)
    name = alias["name"] if alias else name
    version, resolved = entry.fields.get("version", ""), entry.fields.get("resolved", "")
    purl = packages.npm(name, version) if packages.from_registry(resolved) and not _elsewhere(wanted) else None
    needs = (
        by_specifier.get(f"{need}@{wish}", "" if optional else f"{need} {wish}") for need, wish, optional in entry.needs
    )
    return Node(packages.label(name), purl, f"{name} {wanted}", tuple(need for need in needs if need))


def _specifier(text: str) -> tuple[str, str]:
    """`@scope/name@range` in its two parts."""
    at = text.find("@", 1)
    return (text[:at], text[at + 1 :]) if at > 0 else (text, "")


def _elsewhere(wanted: str) -> bool:
    return wanted.startswith(("file:", "link:", "git", "portal:", "workspace:"))


def _berry(data: bytes) -> Graph:
    problems: list[str] = []
    tree = read_tree(data, "yarn.lock")
    metadata = tree.get("__metadata")
    version = metadata.get("version") if isinstance(metadata, dict) else ""
    entries: dict[str, _Text] = {}
    by_specifier: dict[str, str] = {}
    for key, value in tree.items():
        if key == "__metadata":
            continue
        read = converted(value, _TEXT, f"[{key[:100]!r}]", problems)
        if read is None:
            continue
        entries[read.resolution] = read
        by_specifier.update((one.strip(), read.resolution) for one in key.split(","))
    nodes = {key: _berry_node(entry, by_specifier) for key, entry in entries.items()}
    projects = [key for key, node in nodes.items() if node.own]
    main = next((key for key in projects if key.endswith("@workspace:.")), next(iter(projects), ""))
    return Graph(f"yarn.lock {version}", nodes, main=main, strays=not main, problems=tuple(problems))


def _berry_node(entry: _Text, by_specifier: Mapping[str, str]) -> Node:
    name, where = _specifier(entry.resolution)
    patched = PATCHED.match(where)
    if patched:  # the package of the registry, and changes on top of it
        where = _specifier(unquote(patched["inner"]))[1]
    needs = tuple(_berry_needs(entry, by_specifier))
    if where.startswith("workspace:"):
        purl = packages.project("npm", name, entry.version)
        return Node(packages.label(name), purl, f"{name} {where}", needs, own=True)
    purl = packages.npm(name, where.removeprefix("npm:").partition("::")[0]) if where.startswith("npm:") else None
    return Node(packages.label(name), purl, f"{name} {where}", needs)


def _berry_needs(entry: _Text, by_specifier: Mapping[str, str]) -> Iterator[str]:
    for name, wanted in entry.dependencies.items():
        found = by_specifier.get(f"{name}@{wanted}") or by_specifier.get(f"{name}@npm:{wanted}")
        # What is not locked under its range is a patched one, or one for another platform: its words are enough.
        yield found or f"{name} {wanted}"
