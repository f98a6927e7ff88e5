"""Entries of other registries put in the shape of our own file and read as one: the same checks, the same words.

What such an entry lacks (who answers for it here, how critical it is, who approved it) the keeper of the registry answers for.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from connectors._launch.container import image
from connectors._listing_files import Listing
from connectors._reading_files.yaml_tree import Items, Node, Pairs, Scalar
from connectors._registry_entry import read_entry, unique
from monitor.domain.deployment import PinKind
from monitor.domain.purl import Purl
from monitor.domain.server import Entry, EntryProblem, Registry
from monitor.ports.errors import Malformed

MAX_ENTRIES = 20_000
UNNAMEABLE = re.compile(r"[^A-Za-z0-9._-]+")
GITHUB = re.compile(r"(?:git\+)?https?://(?:www\.)?github\.com/([A-Za-z0-9-]+/[\w.-]+?)(?:\.git)?(?:/.*)?")


@dataclass(frozen=True, slots=True)
class Keeper:
    """Who keeps the registry, and what holds for all of its entries. `approved_by` empty: the registry's entries are no approvals."""

    owner: str
    tier: int
    approved_by: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A package or a remote as another registry lists it. Empty text: the registry does not say."""

    name: str
    package: str = ""
    """A package URL without version; empty for a remote."""
    version: str = ""
    remote: str = ""
    repository: str = ""
    digests: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    """The words that always stand behind the package."""
    publisher: tuple[tuple[str, str], ...] = ()
    """Key and value as in the registry file; empty: the registry demands nobody."""
    approved_on: str = ""
    refused: str = ""
    """Why it is listed and not approved."""
    place: str = ""
    """The file, where the registry is a folder."""
    line: int = 1


def registry(listing: Listing, listed: Iterable[Listed | EntryProblem], keeper: Keeper, *, source: str) -> Registry:
    """Read everything that was found. Raises Malformed where no entry could be told, or too many are listed."""
    entries: list[Entry] = []
    problems = list(listing.problems)
    understood = False
    for count, each in enumerate(listed):
        if count >= MAX_ENTRIES:
            raise Malformed(source, f"{listing.path}: more than {MAX_ENTRIES} entries")
        if isinstance(each, EntryProblem):
            problems.append(each)
            continue
        understood = True
        entry, wrong = _entry(each, keeper)
        problems += [replace(one, message=f"{each.place}: {one.message}") if each.place else one for one in wrong]
        entries += [entry] if entry else []
    kept, repeated = unique(entries)
    problems += repeated
    if problems and not understood:
        raise Malformed(source, f"{listing.path}: no entry of this kind of registry in it: {problems[0].message}")
    return Registry(str(listing.path), listing.sha256, kept, tuple(problems))


def _entry(listed: Listed, keeper: Keeper) -> tuple[Entry | None, list[EntryProblem]]:
    refused = listed.refused or (
        "" if keeper.approved_by else "nobody answers for what it lists: set registry.approved_by"
    )
    if not refused and listed.package and not listed.version:
        refused = "it names no version"
    problems: list[EntryProblem] = []
    entry: Entry | None = None
    if not refused:
        entry, problems = read_entry(_node(listed, keeper, approved=True), listed.line)
    # What is wrong with the approval alone leaves the server listed, and watched.
    if entry is None and all(problem.message.startswith("approved.") for problem in problems):
        entry, more = read_entry(_node(listed, keeper, approved=False), listed.line)
        problems += more
    if refused:
        problems.append(EntryProblem(listed.line, listed.name[:200], f"listed and not approved: {refused}"))
    return entry, problems


def _node(listed: Listed, keeper: Keeper, *, approved: bool) -> Node:
    def text(value: str) -> Node:
        return Scalar(value, plain=False, line=listed.line)

    def mapping(pairs: Iterable[tuple[str, Node]]) -> Node:
        return Pairs(tuple((text(key), value) for key, value in pairs), listed.line)

    def given(*pairs: tuple[str, str]) -> list[tuple[str, Node]]:
        return [(key, text(value)) for key, value in pairs if value]

    found = GITHUB.fullmatch(listed.repository.strip())
    fields = given(
        ("name", listed.name),
        ("package", listed.package),
        ("remote", listed.remote),
        ("repository", found[1] if found else ""),  # of other forges nothing is known
        ("owner", keeper.owner),
        ("tier", str(keeper.tier)),
        ("provenance", "required" if listed.publisher else ""),
    )
    if listed.arguments:
        fields.append(("arguments", Items(tuple(map(text, listed.arguments)), listed.line)))
    if approved:
        inner = given(("version", listed.version), ("by", keeper.approved_by), ("on", listed.approved_on))
        if listed.digests:
            inner.append(("digests", Items(tuple(map(text, listed.digests)), listed.line)))
        if listed.publisher:
            inner.append(("publisher", mapping(given(*listed.publisher))))
        fields.append(("approved", mapping(inner)))
    return mapping(fields)


def container_image(reference: str) -> tuple[str, str, tuple[str, ...]]:
    """Return package, version (the tag) and digests of an image. Raises ValueError with the reason."""
    launch = image(reference)
    if launch.purl is None or launch.kind is PinKind.UNKNOWN:
        raise ValueError(f"no image: {launch.note or reference[:80]}")
    return str(launch.purl.package), launch.purl.version or "", (str(launch.digest),) if launch.digest else ()


def named(catalogue: str, name: str) -> str:
    """Return the name under which an entry of a catalogue without namespaces is listed here: `toolhive/name`."""
    return name if "/" in name else f"{catalogue}/{UNNAMEABLE.sub('-', name)}"


def purl(package_type: str, name: str) -> str:
    """Return the package URL of a name in its registry's spelling. Raises ValueError."""
    if package_type == "npm":
        return str(Purl.npm(name))
    namespace, _, last = name.rpartition("/")
    return str(Purl(package_type, namespace or None, last))


def moment(text: str) -> str:
    """Return a time in the form of the registry file, empty where it is none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return ""
    return at.isoformat() if at.tzinfo else ""
