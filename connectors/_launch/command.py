"""Reads the command by which an MCP client starts a server: which package, how firmly pinned. Nothing is run or looked up.

A reading never fails: what cannot be told is a Launch of the kind `unknown`, with a note.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from connectors._launch.container import container, runs_anything
from connectors._launch.folders import unusual_folder
from connectors._launch.launch import (
    INTERPRETERS,
    LAUNCHERS,
    URL,
    VARIABLE,
    Launch,
    address,
    also,
    local,
    moved,
    opaque,
    option_names,
    program,
    unknown,
)
from connectors._launch.npm import RUNNERS, deno, npm_package
from connectors._launch.others import dnx, go
from connectors._launch.pypi import pipx, uv, uvx
from connectors._launch.redirects import redirecting
from connectors._launch.shell_line import Unwrapped, line
from connectors._launch.wrappers import is_layer, unwrap
from monitor.domain.deployment import PinKind

BRIDGES = option_names("mcp-remote mcp-proxy mcp-proxy-for-aws supergateway fastmcp @modelcontextprotocol/inspector")
"""Packages that connect to, or start, another server: both are deployed."""

INSTALLED_BRIDGES = option_names("mcp-remote mcp-remote-client mcp-proxy mcp-proxy-for-aws supergateway")
"""Programs of such packages, as they are installed."""

MODULE = re.compile(r"[A-Za-z_]\w{0,40}(\.[A-Za-z_]\w{0,40}){0,6}")
PROGRAM = re.compile(r"[a-z][\w.+-]{0,40}")
RUNTIMES = option_names("tsx ts-node mcp")
"""Packages that only run a local file."""

MAX_WORDS = 2000
MAX_WORD = 16384
MAX_LAYERS = 8


def parse(command: str, arguments: Sequence[str]) -> Launch:
    """Say what `command` with `arguments` starts. A command that holds its own arguments is split, as several clients do."""
    argv = [word[:MAX_WORD] for word in (command.strip(), *arguments)][:MAX_WORDS]
    return _read(argv, MAX_LAYERS) if argv[0] else unknown("no command")


def _read(argv: Sequence[str], layers: int) -> Launch:
    if layers == 0:
        return unknown("wrapped too often")
    if whole := _whole_line(argv):
        return _under(whole, layers)
    under = unwrap(argv)
    launch = _under(under, layers) if under else _behind(*_launch(argv), layers)
    name = program(argv[0])
    folder = unusual_folder(argv[0]) if name in READERS or is_layer(name) or _module(argv) else ""
    return opaque(launch, f"a program in an unusual folder: {folder[:200]}") if folder else launch


def _under(under: Unwrapped | Launch, layers: int) -> Launch:
    if isinstance(under, Launch):
        return under
    launch = also(_read(under.argv, layers - 1), redirects=(*redirecting(under.variables), *under.settings))
    launch = moved(launch, under.folders)
    others = [_read(argv, layers - 1) for argv in under.others]
    launch = replace(launch, beside=(*launch.beside, *(each for each in others if each.purl or each.remote)))
    return opaque(launch, under.doubt) if under.doubt else launch


def _behind(launch: Launch, rest: Sequence[str], layers: int) -> Launch:
    """Look at what the package is told to start or to connect to."""
    if not rest:
        return launch
    if launch.purl is None:
        far = _far_end(launch, rest, layers) if launch.kind is PinKind.PATH else launch
        return far if far.remote or far.inner else launch
    if launch.purl.type == "docker":
        inner = _read(rest, layers - 1) if runs_anything(rest[0]) else None
        return replace(launch, inner=inner if inner and (inner.purl or inner.beside) else None)
    if launch.purl.label in BRIDGES:
        return _far_end(launch, rest, layers)
    if launch.purl.label in RUNTIMES:
        return opaque(launch, "only the runner is this package, the server is a local file")
    return launch


def _whole_line(argv: Sequence[str]) -> Unwrapped | Launch | None:
    """Take a whole line apart that stands in the command, where its first word is a launcher; a path may hold spaces."""
    first = re.split(r"\s+", argv[0].strip(), maxsplit=1)
    if len(first) == 1 or not (program(first[0]) in LAUNCHERS or is_layer(program(first[0]))):
        return None
    read = line(argv[0])
    return replace(read, argv=(*read.argv, *argv[1:])) if isinstance(read, Unwrapped) else read


def _module(argv: Sequence[str]) -> bool:
    """Say whether a Python interpreter is asked for its own copy of a launcher."""
    interpreter = re.fullmatch(r"(python|pypy)[\d.]*|py", program(argv[0])) is not None
    return interpreter and tuple(argv[1:3]) in {("-m", "uv"), ("-m", "pipx")}


def _launch(argv: Sequence[str]) -> tuple[Launch, tuple[str, ...]]:
    """Read one command without wrappers; the second value is what the server or container itself is given."""
    name, rest = program(argv[0]), tuple(argv[1:])
    if _module(argv):
        name, rest = rest[1], rest[2:]
    elif name == "dotnet" and rest[:1] == ("dnx",):
        name, rest = "dnx", rest[1:]
    if reader := READERS.get(name):
        launch, given = reader(rest)
        return (replace(launch, argv=tuple(argv)), given) if launch.kind is PinKind.PATH else (launch, given)
    if VARIABLE.match(argv[0]) and not re.search(r"[/\\]", argv[0]):
        return unknown("a variable stands for the command"), ()
    launch = _installed(rest)
    launch = replace(launch if launch.note else local(_told(name)), argv=tuple(argv))
    return launch, rest if name in INSTALLED_BRIDGES else ()


def _told(name: str) -> str:
    if INTERPRETERS.fullmatch(name):
        return ""
    return f"a program of the machine: {name}" if PROGRAM.fullmatch(name) else "a program of the machine"


def _installed(arguments: Sequence[str]) -> Launch:
    """A program, script or module that is on the machine: its version stands there and not in the command."""
    if arguments[:1] == ("-m",) and len(arguments) > 1:
        return local(f"module {arguments[1]}" if MODULE.fullmatch(arguments[1]) else "a module")
    for word in arguments[:8]:
        if found := re.search(r"node_modules[/\\]((?:@[^/\\]+[/\\])?[^/\\]+)", word):
            return local(f"the version stands in node_modules/{found[1]}")
    return local()


def _far_end(launch: Launch, rest: Sequence[str], layers: int) -> Launch:
    """A bridge: each address it is given may be another server, and the first launcher is another server's command."""
    remotes: list[str] = []
    for at, word in enumerate(rest):
        value = (word.partition("=")[2] if word.startswith("-") else word).strip()
        if far := address(value):
            remotes.append(far)
        elif URL.match(value):
            launch = opaque(launch, "an address that cannot be read")
        elif value and runs_anything(re.split(r"\s+", value, maxsplit=1)[0]):
            argv = [value] if re.search(r"\s", value) else [value, *rest[at + 1 :]]
            inner = _read(argv, layers - 1)
            launch = replace(launch, inner=inner) if inner.purl else _starts_unread(launch)
            break
    if remotes:
        beside = (Launch(PinKind.REMOTE, remote=far) for far in dict.fromkeys(remotes[1:]) if far != remotes[0])
        return replace(launch, remote=remotes[0], beside=(*launch.beside, *beside))
    return launch if launch.inner else _starts_unread(launch)


def _starts_unread(launch: Launch) -> Launch:
    return opaque(launch, "a bridge to something that cannot be read")


READERS: dict[str, Callable[[Sequence[str]], tuple[Launch, tuple[str, ...]]]] = {
    **{name: partial(npm_package, name) for name in RUNNERS},
    **dict.fromkeys(("docker", "podman", "nerdctl", "finch"), container),
    "deno": deno,
    "uvx": uvx,
    "uv": uv,
    "pipx": pipx,
    "dnx": dnx,
    "go": go,
}
