"""npm packages on the disk: `node_modules` of a project, npx's cache, and what is installed for all projects of a user.

The order is npx's own: the project's copy, the entry of its cache for exactly this wish, the user's own installation, and at last any other
entry that fits (the youngest: what was started last). https://github.com/npm/cli/tree/latest/workspaces/libnpmexec
"""

import base64
import binascii
from collections.abc import Callable, Iterator
from hashlib import sha512
from pathlib import Path
from typing import TypeVar

import msgspec
import nodesemver

from connectors._dependency_files.packages import from_registry, npm, words
from connectors._installed.disk import Disk, Found
from connectors._launch.npm import RANGE, SEMVER
from monitor.domain.deployment import PinKind
from monitor.domain.purl import Purl
from monitor.domain.release import Digest

T = TypeVar("T")
MAX_MANIFEST = 2**20
MAX_LOCK = 16 * 2**20
MAX_ENTRIES = 2000
"""Entries of a cache."""
MAX_WISH = 200
MAX_ABOVE = 8
"""Folders above a file in which its package is looked for."""
NPX = (".npm/_npx", "AppData/Local/npm-cache/_npx")
PNPM = (".cache/pnpm/dlx", "Library/Caches/pnpm/dlx", "AppData/Local/pnpm-cache/dlx")
GLOBAL = (
    ".npm-global/lib/node_modules",
    ".local/lib/node_modules",
    "n/lib/node_modules",
    ".bun/install/global/node_modules",
    "AppData/Roaming/npm/node_modules",
    "AppData/Local/pnpm/global/5/node_modules",
    ".local/share/pnpm/global/5/node_modules",
    "Library/pnpm/global/5/node_modules",
)
"""Where `npm install -g` and its relatives put packages when a user calls them."""
VERSIONED = (
    (".nvm/versions/node", "lib/node_modules"),
    (".local/share/fnm/node-versions", "installation/lib/node_modules"),
    (".fnm/node-versions", "installation/lib/node_modules"),
    (".local/share/mise/installs/node", "lib/node_modules"),
    (".asdf/installs/nodejs", "lib/node_modules"),
    (".volta/tools/image/node", "lib/node_modules"),
)
"""The same, for each version of node."""
STRENGTH = ("sha512", "sha384", "sha256", "sha1")


class _Manifest(msgspec.Struct):
    name: str = ""
    version: str = ""
    private: bool = False
    bin: str | dict[str, str] | None = None  # None: it has no programs


class _Locked(msgspec.Struct):
    version: str = ""
    resolved: str | bool = ""
    integrity: str = ""


class _Lock(msgspec.Struct):
    packages: dict[str, msgspec.Raw] = {}


_MANIFEST = msgspec.json.Decoder(_Manifest)
_LOCKED = msgspec.json.Decoder(_Locked)
_LOCK = msgspec.json.Decoder(_Lock)


def fetched(disk: Disk, package: Purl, kind: PinKind, wish: str, project: Path | None) -> Found | None:
    """Return what a start of a floating package takes from the disk; None: nothing of it lies there."""
    for modules in _places(disk, package, wish, project):
        found = _at(disk, modules, package.label)
        if found and found.purl.package == package and _suits(found.purl.version or "", kind, wish):
            return found
    return None


def of_file(disk: Disk, file: Path) -> Found | None:
    """Return the package to which a file belongs that node is given: in a `node_modules`, or of a project of its own."""
    parts = file.parts
    if "node_modules" in parts:
        at = len(parts) - 1 - parts[::-1].index("node_modules")
        named = (
            parts[at + 1 : at + 3]
            if parts[at + 1 : at + 2] and parts[at + 1].startswith("@")
            else parts[at + 1 : at + 2]
        )
        return _at(disk, Path(*parts[: at + 1]), "/".join(named))
    for folder in (file, *file.parents[:MAX_ABOVE]):
        if not folder.is_relative_to(disk.home) or folder == disk.home:
            return None
        read = _manifest(disk, folder)
        if read and read.name and read.version:
            purl = None if read.private else _purl(read)
            return Found(purl, note="a folder of somebody's own", own=True) if purl else None
    return None


def program(disk: Disk, name: str) -> Found | None:
    """Return the package, installed for all of a user's projects, one of whose programs bears the name."""
    for modules in _everywhere(disk):
        for label in _labels(disk, modules):
            read = _manifest(disk, modules / label)
            if read and name.lower() in _programs(read):
                return _at(disk, modules, label)
    return None


