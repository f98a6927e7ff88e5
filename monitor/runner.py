"""One run: which jobs, on which servers, in which order, and what came of it. Every driver (cron, scheduler) calls this."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from difflib import get_close_matches
from functools import partial
from itertools import repeat
from typing import Protocol

from monitor.app import App
from monitor.claims import claim, dead, give_back
from monitor.domain.audit import AuditEvent
from monitor.domain.finding import Delta, Tracked
from monitor.domain.server import Entry, Registry
from monitor.domain.unknown import Reason, Unknown
from monitor.jobs.check_fleet import check_fleet
from monitor.jobs.check_ourselves import check_ourselves
from monitor.jobs.check_servers import check_advisories, check_releases
from monitor.jobs.deliver import deliver
from monitor.jobs.escalate import escalate
from monitor.jobs.hand_over import hand_over
from monitor.jobs.outcome import ACTOR, Outcome, review_event
from monitor.jobs.quarterly import ask_owners
from monitor.jobs.quarterly_answers import hear_owners
from monitor.jobs.read_risks import read_risks
from monitor.jobs.refresh_mirror import refresh_mirror
from monitor.jobs.refresh_roots import refresh_roots
from monitor.jobs.send_digest import send_digest
from monitor.jobs.send_weekly import send_weekly
from monitor.jobs.sign_checkpoint import sign_checkpoint
from monitor.jobs.submissions import with_submitted
from monitor.jobs.sync_reviews import sync_reviews
from monitor.policy.campaigns import emptied
from monitor.policy.ending import let_go
from monitor.policy.telling import tell
from monitor.ports.errors import SourceError
from monitor.ports.store import UnitOfWork
from monitor.report import GATE, Going, Report, conclude, keep_gates, unusable

SERVER_JOBS: Mapping[str, Callable[[App, Collection[Entry]], Awaitable[Outcome]]] = {
    "releases": check_releases,
    "advisories": check_advisories,
}
"""Claimed server by server, in batches, so that two processes never look at one server at once."""
PLAIN_JOBS: Mapping[str, Callable[[App], Awaitable[Outcome]]] = {
    "reviews": sync_reviews,
    "mirror": refresh_mirror,
    "risks": read_risks,
    "escalate": escalate,
    "siem": hand_over,
    "checkpoints": sign_checkpoint,
    "deliver": deliver,
    "digest": send_digest,
    "weekly": send_weekly,
    "roots": refresh_roots,
    "quarterly": ask_owners,
    "owners": hear_owners,
}
"""Those that need nothing but the program's ports."""
JOBS: Mapping[str, Callable[..., Awaitable[Outcome]]] = {
    "fleet": check_fleet,
    **SERVER_JOBS,
    "health": check_ourselves,
    **PLAIN_JOBS,
}
"""Every job by name; the first line of its docstring says what it does."""
FULL = ("reviews", "fleet", "mirror", "risks", "releases", "health", "escalate", "siem", "deliver")
"""What one full check does. `releases` asks about advisories, too; `advisories` alone is for a shorter schedule."""


class Progress(Protocol):
    """Whoever shows how far a run has come."""

    def start(self, job: str, total: int) -> None:
        """Announce a job of so many servers (0: not counted)."""

    def step(self, job: str, done: int) -> None:
        """Say that so many more are done."""

    def end(self, job: str) -> None:
        """Say that the job is over."""


class Silent:
    """Shows nothing."""

    def start(self, job: str, total: int) -> None:
        """Show nothing."""

    def step(self, job: str, done: int) -> None:
        """Show nothing."""

    def end(self, job: str) -> None:
        """Show nothing."""


