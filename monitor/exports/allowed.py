"""What may run, said as commands: only exactly pinned ones. What cannot be said is left out with its reason, never without a word."""

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from monitor.domain.address import HIDDEN
from monitor.domain.launching import Command, forms, starts
from monitor.domain.purl import Purl
from monitor.domain.server import Entry, Pin
from monitor.domain.stage import Stage
from monitor.domain.version_range import compare

MARK = "_mcp_monitor"
"""The key under which a file of JSON says when and from what it was exported; the clients heed the keys that they know."""

BRIDGES = frozenset(("mcp-remote", "mcp-proxy", "mcp-proxy-for-aws", "supergateway"))
"""Packages that are nothing but a way to another server: allowed without an address they would lead nowhere, or anywhere."""
UNTOLD = frozenset(("mcp", "server", "mcp-server", "servers", "mcp-servers", "remote", "api"))
"""Last parts of names by which nobody knows a server again."""
UNLABELLED = re.compile(r"[^A-Za-z0-9]+")
PINNED = re.compile(r"[^\s$%*]+(@v?\d[\w.+~-]*|==\d[\w.+!-]*|@sha256:[0-9a-f]{64})")
"""An argument that names exactly one version, or exactly one image."""


class Invalid(Exception):
    """A file that its client would refuse, or take for something else. It is a fault of the writer, and is never published."""


@dataclass(frozen=True, slots=True)
class Origin:
    """When an export is made, and from which registry file (sha256)."""

    exported_at: datetime
    registry: str

    @property
    def at(self) -> str:
        """The time as it is written: UTC, to the second."""
        return self.exported_at.astimezone(UTC).isoformat(timespec="seconds")

    @property
    def mark(self) -> dict[str, str]:
        """What a file says of itself."""
        return {"exported_at": self.at, "registry_sha256": self.registry}


@dataclass(frozen=True, slots=True)
class Allowed:
    """An approved server as a client can be told. `commands`: the ways to start exactly the approved version, the usual one first."""

    entry: Entry
    pin: Pin
    label: str
    """A short name that every client takes, and that no other server of the export has."""
    commands: tuple[Command, ...]
    remote: str
    """Empty: it is started by a command."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An approved server that a file does not allow, and why."""

    server: str
    reason: str


@dataclass(frozen=True, slots=True)
class Export:
    """The files of one client by their path in its folder, and what they do not allow."""

    files: Mapping[str, bytes]
    allowed: tuple[Allowed, ...]
    left_out: tuple[LeftOut, ...]


Writer: TypeAlias = Callable[[Sequence[Entry], Collection[Purl], Origin], Export]
"""Entries of the registry, versions that must not run (quarantined, rejected), origin -> files. Raises `Invalid`."""


def allowed(
    entries: Iterable[Entry], denied: Collection[Purl], origin: Origin, *, commanded: bool = True
) -> tuple[list[Allowed], list[LeftOut]]:
    """Return what may run, by name, and what is approved and may not. `commanded`: only what a command can start."""
    good: list[Allowed] = []
    left: list[LeftOut] = []
    approved = sorted((each for each in entries if each.approval or _retired(each)), key=lambda each: each.server.name)
    labels = _labels([each.server.name for each in approved])
    for entry in approved:
        reason = _refusal(entry, denied, origin)
        said = commands(entry) if commanded and not entry.server.remote else ()
        reason = reason or (said if isinstance(said, str) else "")
        if reason or isinstance(said, str) or entry.approval is None:
            left.append(LeftOut(entry.server.name, reason))
        else:
            label = labels[entry.server.name]
            good.append(Allowed(entry, entry.approval.pin, label, said, entry.server.remote or ""))
    return good, left


def _refusal(entry: Entry, denied: Collection[Purl], origin: Origin) -> str:
    approval = entry.approval
    if approval is None:
        return "it is retired" if _retired(entry) else "not approved"
    if entry.server.stage is not Stage.APPROVED:
        return f"it is in {entry.server.stage.value}: approved to be tried, not for everybody"
    if approval.expires_at and approval.expires_at <= origin.exported_at:
        return f"its approval expired on {approval.expires_at:%Y-%m-%d}"
    if approval.pin.purl in denied or any(same_version(approval.pin.purl, each) for each in denied):
        return f"{approval.pin.purl.version} is quarantined or was rejected"
    return _unmatchable(entry.server.remote) if entry.server.remote else ""


