"""A file of deployments that some other inventory exports: JSON lines, one deployment a line.

Knows: what the exporter wrote. Does not know: whether the exporter sees every machine. The file is the whole of it: what is not in it any
more is gone. A bad line is reported with its number and costs only itself; a file without any good line is refused, since an exporter that
failed leaves an empty one behind.

The shape of a line (other keys are allowed and not read):

    host        required. The machine, or any name of the place
    name        required. The server's name there
    client      what starts it; `inventory` when left out
    location    where that is written down, the inventory's own key; the file's own path when left out
    purl        the package: pkg:npm/%40scope/name@1.2.3 (without a version it floats)
    package     instead of purl: the name in its registry's spelling, with
    ecosystem     npm, PyPI, GitHub or docker
    remote      instead of a package: the address of a remote server
    version     the version that runs; may stand in the purl
    digest      sha256:<hex> or sha512:<hex> of what runs
    requested   what a floating deployment asks for: ^1, latest
    disabled    true where it is switched off
    redirects   names of environment variables that redirect the source or preload code
    seen_at     when it was seen: 2026-11-30T12:00:00Z
"""

import asyncio
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import msgspec
from packaging.version import InvalidVersion, Version

from connectors._launch.launch import address
from connectors._launch.npm import SEMVER
from monitor.domain.address import shown
from monitor.domain.deployment import Deployment, Inventory, PinKind
from monitor.domain.purl import Purl
from monitor.domain.release import Digest
from monitor.ports.errors import Malformed, Unavailable
from monitor.ports.sources import DeploymentSource

NAME = "inventory-file"
MAX_BYTES = 256 * 2**20
MAX_LINE = 64 * 2**10
MAX_LINES = 4_000_000
MAX_NAME = 200
MAX_PROBLEMS = 1000
"""More are counted, not listed."""

ECOSYSTEMS = {"npm": Purl.npm, "pypi": Purl.pypi, "github": Purl.github}


class _Line(msgspec.Struct):
    """The keys that are read."""

    host: str
    name: str
    client: str = "inventory"
    location: str | None = None
    purl: str | None = None
    package: str | None = None
    ecosystem: str | None = None
    remote: str | None = None
    version: str | None = None
    digest: str | None = None
    requested: str | None = None
    disabled: bool = False
    redirects: list[str] = msgspec.field(default_factory=list)
    seen_at: datetime | None = None


_LINE = msgspec.json.Decoder(_Line)
"""Made at import: files are read by several threads, and msgspec crashes the process where two of them first use a type at once."""


def build(path: str | Path) -> DeploymentSource:
    """Read the file anew at each call."""
    return InventoryFile(Path(path))


class InventoryFile:
    """One inventory file."""

    def __init__(self, path: Path) -> None:
        """Hold the name; nothing is read yet."""
        self._path = path

    @property
    def name(self) -> str:
        """The connector's name and its place, for people."""
        return f"{NAME} {self._path}"

    async def inventory(self) -> Inventory:
        """Return all deployments of the file. Raises Unavailable and Malformed for the file as a whole."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> Inventory:
        try:
            with self._path.open("rb") as file:
                return _parsed(file, str(self._path), self.name)
        except FileNotFoundError as error:
            raise Unavailable(
                self.name, "does not exist; export it to that place, or set the path in the configuration"
            ) from error
        except OSError as error:
            raise Unavailable(self.name, f"cannot be read: {error.strerror}") from error


def parse_inventory(data: bytes, path: str, *, source: str = NAME) -> Inventory:
    """Read the file's bytes. Raises Malformed where it is too large or holds no deployment."""
    return _parsed(BytesIO(data), path, source)


def _parsed(file: BinaryIO, path: str, source: str) -> Inventory:
    """Read line by line: beside the deployments no more is held than one line, and the first bad lines' reasons."""
    places: dict[str, int] = {}
    deployments: list[Deployment] = []
    problems: list[str] = []
    bad = 0
    seen: list[datetime] = []
    for number, line in _lines(file, source):
        try:
            deployment, seen_at = _deployment(line, path, places)
        except ValueError as error:
            bad += 1
            if bad <= MAX_PROBLEMS:
                problems.append(f"{path}: line {number}: {error}")
            continue
        places[deployment.key] = number
        deployments.append(deployment)
        seen += [seen_at] if seen_at else []
    if not deployments:
        first = problems[0] if problems else "it is empty"
        raise Malformed(
            source, f"no deployment in it ({first}); take it out of the configuration where nothing is deployed"
        )
    if bad > MAX_PROBLEMS:
        problems.append(f"{path}: and {bad - MAX_PROBLEMS} more bad lines")
    collected_at = max(seen) if len(seen) == len(deployments) else None
    return Inventory(source, tuple(deployments), tuple(problems), complete=True, collected_at=collected_at)


