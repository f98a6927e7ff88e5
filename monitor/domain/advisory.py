"""Advisories in OSV's terms. Schema: https://ossf.github.io/osv-schema/ (1.7.5)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from monitor.domain.finding import Severity
from monitor.domain.purl import Purl
from monitor.domain.release import Digest
from monitor.domain.unknown import Reason, Unknown

MAX_RECORDS = 32
"""Of one flaw: a record that names everything as its alias joins no more."""
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
    malicious: bool = False
    """Whether the database lists it as malware, whatever its id is."""
    bare: bool = False
    """Whether nothing but its id is known: its details could not be had."""
    database: str = OSV
    """Whose record: one id may have a record in several databases, each with its own times."""

    @property
    def key(self) -> tuple[str, str]:
        """The record's name in the store: its database, and its id there."""
        return self.database, self.id

    @property
    def names(self) -> frozenset[str]:
        """The id and its aliases."""
        return frozenset({self.id, *self.aliases})

    @property
    def malware(self) -> bool:
        """Whether the record says that the package itself is malicious."""
        return self.malicious or self.id.startswith("MAL-") or any(alias.startswith("MAL-") for alias in self.aliases)

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

    @property
    def key(self) -> tuple[str, str]:
        """The record's name in the store: its database, and its id there."""
        return self.database, self.id


@dataclass(frozen=True, slots=True)
class Match:
    """An advisory that names a version, or named it until now. `disputed` says how the source's answer and our own reading differ."""

    purl: Purl
    advisory: Advisory
    disputed: str = ""
    over: str = ""
    """Why it names the version no longer; empty: it does."""
    since: datetime | None = None  # when we saw it first; None: now

    @property
    def live(self) -> bool:
        """Whether the record stands and names the version."""
        return not self.over


@dataclass(frozen=True, slots=True)
class Flaw:
    """One flaw of one version, under all its names."""

    matches: tuple[Match, ...]  # never empty; the first gives the flaw its id

    @property
    def id(self) -> str:
        """The name under which it is shown, and stays."""
        return self.matches[0].advisory.id

    @property
    def live(self) -> tuple[Match, ...]:
        """The records that stand."""
        return tuple(match for match in self.matches if match.live)

    @property
    def malware(self) -> bool:
        """Whether a record that stands says that the package itself is malicious."""
        return any(match.advisory.malware for match in self.live)

    @property
    def names(self) -> tuple[str, ...]:
        """All ids and aliases, sorted."""
        return tuple(sorted({name for match in self.matches for name in match.advisory.names}))

    def fixed_in(self, package: Purl) -> tuple[str, ...]:
        """Return every version that a standing record names as fixed for that package; and by which record where they differ."""
        by_record = {match.advisory.key: match.advisory.fixed_in(package) for match in self.live}
        named = {key: versions for key, versions in by_record.items() if versions}
        if len(set(named.values())) <= 1:
            return tuple(dict.fromkeys(version for versions in named.values() for version in versions))
        one_id = len({id_ for _, id_ in named}) == 1
        return tuple(
            f"{version} ({database if one_id else id_})"
            for (database, id_), versions in named.items()
            for version in versions
        )

    @property
    def severity(self) -> Severity:
        """The highest that a standing record gives; medium where none gives any."""
        given = [match.advisory.severity for match in self.live if match.advisory.severity is not None]
        return max(given, key=lambda each: each.rank, default=Severity.MEDIUM)

    @property
    def score(self) -> float | None:
        """The highest CVSS base score; None: no standing record has a vector."""
        return max((match.advisory.score for match in self.live if match.advisory.score is not None), default=None)


@dataclass(frozen=True, slots=True)
class Named:
    """A match as it is remembered: which record named a version, from when to when."""

    purl: Purl
    database: str
    id: str
    since: datetime
    gone_at: datetime | None = None  # None: it names the version now
    note: str = ""
    """Why it does no longer."""
    asked_at: datetime | None = None  # None: its database names it, or it was not looked up since it does no longer
    """When it was looked up last although its database does not name the version any more."""

    @property
    def key(self) -> tuple[str, str]:
        """The record's name in the store: its database, and its id there."""
        return self.database, self.id


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


def one_flaw_each(matches: Iterable[Match]) -> list[Flaw]:
    """Group the matches whose records are one flaw: aliases are symmetric and transitive (`related` is neither, and joins nothing).

    Each group begins with the record that we saw first, of several the one that was published first: its id stays when the flaw gets
    further names. Matches that are over are in it, too, so that it stays when the first record is withdrawn.
    """
    groups: list[tuple[set[str], list[Match]]] = []
    for match in matches:
        names = set(match.advisory.names)
        members = [match]
        apart = []
        for group in groups:
            if group[0] & names and len(group[1]) + len(members) <= MAX_RECORDS:
                names |= group[0]
                members += group[1]
            else:
                apart.append(group)
        groups = [*apart, (names, members)]
    return [Flaw(tuple(sorted(members, key=_age))) for _, members in groups]


def _age(match: Match) -> tuple[bool, datetime, datetime, str]:
    published = match.advisory.published_at or match.advisory.modified_at
    return (match.since is None, match.since or published, published, match.advisory.id)