async def run(
    app: App,
    jobs: Sequence[str] = FULL,
    *,
    servers: Collection[str] | None = None,
    forced: bool = True,
    progress: Progress | None = None,
    stopping: Callable[[], bool] = lambda: False,
    lines: bool = True,
) -> Report:
    """Run the jobs in order. `servers` None: all. Forced: due or not. `stopping` is asked between batches. `lines`: for a table.

    A run that is cancelled gives its claims back; whatever was recorded stays, and repeating it does no harm.
    """
    shown = progress or Silent()
    registry = await _read_registry(app)
    if isinstance(registry, Unknown):
        return await _without_registry(app, jobs, registry)
    await app.store.run(partial(_begin, app=app, jobs=jobs, registry=registry))
    registry = await app.store.run(partial(with_submitted, registry=registry))
    entries = {entry.server.name: entry for entry in registry.entries}
    if missing := [name for name in servers or () if name not in entries]:
        near = get_close_matches(missing[0], entries, n=1, cutoff=0.3)
        hint = f"; did you mean {near[0]}?" if near else ""
        return unusable(jobs, f"{registry.path} lists no server named {missing[0]}{hint}")
    chosen = {name: entry for name, entry in entries.items() if servers is None or name in servers}
    going = Going(
        problems=[f"{registry.path}, line {each.line}: {each.name}: {each.message}" for each in registry.problems]
    )
    async with app.edge.session():
        app.edge.close(await app.store.run(_closed_gates))
        for job in jobs:
            going.interrupted = going.interrupted or stopping()
            if going.interrupted:
                break
            shown.start(job, len(chosen) if job in SERVER_JOBS else 0)
            await _job(app, job, chosen, registry, going, forced=forced, progress=shown, stopping=stopping)
            await _keep_gates(app)
            shown.end(job)
    asked = partial(conclude, app=app, jobs=jobs, entries=chosen, registry=registry, going=going, lines=lines)
    return await app.store.run(asked)


async def _without_registry(app: App, jobs: Sequence[str], registry: Unknown) -> Report:
    """Watch nothing, and let that be heard: the monitor's own finding is made and delivered."""
    problems = [str(registry)]
    async with app.edge.session():
        app.edge.close(await app.store.run(_closed_gates))
        if "health" in jobs:
            await check_ourselves(app, registry)
        if "deliver" in jobs:
            problems += (await deliver(app)).problems
    return unusable(jobs, *problems)


async def _keep_gates(app: App) -> None:
    """Keep at once what a host has asked for: a run that is killed must not forget it."""
    if gates := app.edge.gates():
        await app.store.run(partial(keep_gates, gates=gates, now=app.clock()))


async def _job(
    app: App,
    job: str,
    chosen: Mapping[str, Entry],
    registry: Registry,
    going: Going,
    *,
    forced: bool,
    progress: Progress,
    stopping: Callable[[], bool],
) -> None:
    match job:
        case "releases" | "advisories":
            await _server_job(app, job, chosen, going, forced=forced, progress=progress, stopping=stopping)
        case "fleet":
            # All entries, whatever was chosen: a deployment of another listed server is no shadow.
            # An entry that cannot be read now is judged as it was when it could.
            outcome = await check_fleet(app, [*registry.entries, *await _as_they_were(app, registry)])
            chosen_only = {name: unknowns for name, unknowns in outcome.by_server.items() if name in chosen}
            going.add(replace(outcome, by_server=chosen_only))
        case "health":
            going.add(await check_ourselves(app, registry))
        case _ if job in PLAIN_JOBS:
            going.add(await PLAIN_JOBS[job](app))
        case _:
            raise ValueError(f"no job named {job!r}; there are {', '.join(JOBS)}")


async def _server_job(
    app: App,
    job: str,
    chosen: Mapping[str, Entry],
    going: Going,
    *,
    forced: bool,
    progress: Progress,
    stopping: Callable[[], bool],
) -> None:
    size, held = app.limits.servers(job), list[str]()
    names = sorted(chosen)
    # Forced: these servers, batch by batch, due or not. Otherwise whatever is due, until nothing is.
    batches = (names[at : at + size] for at in range(0, len(names), size)) if forced else repeat(None)
    for batch in batches:
        if stopping():
            going.interrupted = True
            return
        claimed = await app.store.run(partial(claim, app=app, job=job, batch=batch))
        held += [name for name in batch or () if name not in claimed]
        if claimed:
            await _work(app, job, [chosen[name] for name in claimed if name in chosen], going)
            progress.step(job, len(claimed))
        elif batch is None:
            break
    if held:
        busy = Unknown(Reason.UNAVAILABLE, ACTOR, f"{len(held)} servers are being checked by another process")
        going.unknowns.append(busy)
        going.by_server |= {name: (*going.by_server.get(name, ()), busy) for name in held}


