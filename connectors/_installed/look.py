"""Which package on the disk a launch means: the floating one's copy in a cache, or that to which a file or program belongs."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from connectors._dependency_files import uv_lock
from connectors._dependency_files.tables import MAX_BYTES
from connectors._installed import node, python
from connectors._installed.disk import Disk, Found
from connectors._launch.launch import Launch, program, words
from connectors._launch.pypi import UV_FLAGS, UV_VALUED
from monitor.domain.purl import Purl
from monitor.ports.errors import Malformed

ENVIRONMENTS = (".venv", "venv")
PYTHON = re.compile(r"(python|pypy)[\d.]*|py")
NODE = re.compile(r"node(js)?|bun|deno|tsx")
NODE_FILE = re.compile(r"\.(js|mjs|cjs|ts|mts)$|[/\\]node_modules[/\\]")
MAX_WORDS = 12
IN_BIN = ("bin", "Scripts")


def look(disk: Disk, launch: Launch, project: Path | None) -> Found | None:
    """Return what lies on the disk for a launch that names no version, started in that project; None: nothing was found."""
    if launch.purl is not None:
        wish = launch.requested
        match launch.purl.type:
            case "npm" if not launch.purl.version:
                return node.fetched(disk, launch.purl, launch.kind, wish, project)
            case "pypi" if not launch.purl.version:
                return python.fetched(disk, launch.purl, launch.kind, wish)
            case _:
                return None
    return _started(disk, launch.argv, project) if launch.argv else None


def _started(disk: Disk, argv: Sequence[str], project: Path | None) -> Found | None:
    name = program(argv[0])
    if name == "uv":
        return _uv(disk, argv[1:], project)
    command = disk.place(argv[0], project) if re.search(r"[/\\]", argv[0]) else None
    if PYTHON.fullmatch(name):
        return _python(disk, command, argv[1:], project)
    found = _program(disk, name, command)
    return found or next((each for file in _files(disk, argv, project) if (each := node.of_file(disk, file))), None)


def _files(disk: Disk, argv: Sequence[str], project: Path | None) -> Iterator[Path]:
    """Yield the files of node's kind that a command names, the script first."""
    first = 1 if NODE.fullmatch(program(argv[0])) else 0
    for word in argv[first:MAX_WORDS]:
        if NODE_FILE.search(word) and (place := disk.place(word, project)):
            yield place


def _program(disk: Disk, name: str, command: Path | None) -> Found | None:
    """Find the package of a program: by the environment in which it stands, or by the name among all that are installed."""
    if command is not None and command.parent.name in IN_BIN and python.is_environment(disk, command.parent.parent):
        return python.of_environment(disk, command.parent.parent, program=name)
    if command is None or command.parent.name in IN_BIN:
        return python.program(disk, name) or node.program(disk, name)
    return None


def _python(disk: Disk, command: Path | None, words_: Sequence[str], project: Path | None) -> Found | None:
    """Read `python -m module`, or a file, by the environment of the interpreter, of the project, or of the user."""
    module = words_[1].partition(".")[0] if words_[:1] == ("-m",) and len(words_) > 1 else ""
    script = disk.place(words_[0], project) if words_ and not words_[0].startswith("-") else None
    roots = [command.parent.parent] if command else []
    roots += [project / name for name in ENVIRONMENTS] if project else []
    for root in roots:
        if python.is_environment(disk, root):
            name = script.name if script and script.parent.name in IN_BIN else ""
            return python.of_environment(disk, root, module=module, program=name)
    return python.of_environment(disk, disk.home / ".local", module=module) if module else None


def _uv(disk: Disk, arguments: Sequence[str], project: Path | None) -> Found | None:
    """Read `uv run`: a program or module of the environment of a project, else what its lock file says of a package of that name."""
    outer = words(arguments, UV_VALUED, UV_FLAGS.__contains__)
    if outer.rest[:1] != ("run",):
        return None
    inner = words(outer.rest[1:], UV_VALUED | {"-m", "--module"}, UV_FLAGS.__contains__)
    named = (outer.values("--directory", "--project") + inner.values("--directory", "--project"))[-1:]
    folder = disk.place(named[0], project) if named else project
    if folder is None or folder == disk.home:
        return None
    called = inner.values("-m", "--module") or inner.rest[:1]
    module = (inner.values("-m", "--module") or (inner.rest[1:2] if inner.rest[:1] == ("python",) else ()))[-1:]
    name, module_name = (called[0] if called else ""), (module[0].partition(".")[0] if module else "")
    for environment in ENVIRONMENTS:
        root = folder / environment
        if python.is_environment(disk, root):
            return python.of_environment(disk, root, program=name, module=module_name) or _locked(disk, folder, name)
    return _locked(disk, folder, name)


def _locked(disk: Disk, folder: Path, name: str) -> Found | None:
    data = disk.read(folder / "uv.lock", MAX_BYTES + 1)
    try:
        wanted = Purl.pypi(name) if name else None
        graph = uv_lock.parse(data) if data and wanted else None
    except (Malformed, ValueError):
        return None
    named = (
        {node_.purl for node_ in graph.nodes.values() if node_.purl and node_.purl.package == wanted}
        if graph
        else set()
    )
    one = next(iter(named)) if len(named) == 1 else None
    return Found(one, note="as uv.lock says") if one and one.version else None
