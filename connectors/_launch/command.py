"""Reads the command by which an MCP client starts a server: which package, how firmly pinned. Nothing is run or looked up.

A reading never fails: what cannot be told is a Launch of the kind `unknown`, with a note.
"""

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from connectors._launch.container import container
from connectors._launch.launch import (
    LAUNCHERS,
    VARIABLE,
    Launch,
    address,
    also,
    local,
    option_names,
    program,
    redirecting,
    unknown,
    words,
)
from connectors._launch.npm import RUNNERS, SEMVER, deno, npm_package
from connectors._launch.pypi import pipx, uv, uvx
from connectors._launch.wrappers import Unwrapped, unwrap
from monitor.domain.deployment import PinKind
from monitor.domain.purl import Purl

BRIDGES = option_names("mcp-remote mcp-proxy mcp-proxy-for-aws supergateway fastmcp @modelcontextprotocol/inspector")
"""Packages that connect to, or start, another server: both are deployed."""

RUNTIMES = option_names("tsx ts-node")
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
    argv = _split(argv)
    under = unwrap(argv)
    if isinstance(under, Unwrapped):
        return also(_read(under.argv, layers - 1), note=under.note, redirects=redirecting(under.variables))
    return under or _behind(*_launch(argv), layers)


def _behind(launch: Launch, rest: Sequence[str], layers: int) -> Launch:
    """Look at what the package is told to start or to connect to."""
    if launch.purl is None or not rest:
        return launch
    if launch.purl.type == "docker":
        inner = _read(rest, layers - 1) if program(rest[0]) in LAUNCHERS else None
        return replace(launch, inner=inner if inner and inner.purl else None)
    if launch.purl.label in BRIDGES:
        return _far_end(launch, rest, layers)
    if launch.purl.label in RUNTIMES:
        return also(launch, note="only the runner is this package, the server is a local file")
    return launch


def _split(argv: Sequence[str]) -> Sequence[str]:
    """Take a whole line apart that stands in the command, where its first word is a launcher; a path may hold spaces."""
    first = re.split(r"\s+", argv[0], maxsplit=1)
    if len(first) == 1 or not (program(first[0]) in LAUNCHERS or unwrap([first[0], "x"])):
        return argv
    try:
        return [*shlex.split(argv[0]), *argv[1:]]
    except ValueError:
        return argv


def _launch(argv: Sequence[str]) -> tuple[Launch, tuple[str, ...]]:
    """Read one command without wrappers; the second value is what the server or container itself is given."""
    name, rest = program(argv[0]), tuple(argv[1:])
    if re.fullmatch(r"(python|pypy)[\d.]*|py", name) and rest[:2] in {("-m", "uv"), ("-m", "pipx")}:
        name, rest = rest[1], rest[2:]
    elif name == "dotnet" and rest[:1] == ("dnx",):
        name, rest = "dnx", rest[1:]
    if reader := READERS.get(name):
        return reader(rest)
    if VARIABLE.match(argv[0]) and not re.search(r"[/\\]", argv[0]):
        return unknown("a variable stands for the command", argv[0]), ()
    return _installed(rest), ()


def _installed(arguments: Sequence[str]) -> Launch:
    """A program, script or module that is on the machine: its version stands there and not in the command."""
    if arguments[:1] == ("-m",) and len(arguments) > 1:
        return local(f"module {arguments[1]}")
    for word in arguments[:8]:
        if found := re.search(r"node_modules[/\\]((?:@[^/\\]+[/\\])?[^/\\]+)", word):
            return local(f"the version stands in node_modules/{found[1]}")
    return local()


def _dnx(arguments: Sequence[str]) -> tuple[Launch, tuple[str, ...]]:
    """Read `dnx Package@1.2.3`: a .NET tool from NuGet."""
    read = words(arguments, option_names("--version --source --add-source --configfile").__contains__)
    if not read.rest:
        return unknown("names no package"), ()
    name, _, wish = read.rest[0].partition("@")
    wish = (read.values("--version") or (wish,))[-1]
    try:
        package = Purl("nuget", None, name)
        exact = SEMVER.fullmatch(wish)
        kind = PinKind.EXACT if exact else PinKind.RANGE if wish else PinKind.NONE
        launch = Launch(kind, package.at(exact["plain"] if exact else None), requested="" if exact else wish)
    except ValueError as error:
        return unknown(str(error), name), ()
    return also(launch, redirects=read.given("--source", "--add-source", "--configfile")), read.rest[1:]


def _go(arguments: Sequence[str]) -> tuple[Launch, tuple[str, ...]]:
    """Read `go run module@v1.2.3`; without a version it is the local module."""
    read = words(arguments[1:], option_names("-C -exec -mod -modfile -tags").__contains__)
    module, at, wish = (read.rest[0] if read.rest else "").partition("@")
    if arguments[:1] != ("run",) or not at or module.startswith("."):
        return local(), ()
    path, _, name = module.rpartition("/")
    try:
        package = Purl("golang", path or None, name)
        exact = SEMVER.fullmatch(wish) and wish.startswith("v")
        launch = Launch(PinKind.EXACT, package.at(wish)) if exact else Launch(PinKind.TAG, package, requested=wish)
    except ValueError as error:
        return unknown(str(error), module), ()
    return launch, read.rest[1:]


def _far_end(launch: Launch, rest: Sequence[str], layers: int) -> Launch:
    """A bridge: the first address it is given is another server, or the first launcher is another server's command."""
    for at, word in enumerate(rest):
        if far := address(word):
            return replace(launch, remote=far)
        first = program(re.split(r"\s+", word.strip(), maxsplit=1)[0])
        if first in LAUNCHERS:
            argv = [word] if re.search(r"\s", word.strip()) else rest[at:]
            inner = _read(argv, layers - 1)
            return replace(launch, inner=inner if inner.purl else None)
    return launch


READERS: dict[str, Callable[[Sequence[str]], tuple[Launch, tuple[str, ...]]]] = {
    **{name: partial(npm_package, name) for name in RUNNERS},
    **dict.fromkeys(("docker", "podman", "nerdctl", "finch"), container),
    "deno": deno,
    "uvx": uvx,
    "uv": uv,
    "pipx": pipx,
    "dnx": _dnx,
    "go": _go,
}
