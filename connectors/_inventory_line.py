"""One deployment as an inventory of the organisation's own writes it down: a line of JSON, or a row of a table.

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
    kind        how firmly it is named, where that is known: exact, digest, range, tag, none, path, remote, unknown. Only `path` and
                `unknown` need neither a package nor an address
    installed   what lies on the host's disk for it, as a package URL with version
    installed_digest   sha256:<hex> or sha512:<hex> of that
    note        what else there is to say of it
    user, scope whose it is, and for which project: told to people, and not read
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

import msgspec
from packaging.version import InvalidVersion, Version

from connectors._launch.launch import address
from connectors._launch.npm import SEMVER
from connectors._reading_files.lines import Limits
from monitor.domain.address import shown
from monitor.domain.deployment import Deployment, Inventory, PinKind
from monitor.domain.purl import Purl
from monitor.domain.release import Digest
from monitor.ports.errors import Malformed

MAX_LINE = 64 * 2**10
LIMITS = Limits(line=MAX_LINE, lines=4_000_000, size=256 * 2**20)
MAX_PROBLEMS = 1000
"""More are counted, not listed."""

MAX_NAME = 200

NAMELESS = (PinKind.PATH, PinKind.UNKNOWN)
"""Kinds that may name neither a package nor an address."""

ECOSYSTEMS = {"npm": Purl.npm, "pypi": Purl.pypi, "github": Purl.github}


class Line(msgspec.Struct):
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
    kind: PinKind | None = None
    installed: str | None = None
    installed_digest: str | None = None
    note: str = ""


_LINE = msgspec.json.Decoder(Line)
"""Made at import: files are read by several threads, and msgspec crashes the process where two of them first use a type at once."""


ReadLine = Callable[[bytes, str, Mapping[str, int]], tuple[Deployment, datetime | None]]
"""Reads a line of the file so named; given are the lines in which each place stood before. Raises ValueError with the reason."""


def gathered(lines: Iterable[tuple[int, bytes]], read: ReadLine, path: str, source: str) -> Inventory:
    """Read numbered lines one by one: beside the deployments no more is held than one line, and the first bad lines' reasons.

    Raises Malformed where there is no good line.
    """
    places: dict[str, int] = {}
    deployments: list[Deployment] = []
    problems: list[str] = []
    bad = 0
    seen: list[datetime] = []
    for number, line in lines:
        try:
            deployment, seen_at = read(line, path, places)
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


def read_line(line: bytes, path: str, places: Mapping[str, int]) -> tuple[Deployment, datetime | None]:
    """Read one line of JSON; `places` are the lines in which each place stood before. Raises ValueError with the reason."""
    if len(line) > MAX_LINE:
        raise ValueError(f"over {MAX_LINE} bytes")
    # msgspec's own errors are ValueErrors, but for those of nesting too deep.
    try:
        read = _LINE.decode(line)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return deployed(read, path, places)


def deployed(read: Line, path: str, places: Mapping[str, int]) -> tuple[Deployment, datetime | None]:
    """Check what a line says, whatever its form was, and when it was seen. Raises ValueError with the reason."""
    texts = (read.host, read.name, read.client, read.location or "", read.requested or "", read.note, *read.redirects)
    if not read.host or not read.name or any("\0" in text for text in texts):
        raise ValueError("host and name must not be empty, and no text may hold NUL")
    if read.seen_at and read.seen_at.tzinfo is None:
        raise ValueError("seen_at needs its zone, such as Z")
    purl, digest = _package(read), Digest.parse(read.digest) if read.digest else None
    remote = address(read.remote) if read.remote else None
    bare = read.kind in NAMELESS and not read.remote
    if (purl is None) == (remote is None) and not (purl is None and bare):
        raise ValueError("expected a purl, a package with its ecosystem, or a remote with an http address")
    deployment = Deployment(
        host=read.host,
        client=read.client,
        location=read.location or path,
        name=read.name,
        kind=_kind(read.kind, purl, digest, read.requested or ""),
        purl=purl,
        remote=remote,
        digest=digest,
        requested=shown(read.requested or ""),
        disabled=read.disabled,
        note=shown(read.note),
        # Names only, whatever an exporter writes.
        redirects=tuple(name.partition("=")[0][:MAX_NAME] for name in read.redirects),
        installed=_installed(read.installed) if read.installed else None,
        installed_digest=Digest.parse(read.installed_digest) if read.installed_digest else None,
    )
    if deployment.key in places:
        raise ValueError(f"the same place as in line {places[deployment.key]}")
    return deployment, read.seen_at.astimezone(UTC) if read.seen_at else None


def _package(read: Line) -> Purl | None:
    if read.purl and read.package:
        raise ValueError("expected either purl or package, and not both")
    if read.purl:
        purl = Purl.parse(read.purl)
        named, beside = (published_version(purl.type, version) for version in (purl.version, read.version))
        if named and beside and named != beside:
            raise ValueError("version and purl name different versions")
        return purl.at(beside or named)
    if not read.package:
        return None
    if not read.package.isprintable():
        raise ValueError("package holds characters that cannot be seen")
    ecosystem = (read.ecosystem or "").lower()
    if ecosystem == "docker":
        return Purl.docker(read.package, published_version("docker", read.version))
    if ecosystem not in ECOSYSTEMS:
        raise ValueError(f"ecosystem: expected npm, PyPI, GitHub or docker, got {(read.ecosystem or 'nothing')[:40]!r}")
    return ECOSYSTEMS[ecosystem](read.package, published_version(ecosystem, read.version))


def published_version(package_type: str, text: str | None) -> str | None:
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


def _installed(text: str) -> Purl:
    purl = Purl.parse(text)
    if not purl.version:
        raise ValueError("installed needs a version: it is what lies on the disk")
    return purl.at(published_version(purl.type, purl.version))


def _kind(given: PinKind | None, purl: Purl | None, digest: Digest | None, requested: str) -> PinKind:
    """An image's tag can be moved; every other version in an inventory is what really runs. What says more of it is checked against it."""
    if given is None:
        return _told(purl, digest, requested)
    match given:
        case PinKind.UNKNOWN:
            fits = True
        case PinKind.PATH:
            fits = purl is None
        case PinKind.REMOTE:
            fits = purl is None
        case PinKind.EXACT:
            fits = purl is not None and purl.version is not None
        case PinKind.DIGEST:
            fits = purl is not None and digest is not None
        case PinKind.RANGE | PinKind.TAG | PinKind.NONE:
            fits = purl is not None
    if not fits:
        raise ValueError(f"kind: {given.value} does not go with what the line names")
    return given


def _told(purl: Purl | None, digest: Digest | None, requested: str) -> PinKind:
    if purl is None:
        return PinKind.REMOTE
    if digest and not purl.version:
        return PinKind.DIGEST
    if purl.version:
        return PinKind.EXACT if purl.type != "docker" else PinKind.DIGEST if digest else PinKind.TAG
    return PinKind.NONE if not requested else PinKind.TAG if requested.isalpha() else PinKind.RANGE
