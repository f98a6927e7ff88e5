"""Which advisories name which versions: one batch question, then details only of what is new or modified."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from monitor.app import App
from monitor.domain.advisory import Advisory, AdvisoryRef, Match
from monitor.domain.candidate import unreviewed
from monitor.domain.evidence import Evidence
from monitor.domain.health import SourceHealth, heard
from monitor.domain.purl import Purl
from monitor.domain.review import OPEN, Review
from monitor.domain.snapshot import Snapshot
from monitor.domain.unknown import Reason, Unknown
from monitor.domain.version_range import is_affected
from monitor.jobs.bulkhead import concurrently, guarded
from monitor.jobs.look import all_silent
from monitor.ports.sources import Fresh

DETAILS_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Answers:
    """What the advisory source said about the versions of a batch."""

    matches: Mapping[Purl, tuple[Match, ...] | Unknown]
    fetched: tuple[Advisory, ...]
    evidence: tuple[Evidence, ...]
    unknowns: tuple[Unknown, ...]
    """Records that name a version and could not be read; the match stands, without details."""
    health: tuple[SourceHealth, ...]


def versions_of(snapshot: Snapshot, reviews: tuple[Review, ...]) -> frozenset[Purl]:
    """Return what is asked about: the approved version, each deployed one, and each that is up for review."""
    found = {review.candidate.purl for review in reviews if review.state in OPEN}
    if snapshot.approval:
        found.add(snapshot.approval.pin.purl)
    if not isinstance(snapshot.deployments, Unknown):
        found |= {each.purl for each in snapshot.deployments if each.purl and each.purl.version}
    if not isinstance(snapshot.package, Unknown):
        found |= {known.release.purl for known in unreviewed(snapshot.approval, snapshot.package)}
    return frozenset(found)


async def ask(app: App, versions: frozenset[Purl], health: Mapping[str, SourceHealth], now: datetime) -> Answers:
    """Ask about the versions, once each, whatever servers they belong to."""
    refs = await app.advisories.match(sorted(versions, key=str))
    wanted = {ref.id: ref for found in refs.values() if not isinstance(found, Unknown) for ref in found}
    known = dict(await app.store.run(lambda unit: unit.advisories(wanted)))
    stale = [ref for ref in wanted.values() if ref.id not in known or known[ref.id].modified_at != ref.modified_at]
    answers = await concurrently(
        stale, lambda ref: guarded(ref.id, app.advisories.advisory(ref.id)), limit=DETAILS_AT_ONCE
    )
    fresh = [answer for answer in answers.values() if isinstance(answer, Fresh)]
    known |= {answer.value.id: answer.value for answer in fresh}
    silent = all_silent([found for found in refs.values() if not _not_covered(found)])
    return Answers(
        matches={
            purl: found if isinstance(found, Unknown) else _matches(purl, found, known) for purl, found in refs.items()
        },
        fetched=tuple(answer.value for answer in fresh),
        evidence=tuple(piece for answer in fresh for piece in answer.evidence),
        unknowns=tuple(answer for answer in answers.values() if isinstance(answer, Unknown)),
        health=(heard(health.get(app.advisories.name), app.advisories.name, now, silent),) if versions else (),
    )


def _not_covered(found: object) -> bool:
    return isinstance(found, Unknown) and found.reason is Reason.NOT_COVERED


def _matches(purl: Purl, refs: tuple[AdvisoryRef, ...], known: Mapping[str, Advisory]) -> tuple[Match, ...]:
    return tuple(_match(purl, known.get(ref.id) or _bare(ref)) for ref in refs)


def _bare(ref: AdvisoryRef) -> Advisory:
    """A record that names a version is shown even while its details cannot be had."""
    text = "(its details could not be fetched)"
    return Advisory(ref.id, (), text, (), None, None, modified_at=ref.modified_at)


def _match(purl: Purl, advisory: Advisory) -> Match:
    if not advisory.affected:
        return Match(purl, advisory)
    match is_affected(advisory, purl):
        case True:
            return Match(purl, advisory)
        case False:
            return Match(purl, advisory, "the database names this version, its ranges as we read them do not")
        case None:
            return Match(purl, advisory, "the ranges cannot be compared with this version; the database's word stands")