def _unmatchable(remote: str) -> str:
    if re.search(r"[*${}\s]", remote):
        return "its address holds a character that clients take for a pattern or a variable"
    if any(HIDDEN.fullmatch(part) for part in re.split(r"[/.]", remote)):
        return (
            "its address holds what may be a secret and is kept as a hash alone, which clients would match with nothing"
        )
    return ""


def same_version(one: Purl, other: Purl) -> bool:
    """Whether two versions of a package are one: PyPI knows several spellings of a version, 2.4 and 2.4.0."""
    if one == other:
        return True
    if one.type != "pypi" or one.package != other.package:
        return False
    return compare(one.type, one.version or "", other.version or "") == 0


def _retired(entry: Entry) -> bool:
    return entry.server.stage is Stage.RETIRED


def commands(entry: Entry) -> tuple[Command, ...] | str:
    """Return the ways to start exactly the approved version; why there are none."""
    if entry.approval is None:
        return "not approved"
    pin = entry.approval.pin
    if pin.purl.label in BRIDGES and not entry.server.arguments:
        return (
            "it is a bridge to another server: list that one's address as a remote, or the bridge's arguments with it"
        )
    found = starts(entry.server, pin)
    if not found and pin.purl.type == "docker":
        return "its approval names no sha256 digest of the image, and a tag can be moved: add it to approved.digests"
    try:
        for command in found:
            require_command([*command])
    except Invalid as error:
        return str(error)
    return found or f"a {pin.purl.type} package has no command that names its version"


def denials(denied: Iterable[Purl], entries: Iterable[Entry]) -> list[Command]:
    """Return the commands of versions that must not run, in order: bare, and with the arguments that the registry has for the package.

    An image is denied by its tag, whatever that stands for.
    """
    arguments = {each.server.package: each.server.arguments for each in entries if each.server.package}
    found: list[Command] = []
    for purl in sorted(each for each in denied if each.version):
        commands = list(forms(purl))
        if purl.type == "docker":
            image = f"{purl.label}:{purl.version}"
            commands = [("docker", "run", *flags, image) for flags in (("-i", "--rm"), ("--rm", "-i"))]
        found += commands
        if behind := arguments.get(purl.package):
            found += [(*command, *behind) for command in commands]
    return found


def _labels(names: Sequence[str]) -> dict[str, str]:
    """Return for each name its last part, and where that is not its own or tells nothing, the whole; in letters, digits and hyphens."""
    short = {name: _label(name.rpartition("/")[2]) for name in names}
    taken = Counter(short.values())
    labels = {
        name: label if taken[label] == 1 and label not in UNTOLD else _label(name) for name, label in short.items()
    }
    seen: set[str] = set()
    for name, label in labels.items():
        unique, at = label, 2
        while unique in seen:
            unique, at = f"{label}-{at}", at + 1
        seen.add(unique)
        labels[name] = unique
    return labels


def _label(name: str) -> str:
    return UNLABELLED.sub("-", name).strip("-").lower() or "server"


def as_json(document: Mapping[str, object]) -> bytes:
    """Write JSON as all files are written: ASCII, in the order given."""
    return (json.dumps(document, indent=2, ensure_ascii=True) + "\n").encode()


def require(truth: object, complaint: str) -> None:
    """Raise `Invalid` unless it is so."""
    if not truth:
        raise Invalid(complaint)


def require_command(command: object) -> None:
    """Raise `Invalid` unless it is a command that names exactly one version and holds nothing that is filled in later."""
    words = command if isinstance(command, list) else []
    require(words and all(isinstance(word, str) and word for word in words), f"no command: {command!r}")
    require(not any(re.search(r"\$|%\w+%|[\x00-\x1f]", word) for word in words), f"a variable in {command!r}")
    require(any(PINNED.fullmatch(word) for word in words), f"no exact version in {command!r}")