def _places(disk: Disk, package: Purl, wish: str, project: Path | None) -> Iterator[Path]:
    """Yield folders of packages, in npx's own order."""
    if project and project != disk.home:
        yield project / "node_modules"
    spec = f"{package.label}@{wish}" if wish else package.label
    key = sha512(spec.encode()).hexdigest()[:16]
    caches = [disk.home / place for place in NPX]
    yield from (cache / key / "node_modules" for cache in caches)
    yield from _everywhere(disk)
    others = [cache / name / "node_modules" for cache in caches for name in disk.names(cache)[:MAX_ENTRIES]]
    others += [
        disk.home / place / name / "pkg/node_modules"
        for place in PNPM
        for name in disk.names(disk.home / place)[:MAX_ENTRIES]
    ]
    holding = {modules: disk.changed(modules / package.label / "package.json") for modules in others}
    yield from sorted((each for each in holding if holding[each]), key=lambda each: (holding[each], each), reverse=True)


def _everywhere(disk: Disk) -> Iterator[Path]:
    yield from (disk.home / place for place in GLOBAL)
    for versions, below in VERSIONED:
        yield from (disk.home / versions / name / below for name in reversed(disk.names(disk.home / versions)))


def _labels(disk: Disk, modules: Path) -> Iterator[str]:
    for name in disk.names(modules):
        if name.startswith("@"):
            yield from (f"{name}/{inner}" for inner in disk.names(modules / name))
        elif not name.startswith("."):
            yield name


def _at(disk: Disk, modules: Path, label: str) -> Found | None:
    """Read a package that lies in a folder of packages. One that calls itself otherwise is another package under an alias."""
    read = _manifest(disk, modules / label) if label else None
    purl = _purl(read) if read else None
    if read is None or purl is None:
        return None
    locked = _locked(disk, modules, label)
    if locked is None or locked.version not in ("", read.version):
        return Found(purl)
    resolved = locked.resolved if isinstance(locked.resolved, str) else ""
    note = "" if from_registry(resolved) else f"installed from {words(resolved)}"
    return Found(purl, _digest(locked.integrity), note)


def _manifest(disk: Disk, folder: Path) -> _Manifest | None:
    return _decoded(disk.read(folder / "package.json", MAX_MANIFEST), _MANIFEST.decode)


def _locked(disk: Disk, modules: Path, label: str) -> _Locked | None:
    """Return the entry of npm's own record of the folder, or of the lock file beside it."""
    for file, key in (
        (".package-lock.json", f"node_modules/{label}"),
        ("../package-lock.json", f"node_modules/{label}"),
    ):
        data = disk.read(modules / file, MAX_LOCK + 1)
        lock = _decoded(data if data and len(data) <= MAX_LOCK else None, _LOCK.decode)
        if lock and key in lock.packages:
            return _decoded(bytes(lock.packages[key]), _LOCKED.decode)
    return None


def _decoded(data: bytes | None, decode: Callable[[bytes], T]) -> T | None:
    try:
        return None if data is None else decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _purl(read: _Manifest) -> Purl | None:
    return None if read.version.startswith("npm:") else npm(read.name, read.version)


def _programs(read: _Manifest) -> frozenset[str]:
    match read.bin:
        case str():
            return frozenset((read.name.rpartition("/")[2].lower(),))
        case dict():
            return frozenset(name.lower() for name in read.bin)
        case None:
            return frozenset()


def _digest(integrity: str) -> Digest | None:
    """Return the strongest digest of a subresource integrity, `sha512-<base64>`; None where there is none that can be read."""
    named = dict(word.partition("-")[::2] for word in integrity[:1024].split())
    for algorithm in STRENGTH:
        try:
            if algorithm in named:
                return Digest(algorithm, base64.b64decode(named[algorithm].partition("?")[0], validate=True).hex())
        except (binascii.Error, ValueError):
            continue
    return None


def _suits(version: str, kind: PinKind, wish: str) -> bool:
    """Whether the version is one that is asked for; a tag may name any."""
    bounded = kind is PinKind.RANGE or SEMVER.fullmatch(wish) or (kind is PinKind.UNKNOWN and RANGE.search(wish))
    if not wish or not bounded or len(wish) > MAX_WISH:
        return True
    return bool(nodesemver.satisfies(version, wish, loose=False))
