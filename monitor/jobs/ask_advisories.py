"""Which advisories name which versions: one question to each database, then details only of what is new, modified, or vanished."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import structlog

from monitor.app import App
from monitor.domain.advisory import GITHUB_REPOSITORY, OSV, Advised, Advisory, AdvisoryRef, Match, Named, Question
from monitor.domain.evidence import Evidence
from monitor.domain.health import SourceHealth, heard
from monitor.domain.purl import Purl
from monitor.domain.risk import Risk
from monitor.domain.unknown import Reason, Unknown
from monitor.domain.version_range import ADVISORY_TYPES, is_affected
from monitor.jobs.bulkhead import concurrently, guarded
from monitor.jobs.look import all_silent
from monitor.ports.errors import NotFound
from monitor.ports.sources import AdvisorySource, Fresh

DETAILS_AT_ONCE = 16

log = structlog.get_logger()

Key = tuple[str, str]
"""A record: its database, and its id there."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the databases said of the versions of a batch, and what of it is to be kept."""

    advised: Mapping[Purl, Advised]
    risks: Mapping[str, Risk]
    """By CVE, of the flaws that are named."""
    named: tuple[Named, ...]
    """The matches that are new, over, or back."""
    fetched: tuple[Advisory, ...]
    evidence: tuple[Evidence, ...]
    unknowns: tuple[Unknown, ...]
    """Records that name a version and could not be read; the match stands, without details."""
    health: tuple[SourceHealth, ...]


@dataclass(slots=True)
class _Said:
    """All answers about one version. `by_database` holds the databases that answered, and by id the records that name the version."""

    by_database: dict[str, dict[str, AdvisoryRef]]
    unknowns: list[Unknown]


@dataclass(frozen=True, slots=True)
class _Records:
    """The records that are spoken of. One that is in `checked` was fetched in this look; if it is then not in `by_key`, it is no more."""

    by_key: Mapping[Key, Advisory]
    by_package: Mapping[Purl, tuple[Advisory, ...]]
    """Those that were not withdrawn, by each package that they are about."""
    checked: frozenset[Key]

    @classmethod
    def of(cls, records: Mapping[Key, Advisory], checked: frozenset[Key]) -> Self:
        """Sort the records by package."""
        by_package: dict[Purl, tuple[Advisory, ...]] = {}
        for record in records.values():
            # A repository may publish about packages that are not its own: its records are about those who asked about it.
            if record.withdrawn_at is None and record.database != GITHUB_REPOSITORY:
                for package in {affected.package for affected in record.affected}:
                    by_package[package] = (*by_package.get(package, ()), record)
        return cls(records, by_package, checked)


async def ask(
    app: App, questions: Collection[Question], health: Mapping[str, SourceHealth], now: datetime, *, batched: bool
) -> Answers:
    """Ask about the versions, once each, whatever servers they belong to.

    `batched`: only the sources that answer thousands at once; what the others said last stands.
    """
    sources = {source.database: source for source in app.advisories if source.batched or not batched}
    said, heard_from = await _ask_all(sources.values(), questions, health, now)
    before = await app.store.run(lambda unit: unit.matches([question.purl for question in questions]))
    refs = {ref.key: ref for each in said.values() for found in each.by_database.values() for ref in found.values()}
    vanished = {named.key for purl, each in said.items() for named in _vanished(before.get(purl, ()), each)}
    spoken_of = refs.keys() | {named.key for every in before.values() for named in every}
    known = await app.store.run(lambda unit: unit.advisories(spoken_of))
    stale = [ref for key, ref in refs.items() if key not in known or known[key].modified_at != ref.modified_at]
    looked_up = await concurrently(
        [*stale, *(_any_state(key, now) for key in sorted(vanished - {ref.key for ref in stale}))],
        lambda ref: guarded(ref.id, _look_up(sources[ref.database], ref)),
        limit=DETAILS_AT_ONCE,
    )
    fresh = {ref.key: answer for ref, answer in looked_up.items() if isinstance(answer, Fresh)}
    checked = frozenset(ref.key for ref, answer in looked_up.items() if not isinstance(answer, Unknown))
    current = {key: record for key, record in known.items() if key not in checked}
    records = _Records.of(current | {key: answer.value for key, answer in fresh.items()}, checked)
    matches = {question.purl: _matches(question, said[question.purl], before, records) for question in questions}
    return Answers(
        advised={purl: _advised(matches[purl], each) for purl, each in said.items()},
        risks=await _risks(app, matches.values()),
        named=tuple(_to_remember(matches, before, now)),
        fetched=tuple(answer.value for answer in fresh.values()),
        evidence=tuple(piece for answer in fresh.values() for piece in answer.evidence),
        unknowns=tuple(answer for answer in looked_up.values() if isinstance(answer, Unknown)),
        health=heard_from,
    )


