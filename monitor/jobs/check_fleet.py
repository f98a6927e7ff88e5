"""What is deployed, compared with the registry."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from monitor.app import App
from monitor.domain.audit import AuditEvent
from monitor.domain.deployment import Inventory
from monitor.domain.finding import Delta, Unseen, track
from monitor.domain.health import SourceHealth, heard
from monitor.domain.server import Entry
from monitor.domain.snapshot import Fleet, Snapshot
from monitor.domain.unknown import Unknown
from monitor.jobs.bulkhead import concurrently, guarded
from monitor.jobs.outcome import ACTOR, Outcome, finding_events, keep, looked_event
from monitor.jobs.recall import INVENTORY, Recalled, recall, snapshot_of
from monitor.jobs.record import judge_all
from monitor.policy import tell
from monitor.ports.store import UnitOfWork
from monitor.rules import FLEET_RULES, rule_id


async def check_fleet(app: App, entries: Collection[Entry]) -> Outcome:
    """Deployed versions from client configurations and inventories, compared with the registry."""
    if not app.deployments:
        return Outcome()
    now = app.clock()
    # 1. Read every inventory; one that fails keeps what it last said.
    by_name = {source.name: source for source in app.deployments}
    answers = await concurrently(by_name, lambda name: guarded(name, by_name[name].inventory()), limit=8)
    await app.store.run(lambda unit: _keep_inventories(unit, answers, now))
    # 2. Judge every server, and whatever belongs to none.
    recalled = await app.store.run(lambda unit: recall(unit, entries, inventories=app.inventories))
    snapshots = [snapshot_of(recalled, entry, now) for entry in recalled.entries]
    failed = await app.store.run(lambda unit: _record(unit, app, recalled, snapshots, now))
    problems = [problem for answer in answers.values() if isinstance(answer, Inventory) for problem in answer.problems]
    return Outcome(
        {each.server.name: recalled.inventory_gaps for each in snapshots},
        (*(answer for answer in answers.values() if isinstance(answer, Unknown)), *failed),
        tuple(problems),
    )


def _keep_inventories(unit: UnitOfWork, answers: Mapping[str, Inventory | Unknown], now: datetime) -> None:
    before = unit.health()
    health: list[SourceHealth] = []
    events: list[AuditEvent] = []
    for name, answer in answers.items():
        source = INVENTORY + name
        match answer:
            case Unknown():
                health.append(heard(before.get(source), source, now, answer.detail))
                events.append(AuditEvent(now, ACTOR, "inventory.unreadable", name, {"detail": answer.detail}))
            case Inventory():
                # A line that cannot be read may be about anything that was seen before: nothing is gone while there is one.
                unit.keep_inventory(replace(answer, complete=answer.complete and not answer.problems), now)
                health.append(heard(before.get(source), source, now, None))
                events.append(
                    AuditEvent(now, ACTOR, "inventory.read", name, {"deployments": str(len(answer.deployments))})
                )
    unit.forget_inventories(answers.keys(), now)
    unit.keep_health(health)
    if events:
        unit.commit(*events)


def _record(
    unit: UnitOfWork, app: App, recalled: Recalled, snapshots: Sequence[Snapshot], now: datetime
) -> tuple[Unknown, ...]:
    unit.alone()
    judged, failed = judge_all(unit, app, snapshots)
    events = keep(unit, judged, now)
    fleet = recalled.fleet if isinstance(recalled.fleet, Fleet) else Fleet({}, ())
    shadows = _shadows(unit, fleet, now, blind=bool(recalled.inventory_gaps))
    rows, alerts = tell(app.policy, None, shadows, now)
    unit.keep_findings(rows)
    unit.queue(alerts, now)
    servers = [each.server.name for each in snapshots]
    unit.commit(looked_event("fleet", servers, recalled.inventory_gaps, now), *events, *finding_events(shadows, now))
    return failed


def _shadows(unit: UnitOfWork, fleet: Fleet, now: datetime, *, blind: bool) -> Delta:
    """Findings about unlisted servers have no server of the registry: they are known by their rule."""
    rules = {rule_id(rule) for rule in FLEET_RULES}
    known = {each.finding.fingerprint: each for each in unit.findings() if each.finding.rule in rules}
    verdicts = [verdict for rule in FLEET_RULES for verdict in rule(fleet)]
    if blind:
        verdicts += [Unseen(each.finding.rule, each.finding.server, each.finding.subject) for each in known.values()]
    return track(known, verdicts, now)
