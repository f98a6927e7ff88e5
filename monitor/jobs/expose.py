"""The first question of every incident, asked of what is kept: who had it, where, when, by which path, and what was done."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

from monitor.domain.advisory import Advisory
from monitor.domain.exposure import Exposure, Question, Window, bringing, exposures
from monitor.domain.finding import Tracked
from monitor.domain.purl import Purl
from monitor.domain.review import Review
from monitor.domain.server import Listed
from monitor.domain.unknown import Unknown
from monitor.domain.version_range import ADVISORY_TYPES, is_affected, parse_constraint
from monitor.jobs.overview import NAMED_BY_ADVISORIES
from monitor.jobs.recall import unread
from monitor.ports.store import UnitOfWork


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked about: the versions of these packages that `question` names."""

    packages: frozenset[Purl]
    question: Question
    words: str
    names: frozenset[str] = frozenset()
    """The ids of the flaw, where the question is about one."""


@dataclass(frozen=True, slots=True)
class Exposed:
    """The answer. `known_since`: when the first inventory was read; None: never, and so nothing is known of what ran."""

    asked: Asked
    exposures: tuple[Exposure, ...]
    findings: tuple[Tracked, ...]
    reviews: tuple[tuple[Review, str | None], ...]
    """With the tracker's key of the ticket."""
    known_since: datetime | None
    unread: tuple[Unknown, ...]
    """The inventories that could not be read when they were read last, or never were."""
    unresolved: tuple[Purl, ...]
    """The versions (without one: what floats) that ran or were approved then, of which it is not known what all they bring along."""

    @property
    def undecided(self) -> int:
        """How many of the exposures cannot be told."""
        return sum(not each.bringing.certain for each in self.exposures)


def about_advisory(unit: UnitOfWork, name: str) -> Asked | None:
    """Return the question about a flaw, by any of its names; None: no record that is kept has that name."""
    records = _records(unit, name)
    if not records:
        return None
    packages = frozenset(affected.package for record in records for affected in record.affected)
    by_key = {record.key: record for record in records}
    # What was corrected was never so; what was withdrawn was said as long as it stood.
    said = {
        purl
        for purl, every in unit.matches().items()
        for named in every
        if (record := by_key.get(named.key))
        if named.gone_at is None or (record.withdrawn_at and record.withdrawn_at <= named.gone_at)
    }
    names = frozenset(name for record in records for name in record.names)
    return Asked(packages | {purl.package for purl in said}, lambda purl: _affects(records, said, purl), name, names)


def about_versions(text: str) -> Asked:
    """Return the question about `pkg:npm/name@>=1.2,<1.4`, one version, or (without `@`) all. Raises ValueError with what was expected."""
    bare, at, quoted = _split(text)
    package, wanted = Purl.parse(bare), unquote(quoted)
    if not at or wanted in ("", "*"):
        return Asked(frozenset({package}), lambda _: True, text)
    constraint = parse_constraint(package.type, wanted)
    return Asked(frozenset({package}), lambda purl: constraint(purl.version or ""), text)


def expose(unit: UnitOfWork, asked: Asked, window: Window, *, inventories: Collection[str]) -> Exposed:
    """Answer from history. `inventories` are the names of those that are configured."""
    listed, resolved = unit.entry_history(), unit.dependency_history(asked.packages)
    carriers = {each.dependencies.of.package for each in resolved}
    stays = unit.stays(asked.packages | carriers)
    reasons = bringing(asked.question, asked.packages, stays, listed, resolved)
    found = tuple(sorted(exposures(reasons, stays, listed, window), key=_worst_first))
    culprits = {(each.bringing.version, each.bringing.culprit) for each in found}
    concerned = {version for version, _ in culprits}
    findings = tuple(each for each in unit.findings() if _concerns(each, asked, culprits))
    reviews = tuple(
        (each, unit.began([each.mark]).get(each.mark)) for each in unit.reviews() if each.candidate.purl in concerned
    )
    servers = {each.entry.server.package for each in listed} | {
        runs.package for each in stays if (runs := each.deployment.runs)
    }
    return Exposed(
        asked,
        found,
        findings,
        reviews,
        known_since=unit.inventories_since(),
        unread=unread(unit.health(), inventories),
        unresolved=() if asked.packages <= servers else _unresolved(unit, asked, listed, window),
    )


def _unresolved(unit: UnitOfWork, asked: Asked, listed: Iterable[Listed], window: Window) -> tuple[Purl, ...]:
    """What could have brought the packages along, and nobody knows: a server is asked about by its own name, a dependency by another."""
    approved = {
        each.entry.approval.pin.purl
        for each in listed
        if each.entry.approval and window.meets(each.since, each.gone_at)
    }
    types = {package.type for package in asked.packages}
    # Of npm's and PyPI's packages none needs one of the other's; what else there is may hold anything.
    may = {
        purl
        for purl in unit.ran(window.begin, window.end) | approved
        if purl.type in types or purl.type not in ADVISORY_TYPES
    }
    return tuple(sorted(may - unit.known_whole(may), key=str))


def _worst_first(exposure: Exposure) -> tuple[bool, bool, str, datetime]:
    return (not exposure.bringing.certain, exposure.kind != "deployed", exposure.where, exposure.since)


def _records(unit: UnitOfWork, name: str) -> Sequence[Advisory]:
    """Every kept record of the flaw: those with the name, and those that these name, and so on."""
    by_name: Mapping[str, list[Advisory]] = unit.advisories_by_name()
    found: dict[tuple[str, str], Advisory] = {}
    # People write ids in any case, and no two differ in it alone.
    waiting = [each for each in by_name if each.casefold() == name.casefold()]
    seen = set(waiting)
    while waiting:
        for record in by_name.get(waiting.pop(), ()):
            found[record.key] = record
            waiting += record.names - seen
            seen |= record.names
    return list(found.values())


def _affects(records: Sequence[Advisory], said: set[Purl], purl: Purl) -> bool | None:
    """The databases' word at the time, else our own reading of the records. A record that was withdrawn named it, too, once."""
    if purl in said:
        return True
    answers = {is_affected(record, purl) for record in records}
    return True if True in answers else None if None in answers else False


def _concerns(tracked: Tracked, asked: Asked, culprits: Collection[tuple[Purl | None, Purl]]) -> bool:
    finding = tracked.finding
    if asked.names:
        return bool(asked.names & set(finding.subject.split()) or asked.names & _identifiers(tracked))
    if finding.rule in NAMED_BY_ADVISORIES:
        named = finding.subject.rpartition(" > ")[2].split()[0]
        return any(finding.about == version and named == str(culprit) for version, culprit in culprits)
    return finding.rule == "unapproved-version" and (finding.about, finding.about) in culprits


def _identifiers(tracked: Tracked) -> set[str]:
    return {name for fact in tracked.finding.facts if fact.label == "identifiers" for name in fact.value.split(", ")}


def _split(text: str) -> tuple[str, str, str]:
    """At the `@` that begins the version: one that begins a scope stands before the last `/`."""
    slash = text.rfind("/")
    name, at, wanted = text[slash + 1 :].partition("@")
    # A scope without its name (`pkg:npm/@acme`) would be an empty name here.
    return text[: slash + 1] + name, at, wanted.strip()
