"""Which advisories name which versions: one question to each database, then details only of what is new, modified, or vanished."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from monitor.app import App
from monitor.domain.advisory import (
    Advised,
    Advisory,
    AdvisoryRef,
    Match,
    Named,
    Question,
)
from monitor.domain.changes import RESET_COUNT, RESET_SHARE
from monitor.domain.evidence import Evidence
from monitor.domain.health import SourceHealth, heard
from monitor.domain.purl import Purl
from monitor.domain.risk import Risk
from monitor.domain.unknown import Reason, Unknown
from monitor.jobs.bulkhead import concurrently, guarded
from monitor.jobs.look import all_silent
from monitor.jobs.match_advisories import Key, Records, Said, asked_lately, matches_of
from monitor.ports.errors import NotFound
from monitor.ports.sources import AdvisorySource, Fresh

DETAILS_AT_ONCE = 16

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Answers:
    """What the databases said of the versions of a batch, and what of it is to be kept."""

    advised: Mapping[Purl, Advised]
    risks: Mapping[str, Risk]
    """By CVE, of the flaws that are named."""
    before: Mapping[Purl, tuple[Named, ...]]
    """The matches as they were remembered when the question was asked, of every version."""
    named: tuple[Named, ...]
    """The matches that are new, over, or back."""
    fetched: tuple[Advisory, ...]
    evidence: tuple[Evidence, ...]
    unknowns: tuple[Unknown, ...]
    """Records that name a version and could not be read; the match stands, without details."""
    health: tuple[SourceHealth, ...]


async def ask(
    app: App, questions: Collection[Question], health: Mapping[str, SourceHealth], now: datetime, *, batched: bool
) -> Answers:
    """Ask about the versions, once each, whatever servers they belong to.

    `batched`: only the sources that answer many at once; what the others said last stands.
    """
    sources = {source.database: source for source in app.advisories if source.batched or not batched}
    said, heard_from = await _ask_all(sources.values(), questions, health, now)
    remembered = await app.store.run(lambda unit: unit.matches([question.purl for question in questions]))
    before = {question.purl: remembered.get(question.purl, ()) for question in questions}
    refs = {ref.key: ref for each in said.values() for found in each.by_database.values() for ref in found.values()}
    vanished = {named.key for purl, each in said.items() for named in _vanished(before[purl], each, now)}
    spoken_of = refs.keys() | {named.key for every in before.values() for named in every}
    known = await app.store.run(lambda unit: unit.advisories(spoken_of))
    stale = [ref for key, ref in refs.items() if key not in known or known[key].modified_at != ref.modified_at]
    looked_up = await concurrently(
        [*stale, *(_any_state(key, now) for key in sorted(vanished - {ref.key for ref in stale}))],
        lambda ref: guarded(ref.id, _look_up(sources[ref.database], ref)),
        limit=DETAILS_AT_ONCE,
    )
    looked_up = _doubting_mass_absence(looked_up, before, sources)
    fresh = {ref.key: answer for ref, answer in looked_up.items() if isinstance(answer, Fresh)}
    checked = frozenset(ref.key for ref, answer in looked_up.items() if not isinstance(answer, Unknown))
    current = {key: record for key, record in known.items() if key not in checked}
    records = Records.of(current | {key: answer.value for key, answer in fresh.items()}, checked, known, now)
    matches = {question.purl: matches_of(question, said[question.purl], before, records) for question in questions}
    return Answers(
        advised={purl: _advised(matches[purl], each) for purl, each in said.items()},
        risks=await _risks(app, matches.values()),
        before=before,
        named=tuple(_to_remember(matches, before, vanished & checked, now)),
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
) -> tuple[dict[Purl, Said], tuple[SourceHealth, ...]]:
    nobody = [] if sources else [Unknown(Reason.NOT_COVERED, "advisories", "no source is configured")]
    said = {question.purl: Said({}, list(nobody)) for question in questions}
    states = []
    for source in sources:
        answers = await _match(source, questions)
        for purl, answer in answers.items():
            if isinstance(answer, Unknown):
                said[purl].unknowns.append(answer)
            else:
                said[purl].by_database[source.database] = {ref.id: ref for ref in answer}
        asked = [answer for answer in answers.values() if not _not_covered(answer)]
        if answers:
            states.append(heard(health.get(source.name), source.name, now, all_silent(asked)))
    return said, tuple(states)


async def _match(
    source: AdvisorySource, questions: Collection[Question]
) -> Mapping[Purl, tuple[AdvisoryRef, ...] | Unknown]:
    """Ask one source; its bug is no word about any version, and costs the other sources nothing."""
    if not questions:
        return {}
    answer = await guarded(source.name, source.match(questions))
    return {question.purl: answer for question in questions} if isinstance(answer, Unknown) else answer


def _doubting_mass_absence(
    looked_up: Mapping[AdvisoryRef, Fresh[Advisory] | Unknown | None],
    before: Mapping[Purl, tuple[Named, ...]],
    sources: Mapping[str, AdvisorySource],
) -> dict[AdvisoryRef, Fresh[Advisory] | Unknown | None]:
    """A database that no longer has most of the records that it had is in doubt itself: a wrong address, a proxy, a reset."""
    doubted = dict(looked_up)
    for database, source in sources.items():
        had = {
            named.key
            for every in before.values()
            for named in every
            if named.database == database and named.gone_at is None
        }
        gone = [ref for ref, answer in looked_up.items() if answer is None and ref.database == database]
        if len(gone) >= RESET_COUNT and len(gone) > RESET_SHARE * len(had):
            words = f"no longer has {len(gone)} of {len(had)} records at once: address, proxy or mirror are in doubt"
            log.warning("source.unknown", source=source.name, reason=Reason.MALFORMED.value, detail=words)
            doubted |= dict.fromkeys(gone, Unknown(Reason.MALFORMED, source.name, words))
    return doubted


def _not_covered(answer: object) -> bool:
    return isinstance(answer, Unknown) and answer.reason is Reason.NOT_COVERED


def _vanished(before: Iterable[Named], said: Said, now: datetime) -> Iterator[Named]:
    """What named the version until now, in a database that answered and does not name it any more: nobody says why.

    What was found to stand nevertheless is not looked up again before a day has passed.
    """
    for named in before:
        gone = named.id not in said.by_database.get(named.database, {named.id: named})
        if named.gone_at is None and gone and not asked_lately(named, now):
            yield named


def _any_state(key: Key, now: datetime) -> AdvisoryRef:
    return AdvisoryRef(key[1], now, key[0])


async def _look_up(source: AdvisorySource, ref: AdvisoryRef) -> Fresh[Advisory] | None:
    """Return the record; None where the database has it no more, which is an answer, too."""
    try:
        return await source.advisory(ref)
    except NotFound:
        return None


def _advised(matches: tuple[Match, ...], said: Said) -> Advised:
    return Advised(matches, tuple(said.unknowns), answered=bool(said.by_database))


def _to_remember(
    matches: Mapping[Purl, tuple[Match, ...]],
    before: Mapping[Purl, tuple[Named, ...]],
    looked_up: Collection[Key],
    now: datetime,
) -> Iterator[Named]:
    """Yield the matches that are other than they were remembered."""
    for purl, found in matches.items():
        remembered = {named.key: named for named in before.get(purl, ())}
        for match in found:
            was = remembered.get(match.advisory.key)
            gone_at = None if match.live else (was and was.gone_at) or now
            # A record whose database names the version again starts anew: only what vanished was looked up.
            asked_at = now if match.advisory.key in looked_up else was.asked_at if was and match.disputed else None
            named = Named(purl, *match.advisory.key, was.since if was else now, gone_at, match.over, asked_at)
            if named != was:
                yield named


async def _risks(app: App, matches: Iterable[tuple[Match, ...]]) -> Mapping[str, Risk]:
    names = {name for found in matches for match in found if match.live for name in match.advisory.names}
    cves = [name for name in names if name.startswith("CVE-")]
    lists = {source.name for source in app.risks}
    return await app.store.run(lambda unit: unit.risks(cves, lists)) if cves else {}