async def _work(app: App, job: str, entries: Sequence[Entry], going: Going) -> None:
    """Do a claimed batch, and give it back whatever happens: due again later when it is done, at once when it is not."""
    again_at = app.clock()
    try:
        going.add(await SERVER_JOBS[job](app, entries))
        again_at = app.clock() + (app.policy.advise_every if job == "advisories" else app.policy.look_every)
    finally:
        names = [entry.server.name for entry in entries]
        await app.store.run(partial(give_back, app=app, job=job, servers=names, again_at=again_at))


async def _read_registry(app: App) -> Registry | Unknown:
    try:
        registry = await asyncio.to_thread(app.registry.read)
    except SourceError as error:
        return error.unknown()
    if not registry.entries and (before := await app.store.run(lambda unit: len(unit.entries()))):
        return Unknown(
            Reason.MALFORMED, registry.path, f"lists no server that can be read, although {before} were listed"
        )
    return registry


async def _as_they_were(app: App, registry: Registry) -> list[Entry]:
    """Return the last good state of the entries that cannot be read now."""
    unreadable = {problem.name for problem in registry.problems} - {entry.server.name for entry in registry.entries}
    if not unreadable:
        return []
    known = await app.store.run(lambda unit: unit.entries())
    return [entry for name, entry in known.items() if name in unreadable]


def _begin(unit: UnitOfWork, *, app: App, jobs: Sequence[str], registry: Registry) -> None:
    """Enrol the servers, drop the claims of dead processes, and note what changed in the registry since the last run."""
    unit.alone()
    now = app.clock()
    before = unit.entries()
    events = [
        AuditEvent(now, ACTOR, "run.started", app.claimant, {"jobs": ", ".join(jobs), "registry": registry.sha256})
    ]
    # An entry that cannot be read keeps its last good state in the history; it is reported, not forgotten.
    unreadable = {problem.name for problem in registry.problems}
    entries = [*registry.entries, *(entry for name, entry in before.items() if name in unreadable)]
    changed = [entry for entry in entries if _differs(before.get(entry.server.name), entry)]
    gone = sorted(set(before) - {entry.server.name for entry in entries})
    if changed or gone:
        unit.keep_entries(entries, now)
        events += [_entry_event(entry, before.get(entry.server.name), now) for entry in changed]
        events += [AuditEvent(now, ACTOR, "registry.entry-removed", name, {}) for name in gone]
        resolved, ended, said = let_go(unit.findings(gone), unit.reviews(gone), now)
        unit.keep_findings(resolved)
        living = unit.reviews_in({each.mark for each in ended if each.campaign})
        unit.keep_reviews(ended)
        unit.queue([*said, *emptied(ended, living)], now)
        _say_gone(unit, app, resolved, before, now)
        events += [review_event(review, now) for review in ended]
    for job in SERVER_JOBS:
        unit.enrol(job, [entry.server.name for entry in with_submitted(unit, registry).entries], now)
    unit.break_claims(dead(unit.claimants(), own=app.claimant))
    unit.commit(*events)


def _say_gone(
    unit: UnitOfWork, app: App, resolved: Collection[Tracked], before: Mapping[str, Entry], now: datetime
) -> None:
    """Tell those who were told of a server that it is over, because nobody watches it any more."""
    for name in {each.finding.server for each in resolved}:
        over = [
            replace(each, note="it is not in the registry any more") for each in resolved if each.finding.server == name
        ]
        told = tell(app.policy, before[name].server if name in before else None, Delta(resolved=tuple(over)), now)
        unit.keep_findings(told.rows)
        unit.queue(told.alerts, now)


def _differs(before: Entry | None, now: Entry) -> bool:
    return before is None or (before.server, before.approval) != (now.server, now.approval)


def _entry_event(entry: Entry, before: Entry | None, now: datetime) -> AuditEvent:
    approval = entry.approval
    detail = {
        "approved": str(approval.pin.purl) if approval else "none",
        "by": approval.approved_by if approval else "",
    }
    if approval:
        detail |= {"pin": approval.pin.fingerprint, "ticket": approval.ticket}
    if before and before.approval:
        detail["before"] = str(before.approval.pin.purl)
    return AuditEvent(
        now, ACTOR, "registry.entry-changed" if before else "registry.entry-added", entry.server.name, detail
    )


def _closed_gates(unit: UnitOfWork) -> dict[str, datetime]:
    health = unit.health().values()
    return {each.source.removeprefix(GATE): each.closed_until for each in health if each.closed_until}
