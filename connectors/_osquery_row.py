"""One row of an osquery table, as a place where an MCP server runs or lies. The logs do not say which table a row is of: its columns do.

Tables: `npm_packages`, `python_packages`, `docker_containers`, `processes` (https://osquery.io/schema). A row of any other is passed over.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import msgspec

from connectors._dependency_files.packages import PYPI_NAME
from connectors._inventory_line import published_version
from connectors._launch.container import image
from connectors._launch.launch import INTERPRETERS, LAUNCHERS, program
from connectors._launch.npm import NAME
from connectors._launch.places import placed
from connectors._sightings import server_launch, serves
from monitor.domain.deployment import Deployment, PinKind
from monitor.domain.purl import Purl
from monitor.domain.text import one_line

CLIENT = "osquery"
MAX_PATH = 900
MAX_COMMAND = 65536
STOPPED = frozenset({"created", "exited", "dead", "removing"})
WORDS = re.compile(r'(?:"[^"]*"|[^\s"])+')
NPMS_OWN = re.compile(
    r"(?i)(?P<prefix>.*?)[/\\](?P<lib>lib[/\\])?node_modules[/\\]p?npm[/\\]bin[/\\](?P<name>npx|npm|pnpm)(-cli)?\.c?js"
)
"""The scripts behind the programs of npm: they stand below the folder in which the programs are."""


REGISTRIES = {"npm": (NAME, Purl.npm), "pypi": (PYPI_NAME, Purl.pypi)}
TABLES = {"npm_packages": ("npm",), "python_packages": ("pypi",)}
WORDS_FOR = {
    "npm": re.compile(r"(?i)npm|node_modules"),
    "pypi": re.compile(r"(?i)python|pypi|site-packages|dist-packages|\bpip\b"),
}

Text = str | int | float | None


class Row(msgspec.Struct, frozen=True):
    """The columns that are read; values are texts, and numbers where the agent is told to send them."""

    name: Text = None
    version: Text = None
    path: Text = None
    directory: Text = None
    cmdline: Text = None
    image: Text = None
    command: Text = None
    state: Text = None
    status: Text = None
    source: Text = None
    table: Text = None
    summary: Text = None
    description: Text = None
    homepage: Text = None


def places(row: Row, query: str, bare: Deployment, listed: Collection[Purl]) -> tuple[Deployment, ...]:
    """Return the deployments of a row; empty: it is about no MCP server. `bare` holds host and client. Raises ValueError."""
    if _text(row.cmdline):
        return tuple(_process(row, bare, listed))
    if _text(row.image) and (_text(row.state) or _text(row.status) or row.command is not None):
        return tuple(_container(row, bare, listed))
    if _text(row.name) and _text(row.version):
        return tuple(_package(row, query, bare, listed))
    return ()


def _text(value: Text) -> str:
    return "" if value is None else str(value).strip()


def _package(row: Row, query: str, bare: Deployment, listed: Collection[Purl]) -> Iterator[Deployment]:
    name, path = _text(row.name), _text(row.path) or _text(row.directory)
    kinds = _registries(row, query, path)
    found = [make(name) for kind, (form, make) in REGISTRIES.items() if kind in kinds and form.fullmatch(name)]
    serving = [purl for purl in found if serves(purl, listed)]
    if len(serving) > 1:
        raise ValueError(f"{name[:80]}: of npm or of PyPI? Let the query select path, or 'npm_packages' AS source")
    for purl in serving:
        version = published_version(purl.type, _text(row.version))
        place = path[:MAX_PATH] or f"{purl.type} packages"
        yield replace(bare, kind=PinKind.EXACT, location=place, name=purl.label, purl=purl.at(version))


def _registries(row: Row, query: str, path: str) -> Collection[str]:
    """Tell the registry: by what the row says of itself, its path, the columns that only one table has, the query's name."""
    if said := _text(row.table) or _text(row.source):
        return TABLES.get(said.lower(), ())
    columns = "python" * (row.summary is not None) + "npm" * (row.description is not None or row.homepage is not None)
    for text in (path, "" if path else columns, query):
        kinds = [kind for kind, word in WORDS_FOR.items() if word.search(text)]
        if len(kinds) == 1:
            return kinds
    return () if path else REGISTRIES


def _process(row: Row, bare: Deployment, listed: Collection[Purl]) -> Iterator[Deployment]:
    argv = _asked(_words(_text(row.cmdline)[:MAX_COMMAND]))
    if launch := server_launch(argv, listed):
        name = launch.purl.label if launch.purl else program(argv[0])
        yield from placed(replace(bare, location="running processes", name=one_line(name, 200)), launch)


def _words(line: str) -> list[str]:
    """Take a command line apart. osquery joins arguments with blanks; only Windows keeps their quotes."""
    return [word.replace('"', "") for word in WORDS.findall(line)]


def _asked(argv: Sequence[str]) -> list[str]:
    """Return the command as it was given, where the process is the launcher's own script: `node /usr/bin/npx …`, `uv tool uvx …`."""
    words = list(argv)
    if len(words) > 1 and INTERPRETERS.fullmatch(program(words[0])):
        script = NPMS_OWN.fullmatch(words[1])
        named = f"{script['prefix']}/{'bin/' * bool(script['lib'])}{script['name']}" if script else words[1]
        asked = named if program(named) in LAUNCHERS else ""
        words = [asked, *words[2:]] if asked else words
    # npx gives itself this title, whatever it was called with; what follows the package is the server's.
    if words[:2] == ["npm", "exec"] and words[2:] and not words[2].startswith("-"):
        words = ["npx", *words[2:]]
    if program(words[0] if words else "") == "uv" and words[1:3] == ["tool", "uvx"]:
        words = [re.sub(r"(?i)uv(\.exe)?$", "uvx", words[0]), *words[3:]]
    return words


def _container(row: Row, bare: Deployment, listed: Collection[Purl]) -> Iterator[Deployment]:
    """The id of an image is no digest that a registry knows, and is not taken for one. The command may be the image's own."""
    outer, argv = image(_text(row.image)[:MAX_PATH]), _words(_text(row.command)[:MAX_COMMAND])
    argv = argv[1:] if argv and program(argv[0]).endswith("entrypoint.sh") else argv
    name = _text(row.name).lstrip("/")[:200] or "(no name)"
    off = _text(row.state).lower() in STOPPED
    place = replace(bare, location="containers", name=name, disabled=off)
    if serves(outer.purl, listed):
        yield from placed(place, outer)
    if inner := server_launch(argv, listed):
        yield from placed(replace(place, name=f"{name} (inside)"), inner)
