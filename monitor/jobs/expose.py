"""The first question of every incident, asked of what is kept: who had it, where, when, by which path, and what was done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.domain.advisory import Advisory
from monitor.domain.exposure import Exposure, Named, Window, bringing, exposures
from monitor.domain.finding import Tracked
from monitor.domain.purl import Purl
from monitor.domain.review import Review
from monitor.domain.version_range import is_affected, parse_constraint
from monitor.ports.store import UnitOfWork


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked about: the versions of these packages that `named` names."""

    packages: frozenset[Purl]
    named: Named
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
    undecided: int
    """How many of the exposures are of versions of which it cannot be told."""


def about_advisory(unit: UnitOfWork, name: str) -> Asked | None:
    """Return the question about a flaw, by any of its names; None: no record that is kept has that name."""
    records = _records(unit, name)
    if not records:
        return None
    packages = frozenset(affected.package for record in records for affected in record.affected)
    said = {
        purl
        for purl, every in unit.matches().items()
        for named in every
        if named.key in {record.key for record in records}
    }
    names = frozenset(name for record in records for name in record.names)
    return Asked(packages | {purl.package for purl in said}, lambda purl: _affects(records, said, purl), name, names)


def about_versions(text: str) -> Asked:
    """Return the question about `pkg:npm/name@>=1.2,<1.4`, one version, or (without `@`) all. Raises ValueError with what was expected."""
    bare, at, wanted = _split(text)
    package = Purl.parse(bare)
    if not at or wanted in ("", "*"):
        return Asked(frozenset({package}), lambda _: True, text)
    constraint = parse_constraint(package.type, wanted)
    return Asked(frozenset({package}), lambda purl: constraint(purl.version or ""), text)


def expose(unit: UnitOfWork, asked: Asked, window: Window) -> Exposed:
    """Answer from history."""
    listed, resolved = unit.entry_history(), unit.dependency_history()
    carriers = {each.dependencies.of.package for each in resolved}
    stays = unit.stays(asked.packages | carriers)
    reasons = bringing(asked.named, asked.packages, stays, listed, resolved)
    found = tuple(sorted(exposures(reasons, stays, listed, window), key=_worst_first))
    concerned = {each.bringing.version for each in found}
    findings = tuple(each for each in unit.findings() if _concerns(each, asked, concerned))
    reviews = tuple((each, unit.ticket(each.mark)) for each in unit.reviews() if each.candidate.purl in concerned)
    return Exposed(
        asked,
        found,
        findings,
        reviews,
        known_since=unit.inventories_since(),
        undecided=sum(not each.bringing.certain for each in found),
    )


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


def _concerns(tracked: Tracked, asked: Asked, versions: set[Purl]) -> bool:
    finding = tracked.finding
    if asked.names:
        return bool(asked.names & set(finding.subject.split()) or asked.names & _identifiers(tracked))
    return finding.about in versions and finding.rule in (
        "affected",
        "dependency-affected",
        "malware",
        "unapproved-version",
    )


def _identifiers(tracked: Tracked) -> set[str]:
    return {name for fact in tracked.finding.facts if fact.label == "identifiers" for name in fact.value.split(", ")}


def _split(text: str) -> tuple[str, str, str]:
    """At the `@` that begins the version: one that begins a scope stands before the last `/`."""
    slash = text.rfind("/")
    name, at, wanted = text[slash + 1 :].partition("@")
    # A scope without its name (`pkg:npm/@acme`) would be an empty name here.
    return text[: slash + 1] + name, at, wanted.strip()
