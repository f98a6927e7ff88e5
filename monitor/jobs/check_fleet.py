"""What is deployed, compared with the registry."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from monitor.app import App
from monitor.domain.advisory import Question
from monitor.domain.audit import AuditEvent
from monitor.domain.deployment import FORGOTTEN_AFTER, HostReport, Inventory
from monitor.domain.finding import Delta, Unseen, track
from monitor.domain.health import SourceHealth, heard
from monitor.domain.server import Entry
from monitor.domain.snapshot import Fleet, Snapshot
from monitor.domain.text import one_line
from monitor.domain.unknown import Reason, Unknown
from monitor.domain.version_range import ADVISORY_TYPES
from monitor.jobs.answer_for import policy_of
from monitor.jobs.ask_advisories import Answers, ask
from monitor.jobs.bulkhead import concurrently, guarded
from monitor.jobs.burst import together
from monitor.jobs.hosts import with_hosts
from monitor.jobs.outcome import ACTOR, Outcome, finding_events, keep, looked_event
from monitor.jobs.recall import INVENTORY, Recalled, recall, snapshot_of
from monitor.jobs.record import judge_all
from monitor.policy.telling import tell
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
    answers = await app.store.run(lambda unit: _keep_inventories(unit, answers, now))
    # 2. Judge every server, and whatever belongs to none.
    recalled = await app.store.run(lambda unit: recall(unit, entries, inventories=app.inventories, strangers=True))
    snapshots = [snapshot_of(recalled, entry, now) for entry in recalled.entries]
    # 3. Nobody else asks about what is on no list, and malware is no less malware there.
    strangers = await ask(app, _strangers(recalled), recalled.health, now, batched=True)
    failed = await app.store.run(lambda unit: _record(unit, app, recalled, snapshots, strangers=strangers, now=now))
    problems = [problem for answer in answers.values() if isinstance(answer, Inventory) for problem in answer.problems]
    return Outcome(
        {each.server.name: recalled.inventory_gaps for each in snapshots},
        (*(answer for answer in answers.values() if isinstance(answer, Unknown)), *_unadvised(strangers), *failed),
        tuple(problems),
    )


def _unadvised(strangers: Answers) -> list[Unknown]:
    failed = (each for advised in strangers.advised.values() for each in advised.failed)
    return [*dict.fromkeys(failed), *strangers.unknowns]


def _strangers(recalled: Recalled) -> list[Question]:
    unlisted = recalled.fleet.unlisted if isinstance(recalled.fleet, Fleet) else ()
    running = {runs for each in unlisted if (runs := each.runs) and runs.version and runs.type in ADVISORY_TYPES}
    return [Question(purl) for purl in running]


def _keep_inventories(
    unit: UnitOfWork, read: Mapping[str, Inventory | Unknown], now: datetime
) -> dict[str, Inventory | Unknown]:
    """Keep what was read; return it as it was taken."""
    before = unit.health()
    heard_at = {(source, report.host): report.reported_at for source, report in unit.hosts()}
    reporting = Counter(source for source, _ in heard_at)
    answers = {name: _emptied(answer, reporting) for name, answer in read.items()}
    health: list[SourceHealth] = []
    events: list[AuditEvent] = []
    for name, answer in answers.items():
        source = INVENTORY + name
        match answer:
            case Unknown():
                health.append(heard(before.get(source), source, now, answer.detail))
                events.append(AuditEvent(now, ACTOR, "inventory.unreadable", name, {"detail": answer.detail}))
            case Inventory():
                known = {host: at for (source, host), at in heard_at.items() if source == answer.source}
                unit.keep_inventory(_to_be_kept(answer, known, now), now)
                health.append(replace(heard(before.get(source), source, now, None), detail=_left_out(answer)))
                events.append(
                    AuditEvent(now, ACTOR, "inventory.read", name, {"deployments": str(len(answer.deployments))})
                )
    unit.forget_inventories(answers.keys(), now)
    if not any(isinstance(answer, Unknown) for answer in answers.values()):
        events += [_forgotten(source, report, now) for source, report in unit.forget_hosts(now - FORGOTTEN_AFTER, now)]
    unit.keep_health(health)
    if events:
        unit.commit(*events)
    return answers


def _left_out(inventory: Inventory) -> str:
    """Say what of an inventory could not be read; empty: nothing is missing."""
    if not inventory.problems:
        return ""
    more = f" (and {len(inventory.problems) - 1} more)" if len(inventory.problems) > 1 else ""
    return f"a part could not be read: {one_line(inventory.problems[0], 300)}{more}"


def _emptied(answer: Inventory | Unknown, reporting: Mapping[str, int]) -> Inventory | Unknown:
    """Take no report at all, where hosts reported before (`reporting`: source -> how many), for a fault: not every host left at once."""
    if isinstance(answer, Unknown) or answer.reports or not (hosts := reporting.get(answer.source, 0)):
        return answer
    one = "1 host" if hosts == 1 else f"{hosts} hosts"
    detail = f"holds no report any more, and {one} reported there; `deployments forget HOST` for each that is no more"
    return Unknown(Reason.UNAVAILABLE, answer.source, detail)


def _to_be_kept(inventory: Inventory, heard_at: Mapping[str, datetime], now: datetime) -> Inventory:
    """Leave out what is no news of its host; and where it is not told whose a problem is, nothing is gone while there is one.

    A report that is too old is one of a host that is no more, although somebody left it lying there. One that is older than what is
    known (`heard_at`: host -> when it was heard of) is no news while something cannot be read: that may be the newer one.
    """
    complete = inventory.complete and (not inventory.problems or bool(inventory.reports))
    old = {
        report.host
        for report in inventory.reports
        if report.reported_at < now - FORGOTTEN_AFTER
        or (not complete and report.reported_at < heard_at.get(report.host, report.reported_at))
    }
    if not old:
        return replace(inventory, complete=complete)
    return replace(
        inventory,
        complete=complete,
        deployments=tuple(each for each in inventory.deployments if each.host not in old),
        reports=tuple(report for report in inventory.reports if report.host not in old),
    )


def _forgotten(source: str, report: HostReport, now: datetime) -> AuditEvent:
    detail = {"inventory": source, "reported_at": report.reported_at.isoformat()}
    return AuditEvent(now, ACTOR, "host.forgotten", report.host, detail)


def _record(
    unit: UnitOfWork,
    app: App,
    recalled: Recalled,
    snapshots: Sequence[Snapshot],
    *,
    strangers: Answers,
    now: datetime,
) -> tuple[Unknown, ...]:
    unit.alone()
    judged, failed = judge_all(unit, app, snapshots)
    events = keep(unit, together(unit, app, judged, now), now)
    unit.keep_advisories(strangers.fetched)
    unit.keep_matches(strangers.named)
    unit.keep_evidence(strangers.evidence)
    unit.keep_health(strangers.health)
    seen = recalled.fleet if isinstance(recalled.fleet, Fleet) else Fleet({}, ())
    fleet = replace(
        with_hosts(unit, seen, recalled.health),
        overdue_at=now - app.policy.host_silent_after,
        advisories=strangers.advised,
    )
    deltas = _about_hosts(unit, fleet, now, blind=bool(recalled.inventory_gaps))
    policy = policy_of(unit, app.policy, now)
    for delta in deltas:
        told = tell(policy, None, delta, now)
        unit.keep_findings(told.rows)
        unit.queue(told.alerts, now)
        events += finding_events(delta, now)
    servers = [each.server.name for each in snapshots]
    unit.commit(looked_event("fleet", servers, recalled.inventory_gaps, now), *events)
    return failed


def _about_hosts(unit: UnitOfWork, fleet: Fleet, now: datetime, *, blind: bool) -> list[Delta]:
    """Findings about unlisted servers and about hosts have no server of the registry: they are known by their rule."""
    known = unit.findings(rules={rule_id(rule) for rule in FLEET_RULES})
    deltas = []
    for rule in FLEET_RULES:
        before = {each.finding.fingerprint: each for each in known if each.finding.rule == rule_id(rule)}
        verdicts = list(rule(fleet))
        if blind:
            verdicts += [
                Unseen(each.finding.rule, each.finding.server, each.finding.subject) for each in before.values()
            ]
        deltas.append(track(before, verdicts, now))
    return deltas
