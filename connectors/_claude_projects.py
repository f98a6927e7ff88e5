"""The projects that Claude Code remembers: keys of `projects` in `.claude.json` are folders, each with files of its own, perhaps.

Source: https://docs.claude.com/en/docs/claude-code/mcp (scopes). Only what lies below the home that is read is looked at,
wherever links lead.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from connectors._installed.disk import Disk
from connectors._reading_files.document import LIMITS, read_document
from connectors._reading_files.jsonc import Unreadable, Value

MEMORY = ".claude.json"
OWN = ".mcp.json"
FILES = (("claude-code", OWN), ("cursor", ".cursor/mcp.json"), ("vscode", ".vscode/mcp.json"))
"""Of a project: client and file. Claude Code remembers what the others work on, too."""
MAX_PROJECTS = 2000
SWITCHED_OFF = "disabledMcpjsonServers"
Project = tuple[str, frozenset[str]]
"""The client of a file, and the names that are switched off in it."""


def projects(disk: Disk) -> tuple[Mapping[Path, Project], tuple[str, ...]]:
    """Return the projects' files, each with its client and the names that are switched off in it, and a problem for too many.

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


def _files(disk: Disk, remembered: Iterable[tuple[str, Value]]) -> Mapping[Path, Project]:
    found: dict[Path, Project] = {}
    for text, settings in remembered:
        folder = disk.place(text, None)
        if folder is None or folder == disk.home:
            continue
        listed = settings.get(SWITCHED_OFF) if isinstance(settings, dict) else None
        names = (name for name in listed if isinstance(name, str)) if isinstance(listed, list) else ()
        off = frozenset(names)
        found |= {
            folder / file: (client, off if file == OWN else frozenset())
            for client, file in FILES
            if disk.holds(folder / file)
        }
    return found
