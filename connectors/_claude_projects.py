"""The projects that Claude Code remembers: keys of `projects` in `.claude.json` are folders, each with a `.mcp.json` of its own, perhaps.

Source: https://docs.claude.com/en/docs/claude-code/mcp (scopes). Only what lies below the home that is read is looked at,
wherever links lead.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from connectors._installed.disk import Disk
from connectors._reading_files.document import LIMITS, read_document
from connectors._reading_files.jsonc import Unreadable, Value

MEMORY = ".claude.json"
FILE = ".mcp.json"
MAX_PROJECTS = 2000
SWITCHED_OFF = "disabledMcpjsonServers"


def projects(disk: Disk) -> tuple[Mapping[Path, frozenset[str]], tuple[str, ...]]:
    """Return the projects' files, each with the names that are switched off in it, and a problem where there are too many projects.

    A memory that cannot be read tells of none: whoever reads its own servers says so.
    """
    data = disk.read(disk.home / MEMORY, LIMITS["json"] + 1)
    try:
        root = read_document(data, "json") if data else None
    except Unreadable:
        return {}, ()
    remembered = root.get("projects") if isinstance(root, dict) else None
    if not isinstance(remembered, dict):
        return {}, ()
    problem = f"{disk.home / MEMORY}: over {MAX_PROJECTS} projects; the files of the others are not read"
    found = _files(disk, list(remembered.items())[:MAX_PROJECTS])
    return found, (problem,) if len(remembered) > MAX_PROJECTS else ()


def _files(disk: Disk, remembered: Iterable[tuple[str, Value]]) -> Mapping[Path, frozenset[str]]:
    found: dict[Path, frozenset[str]] = {}
    for text, settings in remembered:
        folder = disk.place(text, None)
        if folder is None or folder == disk.home or not disk.holds(folder / FILE):
            continue
        off = settings.get(SWITCHED_OFF) if isinstance(settings, dict) else None
        names = (name for name in off if isinstance(name, str)) if isinstance(off, list) else ()
        found[folder / FILE] = frozenset(names)
    return found
