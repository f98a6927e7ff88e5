"""Read this first: the loop of the program, for one batch of servers.

    recall what is known  ->  look at the sources  ->  judge each server alone  ->  record all of it in one transaction

`check_releases` asks everything; `check_advisories` asks the advisory source alone, and judges the rest from memory.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from monitor.app import App
from monitor.domain.audit import AuditEvent
from monitor.domain.provenance import Verification
from monitor.domain.purl import Purl
from monitor.domain.release import KnownRelease
from monitor.domain.server import Entry
from monitor.domain.snapshot import Looked, Snapshot
from monitor.domain.unknown import Unknown
from monitor.jobs.ask_advisories import Answers, ask, versions_of
from monitor.jobs.bulkhead import guarded
from monitor.jobs.look import Sights, look
from monitor.jobs.outcome import ACTOR, Judged, Outcome, judge, keep, looked_event
from monitor.jobs.recall import NOTHING_PUBLISHED, Recalled, recall, snapshot_of, under_judgement
from monitor.ports.store import UnitOfWork


async def check_releases(app: App, entries: Collection[Entry]) -> Outcome:
    """New versions, their signatures and hashes, and the standing of approved ones at npm, PyPI and GitHub."""
    now = app.clock()
    recalled = await _recall(app, entries)
    sights = await look(app, recalled, now)
    snapshots = [_seen(app, snapshot_of(recalled, entry, now), sights, recalled) for entry in recalled.entries]
    return await _advise_judge_record(app, "releases", recalled, snapshots, sights)


async def check_advisories(app: App, entries: Collection[Entry]) -> Outcome:
    """Advisories and malware records that name an approved, deployed or candidate version."""
    recalled = await _recall(app, entries)
    snapshots = [snapshot_of(recalled, entry, app.clock()) for entry in recalled.entries]
    return await _advise_judge_record(app, "advisories", recalled, snapshots, None)


async def _recall(app: App, entries: Collection[Entry]) -> Recalled:
    has_inventory = bool(app.deployments)
    return await app.store.run(lambda unit: recall(unit, entries, has_inventory=has_inventory))


def _seen(app: App, snapshot: Snapshot, sights: Sights, recalled: Recalled) -> Snapshot:
    """Put what was seen in place of what was remembered."""
    server = snapshot.server
    package = sights.packages[server.package].looked if server.package else NOTHING_PUBLISHED
    repository = server.repository if server.repository != server.package else None
    return replace(
        snapshot,
        package=package,
        repository=sights.packages[repository].looked if repository else None,
        verifications=package if isinstance(package, Unknown) else _claims(app, snapshot, package, sights, recalled),
    )


def _claims(
    app: App, snapshot: Snapshot, package: Looked, sights: Sights, recalled: Recalled
) -> Mapping[Purl, tuple[Verification, ...]]:
    releases = under_judgement(snapshot.approval, package, limit=app.limits.new_versions)
    remembered = recalled.verifications
    found = {each.purl: sights.verified.get(each.purl, remembered.get(each.purl, ())) for each in releases}
    return {purl: claims for purl, claims in found.items() if claims}


async def _advise_judge_record(
    app: App, job: str, recalled: Recalled, snapshots: Sequence[Snapshot], sights: Sights | None
) -> Outcome:
    asked = {each.server.name: versions_of(each, recalled.reviews.get(each.server.name, ())) for each in snapshots}
    everything = frozenset[Purl]().union(*asked.values())
    answers = await ask(app, everything, recalled.health, app.clock())
    complete = [
        replace(each, advisories={purl: answers.matches[purl] for purl in sorted(asked[each.server.name], key=str)})
        for each in snapshots
    ]
    verdicts = [await guarded(each.server.name, _judge(app, recalled, each)) for each in complete]
    judged = [each for each in verdicts if isinstance(each, Judged)]
    failed = tuple(each for each in verdicts if isinstance(each, Unknown))
    now = app.clock()
    await app.store.run(lambda unit: _record(unit, job, judged, sights=sights, answers=answers, now=now))
    unknowns = {each.server.name: each.unknowns() if sights else _unadvised(each) for each in complete}
    return Outcome(unknowns, (*answers.unknowns, *failed))


def _unadvised(snapshot: Snapshot) -> tuple[Unknown, ...]:
    """What the advisory source alone did not say; the rest of the snapshot is memory, and another job's question."""
    answers = snapshot.advisories
    found = [answers] if isinstance(answers, Unknown) else answers.values()
    return tuple(dict.fromkeys(each for each in found if isinstance(each, Unknown)))


async def _judge(app: App, recalled: Recalled, snapshot: Snapshot) -> Judged:
    name = snapshot.server.name
    return judge(app.policy, snapshot, recalled.findings.get(name, {}), recalled.reviews.get(name, ()))


def _record(
    unit: UnitOfWork, job: str, judged: Sequence[Judged], *, sights: Sights | None, answers: Answers, now: datetime
) -> None:
    events = keep(unit, judged, now)
    unknowns = [unknown for each in judged for unknown in each.snapshot.unknowns()]
    first = looked_event(job, [each.snapshot.server.name for each in judged], unknowns, now)
    if sights:
        events += _keep_sights(unit, sights, now)
    unit.keep_advisories(answers.fetched)
    unit.keep_health([*answers.health, *(sights.health if sights else ())])
    unit.keep_evidence([*answers.evidence, *(sights.evidence if sights else ())])
    unit.commit(first, *events)


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
    unit.keep_verifications([claim for claims in sights.verified.values() for claim in claims], now)
    events += [verified_event(purl, claims, now) for purl, claims in sights.verified.items()]
    return events


def release_event(known: KnownRelease, now: datetime) -> AuditEvent:
    """Audit that a version appeared."""
    digests = ", ".join(sorted(map(str, known.release.digests.values())))[:2000]
    return AuditEvent(now, ACTOR, "release.seen", str(known.release.purl), {"digests": digests})


def verified_event(purl: Purl, claims: Sequence[Verification], now: datetime) -> AuditEvent:
    """Audit what was decided about a version's files."""
    counted = Counter(f"{claim.form.value}: {claim.verdict.value}" for claim in claims)
    return AuditEvent(now, ACTOR, "release.verified", str(purl), {what: str(count) for what, count in counted.items()})
