"""Read this first: the loop of the program, for one batch of servers.

    recall what is known  ->  look at the sources  ->  judge each server alone, and record all of it, in one transaction

`check_releases` asks everything; `check_advisories` asks the advisory source alone, and judges the rest from memory.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from monitor.app import App
from monitor.domain.purl import Purl
from monitor.domain.server import Entry
from monitor.domain.snapshot import Snapshot
from monitor.domain.unknown import Unknown
from monitor.jobs.ask_advisories import ask, versions_of
from monitor.jobs.look import Sights, look
from monitor.jobs.outcome import Outcome
from monitor.jobs.recall import NOTHING_PUBLISHED, Recalled, claims_of, recall, snapshot_of
from monitor.jobs.record import record


async def check_releases(app: App, entries: Collection[Entry]) -> Outcome:
    """New versions, their signatures and hashes, and the standing of approved ones at npm, PyPI and GitHub."""
    now = app.clock()
    recalled = await _recall(app, entries)
    sights = await look(app, recalled, now)
    snapshots = [_seen(snapshot_of(recalled, entry, now), sights, recalled) for entry in recalled.entries]
    return await _advise_judge_record(app, "releases", recalled, snapshots, sights)


async def check_advisories(app: App, entries: Collection[Entry]) -> Outcome:
    """Advisories and malware records that name an approved, deployed or candidate version."""
    recalled = await _recall(app, entries)
    snapshots = [snapshot_of(recalled, entry, app.clock()) for entry in recalled.entries]
    return await _advise_judge_record(app, "advisories", recalled, snapshots, None)


async def _recall(app: App, entries: Collection[Entry]) -> Recalled:
    return await app.store.run(lambda unit: recall(unit, entries, inventories=app.inventories))


def _seen(snapshot: Snapshot, sights: Sights, recalled: Recalled) -> Snapshot:
    """Put what was seen in place of what was remembered."""
    server = snapshot.server
    package = sights.packages[server.package].looked if server.package else NOTHING_PUBLISHED
    repository = server.repository if server.repository != server.package else None
    seen = replace(snapshot, package=package, repository=sights.packages[repository].looked if repository else None)
    if isinstance(package, Unknown):
        return replace(seen, verifications=package)
    claims = {**recalled.verifications, **sights.verified}
    return replace(seen, verifications=claims_of(seen, package, claims))


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
    failed = await app.store.run(lambda unit: record(unit, app, job, complete, sights=sights, answers=answers))
    unknowns = {each.server.name: each.unknowns() if sights else _unadvised(each) for each in complete}
    return Outcome(unknowns, (*answers.unknowns, *failed))


def _unadvised(snapshot: Snapshot) -> tuple[Unknown, ...]:
    """What the advisory source alone did not say; the rest of the snapshot is memory, and another job's question."""
    answers = snapshot.advisories
    found = [answers] if isinstance(answers, Unknown) else answers.values()
    return tuple(dict.fromkeys(each for each in found if isinstance(each, Unknown)))