def _lines(file: BinaryIO, source: str) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not blank, with their numbers. Of a line that is too long, the beginning; the rest is passed over."""
    number = size = 0
    while line := file.readline(MAX_LINE + 2):
        rest = line
        size += len(line)
        while not rest.endswith(b"\n") and (rest := file.readline(MAX_LINE)):
            size += len(rest)
            _bounded(size, number, source)
        number += 1
        _bounded(size, number, source)
        line = line.removeprefix(b"\xef\xbb\xbf").removesuffix(b"\n") if number == 1 else line.removesuffix(b"\n")
        if line.strip():
            yield number, line


def _bounded(size: int, number: int, source: str) -> None:
    if size > MAX_BYTES:
        raise Malformed(source, f"over {MAX_BYTES} bytes")
    if number > MAX_LINES:
        raise Malformed(source, f"over {MAX_LINES} lines")


def _deployment(line: bytes, path: str, places: Mapping[str, int]) -> tuple[Deployment, datetime | None]:
    """Read one line; `places` are the lines in which each place stood before. Raises ValueError with the reason."""
    if len(line) > MAX_LINE:
        raise ValueError(f"over {MAX_LINE} bytes")
    # msgspec's own errors are ValueErrors, but for those of nesting too deep.
    try:
        read = _LINE.decode(line)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    texts = (read.host, read.name, read.client, read.location or "", read.requested or "", *read.redirects)
    if not read.host or not read.name or any("\0" in text for text in texts):
        raise ValueError("host and name must not be empty, and no text may hold NUL")
    if read.seen_at and read.seen_at.tzinfo is None:
        raise ValueError("seen_at needs its zone, such as Z")
    purl, digest = _package(read), Digest.parse(read.digest) if read.digest else None
    remote = address(read.remote) if read.remote else None
    if (purl is None) == (remote is None):
        raise ValueError("expected a purl, a package with its ecosystem, or a remote with an http address")
    deployment = Deployment(
        host=read.host,
        client=read.client,
        location=read.location or path,
        name=read.name,
        kind=_kind(purl, digest, read.requested or ""),
        purl=purl,
        remote=remote,
        digest=digest,
        requested=shown(read.requested or ""),
        disabled=read.disabled,
        # Names only, whatever an exporter writes.
        redirects=tuple(name.partition("=")[0][:MAX_NAME] for name in read.redirects),
    )
    if deployment.key in places:
        raise ValueError(f"the same place as in line {places[deployment.key]}")
    return deployment, read.seen_at.astimezone(UTC) if read.seen_at else None


def _package(read: _Line) -> Purl | None:
    if read.purl and read.package:
        raise ValueError("expected either purl or package, and not both")
    if read.purl:
        purl = Purl.parse(read.purl)
        named, beside = (_version(purl.type, version) for version in (purl.version, read.version))
        if named and beside and named != beside:
            raise ValueError("version and purl name different versions")
        return purl.at(beside or named)
    if not read.package:
        return None
    if not read.package.isprintable():
        raise ValueError("package holds characters that cannot be seen")
    ecosystem = (read.ecosystem or "").lower()
    if ecosystem == "docker":
        path, _, name = read.package.rpartition("/")
        return Purl("docker", path or None, name, _version("docker", read.version))
    if ecosystem not in ECOSYSTEMS:
        raise ValueError(f"ecosystem: expected npm, PyPI, GitHub or docker, got {(read.ecosystem or 'nothing')[:40]!r}")
    return ECOSYSTEMS[ecosystem](read.package, _version(ecosystem, read.version))


def _version(package_type: str, text: str | None) -> str | None:
    """Return a version as its registry spells it, None for none. Equality and questions for advisories are about this text."""
    if not text or not (text := text.strip()):
        return None
    match package_type:
        case "npm":
            if not (exact := SEMVER.fullmatch(text)):
                raise ValueError(f"npm versions look like 1.2.3, got {text[:40]!r}; what moves belongs under requested")
            return exact["plain"]
        case "pypi":
            try:
                return str(Version(text))
            except InvalidVersion as error:
                raise ValueError(
                    f"not a version of PEP 440: {text[:40]!r}; what moves belongs under requested"
                ) from error
        case _:
            if re.search(r"\s", text) or not text.isprintable():
                raise ValueError(f"a version holds no blanks, got {text[:40]!r}")
            return text


def _kind(purl: Purl | None, digest: Digest | None, requested: str) -> PinKind:
    """An image's tag can be moved; every other version in an inventory is what really runs."""
    if purl is None:
        return PinKind.REMOTE
    if digest and not purl.version:
        return PinKind.DIGEST
    if purl.version:
        return PinKind.EXACT if purl.type != "docker" else PinKind.DIGEST if digest else PinKind.TAG
    return PinKind.NONE if not requested else PinKind.TAG if requested.isalpha() else PinKind.RANGE
