"""MCP clients' configuration files: what each client on a machine would start, and how firmly it names it.

Knows: names, commands, addresses, whether an entry is switched off, and in a home that is read what lies on its disk for one without a
version. Does not know: whether anybody starts the client, or whether what lies there is what it says. Nothing is started, and no
variable's value is ever kept, only its name.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import msgspec

from connectors._client_files import client_files
from connectors._config_locations import SWITCHED_BY_LIST, SWITCHES, project_of
from connectors._finding_files import written
from connectors._installed.disk import MAX_LOOKS, Disk
from connectors._installed.look import look
from connectors._launch.command import parse
from connectors._launch.launch import Launch, address, also, local, moved, opaque, unknown
from connectors._launch.places import MAX_NAME, OnDisk, nowhere, placed
from connectors._launch.redirects import redirecting
from connectors._reading_files.document import format_of, read_document
from connectors._reading_files.jsonc import Unreadable, Value
from connectors._server_entries import entries
from monitor.domain.address import HALVES
from monitor.domain.deployment import Deployment, Inventory, PinKind
from monitor.ports.errors import SourceError, Unavailable
from monitor.ports.sources import DeploymentSource

NAME = "mcp-config"
MAX_SERVERS = 10_000
"""In one file."""
BUILT_IN = ("builtin", "platform", "frontend", "inline_python")
SWITCHED_OFF = {"disabled": True, "enabled": False, "isActive": False}
"""Key -> its value that is meant to switch a server off."""

FLAT = ("/.mcp.json", "/mcp.json")
"""Names of files that may hold servers without any wrapper around them."""

OVER_THE_NET = ("http", "sse", "ws", "remote", "streamable")
Look = Callable[[str], OnDisk]
"""Looks on the disk for what is started for a project; an empty one is none."""


class _Nested(msgspec.Struct):
    path: str = ""
    args: list[str | bool | None] | None = None
    env: dict[str, object] | None = None


class _Entry(
    msgspec.Struct,
    rename={"server_url": "serverUrl", "http_url": "httpUrl", "env_file": "envFile", "helper": "headersHelper"},
):
    """The keys that say what is started, in all the clients' spellings."""

    command: str | list[str | bool | None] | _Nested | None = None
    cmd: str | None = None
    args: list[str | bool | None] | None = None
    env: dict[str, object] | None = None
    envs: dict[str, object] | None = None
    environment: dict[str, object] | None = None
    url: str | None = None
    server_url: str | None = None
    http_url: str | None = None
    uri: str | None = None
    type: str | None = None
    source: str | None = None
    cwd: str | None = None
    env_file: str | None = None
    helper: str | None = None


def build(
    *,
    host: str,
    paths: Sequence[str | Path],
    home: Path | None = None,
    root: Path | None = None,
    projects: Sequence[Path] = (),
) -> DeploymentSource:
    """Read the files and glob patterns in `paths`, with `home` also the well-known places below it, at each call.

    With `root`, the system's own folder or one where it is mounted, also those that hold for all of a machine's users;
    with `projects` those in these folders.
    """
    return McpConfig(host, tuple(str(path) for path in paths), home, root, tuple(projects))


class McpConfig:
    """The configuration files of one machine, or of one collection of them."""

    def __init__(
        self, host: str, paths: tuple[str, ...], home: Path | None, root: Path | None, projects: tuple[Path, ...]
    ) -> None:
        """Hold the names; nothing is read yet."""
        self._host = host
        self._paths = paths
        self._home = home
        self._root = root
        self._projects = projects

    @property
    def name(self) -> str:
        """The connector's name and its place, for people."""
        return f"{NAME} {self._host}"

    async def inventory(self) -> Inventory:
        """Read all files. A file that cannot be read makes the inventory incomplete: what it held is not gone.

        Raises Unavailable when files are named and none of them could be read.
        """
        return await asyncio.to_thread(self._read)

    def _read(self) -> Inventory:
        if self._home:
            _enter(self._home, self.name)
        files, missing = client_files(self._paths, self._home, self._root, self._projects)
        deployments: dict[str, Deployment] = {}
        problems: list[str] = []
        unread = 0
        for file in files:
            path = written(file.path)
            try:
                looking = _looking(file.looking, file.path)
                found, wrong = parse_config(
                    file.read(), path, file.client, host=self._host, on_disk=looking, off=file.off
                )
            except (OSError, SourceError, Unreadable, ValueError) as error:
                unread += 1
                problems.append(f"{path}: {_why(error, file.path)}")
                continue
            problems += wrong
            for deployment in found:
                deployments.setdefault(deployment.key, deployment)
        if (missing or unread) and unread == len(files):
            raise Unavailable(self.name, "no file could be read: " + "; ".join((missing + problems)[:5]))
        for disk in {
            id(file.looking): file.looking for file in files if file.looking and file.looking.exhausted
        }.values():
            problems.append(f"{disk.home}: more than {MAX_LOOKS} files; what else is installed there is not known")
        complete = not missing and not unread
        return Inventory(self.name, tuple(deployments.values()), tuple(missing + problems), complete)


def _enter(home: Path, source: str) -> None:
    """Raise Unavailable where a home may not be entered: it is not one without clients."""
    try:
        (home / ".claude.json").stat()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise Unavailable(source, f"{home}: {error.strerror}; scan as its user, or as root") from error


def _why(error: Exception, path: Path) -> str:
    if isinstance(error, SourceError):
        return error.detail.removeprefix(f"{path}: ")
    return (error.strerror or type(error).__name__) if isinstance(error, OSError) else str(error)


def _elsewhere(_: str) -> OnDisk:
    return nowhere


