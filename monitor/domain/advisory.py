"""Advisories in OSV's terms. Schema: https://ossf.github.io/osv-schema/ (1.7.5)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from monitor.domain.finding import Severity
from monitor.domain.purl import Purl
from monitor.domain.release import Digest
from monitor.domain.unknown import Reason, Unknown

OSV = "osv"
GITHUB = "github"
GITHUB_REPOSITORY = "github-repository"


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a range; `kind` is introduced, fixed, last_affected or limit. Any other makes its range undecidable."""

    kind: str
    version: str


@dataclass(frozen=True, slots=True)
class Question:
    """A version that is asked about. `repository` and `commit` are where its source is, and which state of it, where that is known."""

    purl: Purl  # with version
    repository: Purl | None = None  # pkg:github/owner/name
    commit: Digest | None = None  # what the version's tag points at, or what is pinned


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
    database: str = OSV
    """Whose record: one id may have a record in several databases, each with its own times."""

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
    database: str = OSV


@dataclass(frozen=True, slots=True)
class Match:
    """An advisory that names a version, or named it until now. `disputed` says how the source's answer and our own reading differ."""

    purl: Purl
    advisory: Advisory
    disputed: str = ""
    over: str = ""
    """Why it names the version no longer; empty: it does."""

    @property
    def live(self) -> bool:
        """Whether the record stands and names the version."""
        return not self.over and self.advisory.withdrawn_at is None


@dataclass(frozen=True, slots=True)
class Advised:
    """What all advisory sources together said of one version. `unknowns`: those that did not answer, or do not cover it."""

    matches: tuple[Match, ...] = ()
    unknowns: tuple[Unknown, ...] = ()
    answered: bool = True
    """Whether at least one source covers it and answered: without one, no match says nothing."""

    @property
    def failed(self) -> tuple[Unknown, ...]:
        """The sources that should have answered, and where none covers the version, that."""
        silent = tuple(each for each in self.unknowns if each.reason is not Reason.NOT_COVERED)
        return silent or (() if self.answered else self.unknowns)


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
