"""Read this first: the loop of the program, for one batch of servers.

    recall what is known  ->  look at the sources  ->  judge each server alone, and record all of it, in one transaction

`check_releases` asks everything; `check_advisories` asks the advisory source alone, and judges the rest from memory.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from monitor.app import App
from monitor.domain.advisory import Question
from monitor.domain.candidate import unreviewed
from monitor.domain.purl import Purl
from monitor.domain.review import OPEN
from monitor.domain.risk import Risks
from monitor.domain.server import Entry
from monitor.domain.snapshot import Snapshot
from monitor.domain.unknown import NOT_ASKED, Unknown
from monitor.jobs.ask_advisories import Answers, ask
from monitor.jobs.find_dependencies import Found, brought_along, find_dependencies
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
    asked = {each.server.name: _versions(each, recalled) for each in snapshots}
    found = await find_dependencies(app, asked, snapshots, registries=sights is not None)
    questions = {purl: _question(each, purl) for each in snapshots for purl in asked[each.server.name]}
    questions |= {purl: Question(purl) for purl in brought_along(found) if purl not in questions}
    answers = await ask(app, tuple(questions.values()), recalled.health, app.clock(), batched=sights is None)
    complete = [_advised(app, each, asked[each.server.name], found, answers) for each in snapshots]
    failed = await app.store.run(
        lambda unit: record(unit, app, job, complete, sights=sights, found=found, answers=answers)
    )
    unknowns = {each.server.name: each.unknowns() if sights else _unadvised(each) for each in complete}
    return Outcome(unknowns, (*answers.unknowns, *failed))


def _versions(snapshot: Snapshot, recalled: Recalled) -> frozenset[Purl]:
    """What is asked about: the approved version, each deployed one, and each that is up for review.

    An open review alone is no reason: its version may run nowhere any more, and then there is nothing left to decide.
    """
    name, found = snapshot.server.name, set[Purl]()
    if isinstance(snapshot.package, Unknown):
        # What is up for review cannot be told now; what was said of it stands, and is asked about, until it can.
        found |= {review.candidate.purl for review in recalled.reviews.get(name, ()) if review.state in OPEN}
        open_now = (each.finding.about for each in recalled.findings.get(name, {}).values() if each.open)
        found |= {about for about in open_now if about and about.version}
    if snapshot.approval:
        found.add(snapshot.approval.pin.purl)
    if snapshot.submission and snapshot.submission.candidate.purl.version:
        found.add(snapshot.submission.candidate.purl)
    if not isinstance(snapshot.deployments, Unknown):
        found |= {runs for each in snapshot.deployments if (runs := each.runs) and runs.version}
    if not isinstance(snapshot.package, Unknown):
        found |= {known.release.purl for known in unreviewed(snapshot.approval, snapshot.package)}
    return frozenset(found)


def _question(snapshot: Snapshot, purl: Purl) -> Question:
    """Where the source of the version is, and which state of it: what is pinned, else what its tag points at."""
    pinned = snapshot.approval.pin.digests if snapshot.approval and snapshot.approval.pin.purl == purl else frozenset()
    commit = next((digest for digest in sorted(pinned, key=str) if digest.algorithm == "gitCommit"), None)
    known = None if isinstance(snapshot.package, Unknown) else snapshot.package.known.get(purl.version or "")
    return Question(purl, snapshot.server.repository, commit or (known.release.commit if known else None))


def _advised(app: App, snapshot: Snapshot, versions: frozenset[Purl], found: Found, answers: Answers) -> Snapshot:
    """Put what the databases said, of the versions and of what they bring along, into the snapshot."""
    own = {purl: found.by_version[purl] for purl in sorted(versions, key=lambda each: each.version or "")}
    brought = [each.purl for known in own.values() if not isinstance(known, Unknown) for each in known.found]
    return replace(
        snapshot,
        advisories={purl: answers.advised[purl] for purl in (*own, *brought)},
        dependencies=own,
        risks=Risks(answers.risks, app.policy.epss_at),
        asked=versions,
    )


def _unadvised(snapshot: Snapshot) -> tuple[Unknown, ...]:
    """What the advisory sources alone did not say; the rest of the snapshot is memory, and another job's question."""
    answers = snapshot.advisories
    if isinstance(answers, Unknown):
        return (answers,)
    unread = (each for each in snapshot.dependencies.values() if isinstance(each, Unknown) and each is not NOT_ASKED)
    return tuple(dict.fromkeys((*(each for advised in answers.values() for each in advised.failed), *unread)))
