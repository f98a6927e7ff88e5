"""The files in which the MCP clients of a machine keep their servers: where they are, and what they hold.

What somebody named in our configuration is read wherever links lead. Of a home, a project or the machine's own
folders only what lies below them is read, and nothing is opened through a link that was put there meanwhile.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from glob import has_magic
from pathlib import Path

from connectors._claude_projects import projects as remembered
from connectors._config_locations import LOCATIONS, PROJECT, SYSTEM, client_of
from connectors._finding_files import Search
from connectors._installed.disk import Disk
from connectors._reading_files.document import LIMITS, format_of
from connectors._reading_files.jsonc import Unreadable
from connectors._reading_files.opening import opened

NAME = "client files"


@dataclass(frozen=True, slots=True)
class ClientFile:
    """One file, and whose it is. `off`: the names of servers in it that are switched off elsewhere."""

    path: Path
    client: str
    bounds: Disk | None = None  # None: somebody named it, and it may lie anywhere
    looking: Disk | None = None  # None: there is no disk on which to look for what it starts
    off: frozenset[str] = frozenset()

    def read(self) -> bytes:
        """Return at most one byte more than the format may have. Raises SourceError, OSError and Unreadable."""
        form = format_of(str(self.path))
        if form not in LIMITS:
            raise Unreadable(1, "a format that is not read")
        if self.bounds:
            return self.bounds.must_read(self.path, LIMITS[form] + 1)
        with opened(self.path, source=NAME) as file:
            return file.read(LIMITS[form] + 1)


def client_files(
    paths: Sequence[str], home: Path | None, root: Path | None, projects: Sequence[Path]
) -> tuple[tuple[ClientFile, ...], list[str]]:
    """Return the files that exist, each once, and a problem for each place that is missing or could not be looked at."""
    search, missing = Search(), list[str]()
    disk = Disk(home) if home else None
    found = [file for pattern in paths for file in _named(search, pattern, disk, missing)]
    if disk and home:
        found += _places(search, LOCATIONS, home, disk, disk)
    if root:
        found += _places(search, SYSTEM, root, Disk(root), disk)
    for own in map(Disk, projects):
        found += _places(search, [(client, (place,)) for client, place in PROJECT], own.home, own, own)
    files: dict[Path, ClientFile] = {}
    for file in found:
        files.setdefault(file.path, file)
    if disk:
        known, too_many = remembered(disk)
        missing += too_many
        for path, (client, off) in known.items():
            files[path] = replace(files.get(path) or ClientFile(path, client, disk, disk), off=off)
    return tuple(files.values()), [*missing, *search.problems]


def _places(
    search: Search, locations: Sequence[tuple[str, Sequence[str]]], folder: Path, bounds: Disk, looking: Disk | None
) -> Iterator[ClientFile]:
    for client, places in locations:
        for place in places:
            for path in search.files(folder, place):
                yield ClientFile(path, client, bounds, looking)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _named(search: Search, pattern: str, disk: Disk | None, missing: list[str]) -> Iterator[ClientFile]:
    """Yield what a configured path or glob pattern names; a file of just that name goes first."""
    path, before = Path(pattern).expanduser(), search.problems
    if not has_magic(str(path)) or _is_file(path):
        found = search.files(path.parent, re.sub(r"([*?\[])", r"[\1]", path.name))
    else:
        found = search.files(Path(path.anchor or "."), str(path.relative_to(path.anchor)))
    if not found and search.problems == before:
        missing.append(f"{pattern}: no such file; correct the path in the configuration, or take it out")
    return (ClientFile(each, client_of(each), looking=disk) for each in found)