def _looking(disk: Disk | None, path: Path) -> Look:
    """Look beside the project that an entry or its file is for; a file of the user's own is for none."""
    if disk is None:
        return _elsewhere
    base = project_of(path)

    def beside(scope: str) -> OnDisk:
        project = (disk.place(scope, None) if scope else None) or base
        return lambda launch: look(disk, launch, project)

    return beside


def parse_config(
    data: bytes, path: str, client: str, *, host: str = "", on_disk: Look = _elsewhere, off: Collection[str] = ()
) -> tuple[tuple[Deployment, ...], tuple[str, ...]]:
    """Read one file, of which the servers named in `off` are switched off elsewhere.

    A bad entry becomes a problem and a deployment of unknown kind: its place exists, whatever stands there.

    A bridge yields two deployments, its own package and the server behind it. Raises Unreadable for the file as a whole.
    """
    deployments: dict[str, Deployment] = {}
    problems: list[str] = []
    listed = list(islice(entries(read_document(data, format_of(path)), flat=path.endswith(FLAT)), MAX_SERVERS + 1))
    for found in listed[:MAX_SERVERS]:
        location = f"{path} ({found.scope})" if found.scope else path
        location, name = _writable(location), _writable(found.name)
        name = name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…"
        listed_off = found.disabled and bool(found.scope) and client in SWITCHED_BY_LIST
        launch, problem = _launch(found.entry, client, ignored_list=found.disabled and not listed_off)
        if problem:
            problems.append(f"{path}: server {name!r}: {problem}")
        disabled = listed_off or found.name in off or _switched_off(found.entry, client)
        bare = Deployment(host, client, location, name, PinKind.UNKNOWN, None, disabled=disabled)
        for deployment in placed(bare, launch, on_disk(found.scope)):
            again = deployment.key in deployments
            one = replace(deployment, location=f"{location} #{len(deployments)}") if again else deployment
            deployments[one.key] = one
    if len(listed) > MAX_SERVERS:
        problems.append(f"{path}: more than {MAX_SERVERS} servers; the rest is not read")
    return tuple(deployments.values()), tuple(problems)


def _writable(text: str) -> str:
    """Return a text of JSON, which may hold halves of characters, as one that every encoding can write."""
    return HALVES.sub("\N{REPLACEMENT CHARACTER}", text)


def _launch(value: Value, client: str, *, ignored_list: bool) -> tuple[Launch, str]:
    """Return what an entry starts, and what is wrong with it (empty: nothing)."""
    try:
        entry = msgspec.convert(value, _Entry)
    except msgspec.ValidationError as error:
        return unknown("the entry could not be read"), str(error)
    variables = [
        name for names in (entry.env, entry.envs, entry.environment, _nested(entry).env) for name in names or ()
    ]
    parts = _parts(entry)
    if len(parts) > 1:
        # Which of them a client takes cannot be told: all are deployed.
        parts = [replace(parts[0], beside=(*parts[0].beside, *parts[1:]))]
    launch = also(parts[0] if parts else _without_command(entry), redirects=redirecting(variables))
    launch = also(moved(launch, ("cwd",) if entry.cwd else ()), redirects=("envFile",) if entry.env_file else ())
    if entry.helper:
        launch = opaque(launch, "headersHelper starts a program of its own")
    ignored = _ignored_switch(value, client, ignored_list=ignored_list)
    return also(launch, note=ignored), ""


def _parts(entry: _Entry) -> list[Launch]:
    """Return everything that the entry names to start or to connect to, first what its type says."""
    argvs = [_argv(entry, entry.command), _argv(entry, entry.cmd)]
    started = [parse(argv[0], argv[1:]) for argv in argvs if argv and argv[0]]
    fars = dict.fromkeys(far for far in (entry.http_url, entry.server_url, entry.url, entry.uri) if far)
    remotes = [(far, address(far)) for far in fars]
    reached = [
        Launch(PinKind.REMOTE, remote=remote) if remote else unknown("no address of a server")
        for far, remote in remotes
    ]
    return reached + started if (entry.type or "").startswith(OVER_THE_NET) else started + reached


def _nested(entry: _Entry) -> _Nested:
    return entry.command if isinstance(entry.command, _Nested) else _Nested()


def _argv(entry: _Entry, command: str | list[str | bool | None] | _Nested | None) -> list[str]:
    """Return the program and its arguments, empty where none is named."""
    match command:
        case _Nested():
            return _words([command.path]) + _words(command.args) + _words(entry.args)
        case list():
            return _words(command) + _words(entry.args)
        case str():
            return [command, *_words(entry.args)]
        case None:
            return []


def _without_command(entry: _Entry) -> Launch:
    if entry.type in BUILT_IN:
        return local("built into the client")
    if entry.source == "extension":
        return local("an extension of the client")
    return unknown("names neither a command nor an address")


def _switches(value: Value) -> tuple[str, ...]:
    """Name the keys of an entry that are meant to switch it off."""
    entry = value if isinstance(value, dict) else {}
    return tuple(key for key, off in SWITCHED_OFF.items() if entry.get(key) is off)


def _switched_off(value: Value, client: str) -> bool:
    return any(key in SWITCHES.get(client, ()) for key in _switches(value))


def _ignored_switch(value: Value, client: str, *, ignored_list: bool) -> str:
    """Say which key is meant to switch an entry off, where the client is not known to heed it."""
    ignored = [key for key in _switches(value) if key not in SWITCHES.get(client, ())]
    if ignored_list:
        ignored.append("a list of what is switched off")
    return f"{client} is not known to heed {' and '.join(ignored)}: taken for switched on" if ignored else ""


def _words(values: Sequence[object] | None) -> list[str]:
    return [
        str(value).lower() if isinstance(value, bool) else str(value) for value in values or () if value is not None
    ]
