"""Python packages on the disk, known by their `*.dist-info`: uv's tools and cache, pipx's environments, the environment of an interpreter.

https://packaging.python.org/en/latest/specifications/recording-installed-packages/
"""

import re
from collections.abc import Iterator
from configparser import ConfigParser, Error
from email.parser import BytesHeaderParser
from pathlib import Path

import msgspec
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from connectors._dependency_files.packages import pypi, words
from connectors._installed.disk import Disk, Found
from monitor.domain.deployment import PinKind
from monitor.domain.purl import Purl
from monitor.domain.release import Digest

MAX_HEADER = 2**16
"""Bytes of METADATA: its fields stand before the description."""
MAX_POINTS = 2**18
MAX_ENTRIES = 5000
"""Entries of a cache."""
TOOLS = (
    ".local/share/uv/tools",
    "AppData/Roaming/uv/tools",
    ".local/share/pipx/venvs",
    ".local/pipx/venvs",
    "pipx/venvs",
    "Library/Application Support/pipx/venvs",
)
"""One environment for each tool, in a folder of its name."""
CACHES = (
    ".cache/uv/archive-v0",
    "Library/Caches/uv/archive-v0",
    "AppData/Local/uv/cache/archive-v0",
    ".cache/uv/environments-v2",
    ".cache/pipx",
    ".local/pipx/.cache",
    ".local/share/pipx/.cache",
)
"""Environments and unpacked wheels, under names that say nothing."""
USER = (".local/lib", "Library/Python", "AppData/Roaming/Python")
DIST = re.compile(r"(?P<name>[A-Za-z0-9._]+)-(?P<version>[^-/]+)\.dist-info")
CLEAR = re.compile(r"[<>=~!]")


class _Archive(msgspec.Struct):
    hash: str = ""
    hashes: dict[str, str] = {}


class _Direct(msgspec.Struct):
    """direct_url.json: the package was not taken from an index."""

    url: str = ""
    archive_info: _Archive | None = None  # None: no archive


_DIRECT = msgspec.json.Decoder(_Direct)


def fetched(disk: Disk, package: Purl, kind: PinKind, wish: str) -> Found | None:
    """Return what a start of a floating package takes from the disk: the tool that is installed, else what was unpacked last."""
    for folder in _tools(disk, package.name):
        found = _in(disk, folder, package.name)
        if found and _suits(found.purl.version or "", kind, wish):
            return found
    cached = _cached(disk, package.name)
    for info in sorted(cached, key=lambda each: (disk.changed(each), each), reverse=True):
        found = _dist(disk, info)
        if found and found.purl.package == package and _suits(found.purl.version or "", kind, wish):
            return found
    return None


def of_environment(disk: Disk, root: Path, *, module: str = "", program: str = "") -> Found | None:
    """Return the package of a virtual environment to which a module, or a program in its folder, belongs."""
    for info in _infos(disk, root):
        if module and module in _modules(disk, info):
            return _dist(disk, info)
        if program and program in _programs(disk, info):
            return _dist(disk, info)
    return None


def by_name(disk: Disk, root: Path, name: str) -> Found | None:
    """Return a package of a virtual environment."""
    return _in(disk, root, name)


def is_environment(disk: Disk, root: Path) -> bool:
    """Whether a folder is a virtual environment."""
    return "pyvenv.cfg" in disk.names(root)


def program(disk: Disk, name: str) -> Found | None:
    """Return the tool, of uv or pipx, one of whose programs bears the name."""
    for tools in TOOLS:
        for tool in disk.names(disk.home / tools)[:MAX_ENTRIES]:
            for info in _infos(disk, disk.home / tools / tool):
                own = _named(info) == canonicalize_name(tool)
                if own and name in _programs(disk, info):
                    return _dist(disk, info)
    return None


def _tools(disk: Disk, name: str) -> Iterator[Path]:
    for tools in TOOLS:
        for tool in disk.names(disk.home / tools):
            if canonicalize_name(tool) == name:
                yield disk.home / tools / tool


def _cached(disk: Disk, name: str) -> list[Path]:
    return [
        info
        for cache in CACHES
        for entry in disk.names(disk.home / cache)[:MAX_ENTRIES]
        for info in (*_direct_infos(disk, disk.home / cache / entry), *_infos(disk, disk.home / cache / entry))
        if _named(info) == name
    ]


def _in(disk: Disk, root: Path, name: str) -> Found | None:
    wanted = canonicalize_name(name)
    return next((_dist(disk, info) for info in _infos(disk, root) if _named(info) == wanted), None)


def _infos(disk: Disk, root: Path) -> Iterator[Path]:
    """Yield the `*.dist-info` of an environment, or of a user's own packages."""
    for place in ("lib", "lib64", "Lib"):
        for name in disk.names(root / place):
            if name.startswith(("python", "pypy")):
                yield from _direct_infos(disk, root / place / name / "site-packages")
    yield from _direct_infos(disk, root / "Lib/site-packages")


def _direct_infos(disk: Disk, folder: Path) -> Iterator[Path]:
    yield from (folder / name for name in disk.names(folder) if name.endswith(".dist-info"))


def _named(info: Path) -> str:
    read = DIST.fullmatch(info.name)
    return canonicalize_name(read["name"]) if read else ""


def _dist(disk: Disk, info: Path) -> Found | None:
    data = disk.read(info / "METADATA", MAX_HEADER)
    if data is None:
        return None
    fields = BytesHeaderParser().parsebytes(data.replace(b"\r\n", b"\n").partition(b"\n\n")[0])
    named = pypi(str(fields["Name"] or ""), str(fields["Version"] or ""))
    if named is None:
        return None
    purl = named.at(str(Version(named.version or "")))
    direct = disk.read(info / "direct_url.json", MAX_HEADER)
    return _from_elsewhere(purl, direct) if direct is not None else Found(purl)


def _from_elsewhere(purl: Purl, data: bytes) -> Found:
    try:
        read = _DIRECT.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Found(purl, note="not installed from an index", own=True)
    hashes = read.archive_info.hashes if read.archive_info else {}
    written = f"sha256:{hashes['sha256']}" if "sha256" in hashes else ""
    written = written or (read.archive_info.hash.replace("=", ":", 1) if read.archive_info else "")
    try:
        digest = Digest.parse(written) if written else None
    except ValueError:
        digest = None
    shown = "a local folder or file" if read.url.lower().startswith("file:") else words(read.url)
    return Found(purl, digest, f"installed from {shown}")


def _modules(disk: Disk, info: Path) -> frozenset[str]:
    """Return the names under which a package is imported: what it says, and its own name as people spell it for a module."""
    said = (disk.read(info / "top_level.txt", MAX_HEADER) or b"").decode("utf-8", "replace").split()
    return frozenset((*said, _named(info).replace("-", "_"), *re.findall(r"^([\w]+)", info.name)))


def _programs(disk: Disk, info: Path) -> frozenset[str]:
    """Return the names of its programs, in small letters."""
    data = disk.read(info / "entry_points.txt", MAX_POINTS)
    read = ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    try:
        read.read_string((data or b"").decode("utf-8", "replace"))
    except Error:
        return frozenset()
    return frozenset(read["console_scripts"]) if read.has_section("console_scripts") else frozenset()


def _suits(version: str, kind: PinKind, wish: str) -> bool:
    """Whether the version is one that is asked for; what is no specifier bounds nothing."""
    if not wish or kind is PinKind.TAG:
        return True
    try:
        bounds = SpecifierSet(wish if CLEAR.match(wish) else f"=={wish}")
    except InvalidSpecifier:
        return True
    return bounds.contains(version, prereleases=True)
