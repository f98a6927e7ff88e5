"""Advisories in OSV's terms. Schema: https://ossf.github.io/osv-schema/ (1.7.5)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from monitor.domain.finding import Severity
from monitor.domain.purl import Purl


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a range; `kind` is introduced, fixed, last_affected or limit. Any other makes its range undecidable."""

    kind: str
    version: str


@dataclass(frozen=True, slots=True)
class Affected:
    """One `affected` entry: versions and ranges are joined by "or"; GIT ranges are left out (they say nothing about versions)."""

    package: Purl
    versions: frozenset[str]
    ranges: tuple[tuple[Event, ...], ...]


@dataclass(frozen=True, slots=True)
class Advisory:
    """One record. `MAL-` ids are malware, not vulnerabilities: they have no score and need none."""

    id: str
    aliases: tuple[str, ...]
    summary: str  # untrusted text
    affected: tuple[Affected, ...]
    severity: Severity | None  # None: the record gives none
    score: float | None  # CVSS base score, the highest applicable; None: no vector
    modified_at: datetime
    published_at: datetime | None = None  # None: the record does not say
    withdrawn_at: datetime | None = None  # None: live

    @property
    def malware(self) -> bool:
        """Whether the record says that the package itself is malicious."""
        return self.id.startswith("MAL-") or any(alias.startswith("MAL-") for alias in self.aliases)

    def fixed_in(self, package: Purl) -> tuple[str, ...]:
        """Return the versions that the record names as fixed for that package, in the record's order."""
        found = (
            event.version
            for affected in self.affected
            if affected.package == package.package
            for events in affected.ranges
            for event in events
            if event.kind == "fixed"
        )
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True, order=True)
class AdvisoryRef:
    """What a batch answer holds: which record, and the state of it."""

    id: str
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class Match:
    """An advisory that names a version. `disputed` says how the source's answer and our own reading of the ranges differ."""

    purl: Purl
    advisory: Advisory
    disputed: str = ""


def one_flaw_each(matches: Iterable[Match]) -> list[tuple[Match, ...]]:
    """Group the matches whose records are one flaw: aliases are symmetric and transitive (`related` is neither, and joins nothing).

    Each group begins with the record that was published first: its id stays when the flaw gets further names.
    """
    groups: list[tuple[set[str], list[Match]]] = []
    for match in matches:
        names = {match.advisory.id, *match.advisory.aliases}
        members = [match]
        apart = []
        for group in groups:
            if group[0] & names:
                names |= group[0]
                members += group[1]
            else:
                apart.append(group)
        groups = [*apart, (names, members)]
    return [tuple(sorted(members, key=_age)) for _, members in groups]


def _age(match: Match) -> tuple[datetime, str]:
    return (match.advisory.published_at or match.advisory.modified_at, match.advisory.id)