async def _ask_all(
    sources: Collection[AdvisorySource],
    questions: Collection[Question],
    health: Mapping[str, SourceHealth],
    now: datetime,
) -> tuple[dict[Purl, _Said], tuple[SourceHealth, ...]]:
    nobody = [] if sources else [Unknown(Reason.NOT_COVERED, "advisories", "no source is configured")]
    said = {question.purl: _Said({}, list(nobody)) for question in questions}
    states = []
    for source in sources:
        answers = await source.match(questions) if questions else {}
        for purl, answer in answers.items():
            if isinstance(answer, Unknown):
                said[purl].unknowns.append(answer)
            else:
                said[purl].by_database[source.database] = {ref.id: ref for ref in answer}
        asked = [answer for answer in answers.values() if not _not_covered(answer)]
        if answers:
            states.append(heard(health.get(source.name), source.name, now, all_silent(asked)))
    return said, tuple(states)


def _not_covered(answer: object) -> bool:
    return isinstance(answer, Unknown) and answer.reason is Reason.NOT_COVERED


def _vanished(before: Iterable[Named], said: _Said) -> Iterator[Named]:
    """What named the version until now, in a database that answered and does not name it any more: nobody says why."""
    for named in before:
        if named.gone_at is None and named.id not in said.by_database.get(named.database, {named.id: named}):
            yield named


def _any_state(key: Key, now: datetime) -> AdvisoryRef:
    return AdvisoryRef(key[1], now, key[0])


async def _look_up(source: AdvisorySource, ref: AdvisoryRef) -> Fresh[Advisory] | None:
    """Return the record; None where the database has it no more, which is an answer, too."""
    try:
        return await source.advisory(ref)
    except NotFound:
        return None


def _matches(
    question: Question, said: _Said, before: Mapping[Purl, tuple[Named, ...]], records: _Records
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


def _left(question: Question, named: Named, said: _Said, records: _Records) -> Match:
    """A record that named the version before, and of which no database speaks now."""
    purl, record = question.purl, records.by_key.get(named.key)
    if named.gone_at is not None:
        return Match(purl, record or _bare_of(named), over=named.note, since=named.since)
    if named.database not in said.by_database or named.key not in records.checked:
        return _standing(question, record or _bare_of(named), named.since)
    if record is None:
        return Match(purl, _bare_of(named), over="the database has no such record any more", since=named.since)
    if record.withdrawn_at is not None:
        return Match(purl, record, over=_withdrawn(record), since=named.since)
    if purl.type in ADVISORY_TYPES and is_affected(record, purl) is not False:
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
    return Advisory(ref.id, (), text, (), None, None, modified_at=ref.modified_at, database=ref.database)


def _bare_of(named: Named) -> Advisory:
    return _bare(AdvisoryRef(named.id, named.since, named.database))


def _advised(matches: tuple[Match, ...], said: _Said) -> Advised:
    return Advised(matches, tuple(said.unknowns), answered=bool(said.by_database))


def _to_remember(
    matches: Mapping[Purl, tuple[Match, ...]], before: Mapping[Purl, tuple[Named, ...]], now: datetime
) -> Iterator[Named]:
    """Yield the matches that are other than they were remembered."""
    for purl, found in matches.items():
        remembered = {named.key: named for named in before.get(purl, ())}
        for match in found:
            was = remembered.get(match.advisory.key)
            gone_at = None if match.live else (was and was.gone_at) or now
            named = Named(purl, *match.advisory.key, was.since if was else now, gone_at, match.over)
            if named != was:
                yield named


async def _risks(app: App, matches: Iterable[tuple[Match, ...]]) -> Mapping[str, Risk]:
    names = {name for found in matches for match in found if match.live for name in match.advisory.names}
    cves = [name for name in names if name.startswith("CVE-")]
    return await app.store.run(lambda unit: unit.risks(cves)) if cves else {}
