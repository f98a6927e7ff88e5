"""Judge a batch and keep all of it, in one transaction in which no other writer is at work.

What is known of findings and reviews is read in the same transaction: between recall and record another job may have opened a ticket.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from monitor.app import App
from monitor.domain.audit import AuditEvent
from monitor.domain.finding import Tracked
from monitor.domain.health import SourceHealth, heard
from monitor.domain.provenance import Verification
from monitor.domain.purl import Purl
from monitor.domain.release import KnownRelease
from monitor.domain.review import Review
from monitor.domain.snapshot import Snapshot
from monitor.domain.unknown import NOT_ASKED, Reason, Unknown
from monitor.jobs.answer_for import policy_of
from monitor.jobs.ask_advisories import Answers
from monitor.jobs.bulkhead import guarded_now
from monitor.jobs.burst import together
from monitor.jobs.find_dependencies import Found
from monitor.jobs.look import Sights
from monitor.jobs.outcome import ACTOR, Judged, judge, keep, looked_event
from monitor.ports.store import UnitOfWork

SERVER = "server:"
"""Begins the names of servers in the health table."""


def record(
    unit: UnitOfWork,
    app: App,
    job: str,
    snapshots: Sequence[Snapshot],
    *,
    sights: Sights | None,
    found: Found,
    answers: Answers,
) -> tuple[Unknown, ...]:
    """Judge each server alone and keep everything; return the servers that could not be judged."""
    unit.alone()
    now = app.clock()
    # Another job may have asked later, and been told more, while this look waited for details: its word stands.
    known_now = unit.matches(answers.before)
    overtaken = {purl for purl, named in answers.before.items() if known_now.get(purl, ()) != named}
    snapshots = [_without_overtaken(each, overtaken) for each in snapshots]
    judged, failed = judge_all(unit, app, snapshots)
    unknowns = [unknown for each in judged for unknown in each.snapshot.unknowns()]
    first = looked_event(job, [each.server.name for each in snapshots], unknowns, now)
    events = keep(unit, together(unit, app, judged, now), now)
    unit.keep_evidence([*answers.evidence, *(sights.evidence if sights else ())])
    if sights:
        events += _keep_sights(unit, sights, now)
        silent = {each.source for each in (*answers.health, *sights.health) if each.failing_since}
        unit.keep_health(_server_health(unit.health(), snapshots, silent, now))
    unit.keep_advisories(answers.fetched)
    unit.keep_matches([named for named in answers.named if named.purl not in overtaken])
    unit.keep_dependencies(found.new, now)
    unit.keep_health([*answers.health, *(sights.health if sights else ())])
    unit.commit(first, *events)
    return failed


def _without_overtaken(snapshot: Snapshot, overtaken: Collection[Purl]) -> Snapshot:
    if isinstance(snapshot.advisories, Unknown) or not any(purl in overtaken for purl in snapshot.advisories):
        return snapshot
    return replace(snapshot, advisories=NOT_ASKED)


def judge_all(unit: UnitOfWork, app: App, snapshots: Sequence[Snapshot]) -> tuple[list[Judged], tuple[Unknown, ...]]:
    """Judge each server by what is known of it now; a bug in one costs only itself."""
    names = {each.server.name for each in snapshots}
    policy = policy_of(unit, app.policy, app.clock())
    findings: dict[str, dict[str, Tracked]] = {name: {} for name in names}
    for tracked in unit.findings(names):
        findings[tracked.finding.server][tracked.finding.fingerprint] = tracked
    reviews: dict[str, list[Review]] = {name: [] for name in names}
    for review in unit.reviews(names):
        reviews[review.server].append(review)

    def one(snapshot: Snapshot) -> Judged:
        name = snapshot.server.name
        return judge(policy, snapshot, findings[name], reviews[name])

    verdicts = [guarded_now(each.server.name, lambda each=each: one(each)) for each in snapshots]  # type: ignore[misc]  # the default binds the loop's value
    judged = [each for each in verdicts if isinstance(each, Judged)]
    return judged, tuple(each for each in verdicts if isinstance(each, Unknown))


def _server_health(
    before: Mapping[str, SourceHealth], snapshots: Iterable[Snapshot], silent: Collection[str], now: datetime
) -> list[SourceHealth]:
    """Note the servers of which something could not be checked, and those that can be again; the others cost no row.

    A source that is silent for all is said once, by itself.
    """
    rows = []
    for snapshot in snapshots:
        source = SERVER + snapshot.server.name
        unknowns = [unknown for unknown in snapshot.unknowns() if unknown.source not in silent]
        blind = [unknown for unknown in unknowns if unknown.reason is not Reason.NOT_COVERED]
        was = before.get(source)
        if blind or (was and was.failing_since):
            rows.append(heard(was, source, now, str(blind[0]) if blind else None))
    return rows


def _keep_sights(unit: UnitOfWork, sights: Sights, now: datetime) -> list[AuditEvent]:
    events: list[AuditEvent] = []
    for package, sight in sights.packages.items():
        if isinstance(sight.looked, Unknown) or not sight.fresh:
            continue
        unit.keep_listing(package.type, sight.looked.listing, sight.new, sight.validators)
        unit.keep_evidence(sight.evidence)
        events += [release_event(known, now) for known in sight.new if not known.baseline]
        if sight.looked.changes.first_look:
            detail = {"releases": str(len(sight.new)), "standing": sight.looked.listing.standing.value}
            events.append(AuditEvent(now, ACTOR, "package.first-seen", str(package), detail))
    unit.keep_verifications([claim for claims in sights.verified.values() for claim in claims], now, sights.roots)
    events += [verified_event(purl, claims, now) for purl, claims in sights.verified.items()]
    return events


def release_event(known: KnownRelease, now: datetime) -> AuditEvent:
    """Audit that a version, or a file of a young one, appeared."""
    digests = ", ".join(sorted(map(str, known.release.digests.values())))[:2000]
    return AuditEvent(now, ACTOR, "release.seen", str(known.release.purl), {"digests": digests})


def verified_event(purl: Purl, claims: Sequence[Verification], now: datetime) -> AuditEvent:
    """Audit what was decided about a version's files."""
    counted = Counter(f"{claim.form.value}: {claim.verdict.value}" for claim in claims)
    return AuditEvent(now, ACTOR, "release.verified", str(purl), {what: str(count) for what, count in counted.items()})
