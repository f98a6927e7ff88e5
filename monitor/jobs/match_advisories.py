"""What the answers and the memory together say of one version: which records name it, and which do so no longer, and why. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

import structlog

from monitor.domain.advisory import GITHUB, GITHUB_REPOSITORY, OSV, Advisory, AdvisoryRef, Match, Named, Question
from monitor.domain.purl import Purl
from monitor.domain.unknown import Unknown
from monitor.domain.version_range import ADVISORY_TYPES, is_affected

ASK_AGAIN = timedelta(hours=24)
"""How long a record that vanished from the answers, and stands nevertheless, is taken to stand before it is looked up again."""

log = structlog.get_logger()

Key = tuple[str, str]
"""A record: its database, and its id there."""


@dataclass(slots=True)
class Said:
    """All answers about one version. `by_database` holds the databases that answered, and by id the records that name the version."""

    by_database: dict[str, dict[str, AdvisoryRef]]
    unknowns: list[Unknown]


@dataclass(frozen=True, slots=True)
class Records:
    """The records that are spoken of. One that is in `checked` was fetched in this look; if it is then not in `by_key`, it is no more."""

    by_key: Mapping[Key, Advisory]
    by_package: Mapping[Purl, tuple[Advisory, ...]]
    """Those that were not withdrawn, by each package that they are about."""
    checked: frozenset[Key]
    kept: Mapping[Key, Advisory]
    """As they were before this look."""
    now: datetime

    @classmethod
    def of(
        cls, records: Mapping[Key, Advisory], checked: frozenset[Key], kept: Mapping[Key, Advisory], now: datetime
    ) -> Self:
        """Sort the records by package."""
        by_package: dict[Purl, tuple[Advisory, ...]] = {}
        for record in records.values():
            # A repository may publish about packages that are not its own: its records are about those who asked about it.
            if record.withdrawn_at is None and record.database != GITHUB_REPOSITORY:
                for package in {affected.package for affected in record.affected}:
                    by_package[package] = (*by_package.get(package, ()), record)
        return cls(records, by_package, checked, kept, now)


def matches_of(
    question: Question, said: Said, before: Mapping[Purl, tuple[Named, ...]], records: Records
) -> tuple[Match, ...]:
    """Return every record that names the version, or named it before, as it stands now."""
    purl = question.purl
    remembered = {named.key: named for named in before.get(purl, ())}
    found: dict[Key, Match] = {}
    for refs in said.by_database.values():
        for ref in refs.values():
            since = remembered[ref.key].since if ref.key in remembered else None
            found[ref.key] = _standing(question, records.by_key.get(ref.key) or _bare(ref), since)
    for named in remembered.values():
        if named.key not in found:
            found[named.key] = _left(question, named, said, records)
    for record in records.by_package.get(purl.package, ()):
        if record.key not in found and record.database in said.by_database and is_affected(record, purl):
            words = "the database does not name this version; its ranges, as we read them, do"
            found[record.key] = Match(purl, record, words)
    for match in found.values():
        if match.disputed:
            log.warning("advisory.disputed", version=str(purl), advisory=match.advisory.id, detail=match.disputed)
    return tuple(found.values())


def _standing(question: Question, record: Advisory, since: datetime | None) -> Match:
    """A record that its database says names the version."""
    purl = question.purl
    if record.withdrawn_at is not None:
        return Match(purl, record, over=_withdrawn(record), since=since)
    by_commit = record.database == OSV and question.purl.type not in ADVISORY_TYPES
    if not record.affected or by_commit:
        return Match(purl, record, since=since)
    match is_affected(record, purl):
        case True:
            return Match(purl, record, since=since)
        case False:
            words = "the database names this version, its ranges as we read them do not"
        case None:
            words = "the ranges cannot be compared with this version: a human has to read the record"
    return Match(purl, record, words, since=since)


def _left(question: Question, named: Named, said: Said, records: Records) -> Match:
    """A record that named the version before, and of which no database speaks now."""
    purl, record = question.purl, records.by_key.get(named.key)
    if named.gone_at is not None:
        return Match(purl, record or _bare_of(named), over=named.note, since=named.since)
    known = record or records.kept.get(named.key) or _bare_of(named)
    asked = named.key in records.checked or asked_lately(named, records.now)
    if named.database not in said.by_database or not asked:
        return _standing(question, known, named.since)
    if record is None:
        return Match(purl, known, over="the database has no such record any more", since=named.since)
    if record.withdrawn_at is not None:
        return Match(purl, record, over=_withdrawn(record), since=named.since)
    before = records.kept.get(named.key)
    same = before is not None and before.modified_at == record.modified_at
    # Where our own reading cannot tell, a record that is as it was names what it named.
    stands = is_affected(record, purl) is not False if purl.type in ADVISORY_TYPES else same
    if stands:
        words = "the database does not name this version any more; the record, as we read it, does"
        return Match(purl, record, words, since=named.since)
    return Match(
        purl, record, over="the record was corrected, and does not name this version any more", since=named.since
    )


def _withdrawn(record: Advisory) -> str:
    return f"{record.id} was withdrawn on {record.withdrawn_at:%Y-%m-%d}"


def _bare(ref: AdvisoryRef) -> Advisory:
    """A record that names a version is shown even while its details cannot be had."""
    text = "(its details could not be fetched)"
    # GitHub's global database is asked about malware, and about nothing else.
    return Advisory(
        *(ref.id, (), text, (), None, None, ref.modified_at),
        malicious=ref.database == GITHUB,
        bare=True,
        database=ref.database,
    )


def _bare_of(named: Named) -> Advisory:
    return _bare(AdvisoryRef(named.id, named.since, named.database))


def asked_lately(named: Named, now: datetime) -> bool:
    """Whether a match whose record vanished was looked up within a day."""
    return named.asked_at is not None and now - named.asked_at < ASK_AGAIN
