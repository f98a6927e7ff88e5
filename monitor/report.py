"""What a run says at its end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from monitor.app import MIRROR, App
from monitor.domain.advisory import OSV
from monitor.domain.audit import AuditEvent
from monitor.domain.finding import Tracked
from monitor.domain.health import SourceHealth
from monitor.domain.review import State
from monitor.domain.server import Entry, Registry
from monitor.domain.unknown import Reason, Unknown
from monitor.domain.waiver import Waiver
from monitor.jobs.answer_for import policy_of
from monitor.jobs.check_ourselves import asked
from monitor.jobs.outcome import ACTOR, Outcome
from monitor.jobs.overview import ServerLine, overview
from monitor.jobs.recall import INVENTORY, recall, sources_of
from monitor.jobs.record import SERVER
from monitor.jobs.ticket_health import REVIEWS
from monitor.policy.lanes import answered_by_rejection, live_findings
from monitor.ports.store import UnitOfWork

GATE = "gate:"
"""Begins the names of closed hosts in the health table."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a run says at its end."""

    jobs: tuple[str, ...]
    servers: tuple[ServerLine, ...]
    findings: tuple[Tracked, ...]
    """Open now, worst first."""
    waived: frozenset[str]
    """Fingerprints of those that somebody answers for."""
    unknowns: tuple[Unknown, ...]
    """What could not be checked, and what no source covers."""
    problems: tuple[str, ...]
    exit_code: int
    """0 quiet, 1 findings at or above the threshold, 2 wrong usage or configuration, 3 something could not be checked."""
    interrupted: bool = False
    acknowledged: Mapping[str, Waiver] = field(default_factory=dict)
    """By fingerprint: who works on an open finding."""


@dataclass(slots=True)
class Going:
    """What gathers while the jobs of a run go on."""

    unknowns: list[Unknown] = field(default_factory=list)
    by_server: dict[str, tuple[Unknown, ...]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    interrupted: bool = False

    def add(self, outcome: Outcome) -> None:
        """Join a job's outcome; of a server that several jobs saw, every unknown counts."""
        for name, found in outcome.by_server.items():
            self.by_server[name] = tuple(dict.fromkeys((*self.by_server.get(name, ()), *found)))
            self.unknowns += found
        self.unknowns += outcome.unknowns
        self.problems += outcome.problems


def conclude(
    unit: UnitOfWork,
    *,
    app: App,
    jobs: Sequence[str],
    entries: Mapping[str, Entry],
    registry: Registry,
    going: Going,
    lines: bool,
) -> Report:
    """Sum the run up from what is kept, and audit the end. Without `lines` nothing is written for a table that nobody sees."""
    now = app.clock()
    everything = len(entries) == len(registry.entries)
    found = [each for each in unit.findings(None if everything else set(entries)) if each.open]
    policy = policy_of(unit, app.policy, now)
    live = {each.finding.fingerprint for each in live_findings(policy, found, now)}
    # Memory knows that a source fails, whoever asked it knows why: that is one thing that could not be checked.
    failing = (*going.unknowns, *_still_failing(unit, app, jobs, registry))
    unknowns = tuple({(each.source, each.detail): each for each in failing}.values())
    blind = any(unknown.reason is not Reason.NOT_COVERED for unknown in unknowns) or bool(going.problems)
    rejected = {each.candidate.purl for each in unit.reviews(set(entries)) if each.state is State.REJECTED}
    loud = any(
        each.finding.severity >= app.policy.exit_at and not answered_by_rejection(each.finding, rejected)
        for each in found
        if each.finding.fingerprint in live
    )
    recalled = recall(unit, entries.values(), inventories=app.inventories) if lines else None
    database = next((source.name for source in app.advisories if source.database == OSV), "")
    report = Report(
        jobs=tuple(jobs),
        servers=overview(recalled, now, going.by_server, database=database) if recalled else (),
        findings=tuple(sorted(found, key=lambda each: -each.finding.severity.rank)),
        waived=frozenset(each.finding.fingerprint for each in found) - live,
        unknowns=unknowns,
        problems=tuple(going.problems),
        exit_code=3 if blind else 1 if loud else 0,
        interrupted=going.interrupted,
        acknowledged={
            each.finding.fingerprint: given for each in found if (given := policy.acknowledgement(each.finding, now))
        },
    )
    detail = {"exit": str(report.exit_code), "unknown": str(len(unknowns)), "findings": str(len(found))}
    unit.commit(AuditEvent(now, ACTOR, "run.finished", app.claimant, detail))
    return report


def _still_failing(unit: UnitOfWork, app: App, jobs: Sequence[str], registry: Registry) -> list[Unknown]:
    """Return what an earlier run could not check and nobody has checked since: a run that did not look is no all-clear."""
    failing = [
        each
        for name, each in unit.health().items()
        if each.failing_since and asked(app, registry, name) and not _asks(app, name) & set(jobs)
    ]
    return [Unknown(Reason.UNAVAILABLE, each.source, f"{each.detail} (an earlier run)") for each in failing]


def _asks(app: App, name: str) -> set[str]:
    """Return the jobs that ask the source of that name in the health table."""
    if name.startswith(INVENTORY):
        return {"fleet"}
    if name.startswith(REVIEWS):
        return {"reviews"}
    if name.startswith(MIRROR):
        return {"mirror"}
    if name in {source.name for source in app.risks}:
        return {"risks"}
    batched = {source.name for source in app.advisories if source.batched}
    return {"releases", "advisories"} if name in batched else {"releases"}


def still_unknown(registry: Registry, health: Mapping[str, SourceHealth]) -> dict[str, tuple[Unknown, ...]]:
    """Return by server what the last look at it could not check."""
    found: dict[str, tuple[Unknown, ...]] = {}
    for entry in registry.entries:
        asked_of = [SERVER + entry.server.name, *(package.type for package in sources_of(entry.server))]
        failing = [each for name in asked_of if (each := health.get(name)) and each.failing_since]
        found[entry.server.name] = tuple(
            Unknown(Reason.UNAVAILABLE, each.source.removeprefix(SERVER), each.detail) for each in failing
        )
    return found


def keep_gates(unit: UnitOfWork, *, gates: Mapping[str, datetime], now: datetime) -> None:
    """Keep until when hosts are not to be asked."""
    unit.keep_health([SourceHealth(GATE + host, None, None, "", until) for host, until in gates.items()])
    closed = {host: until.isoformat() for host, until in gates.items()}
    unit.commit(AuditEvent(now, ACTOR, "hosts.closed", ", ".join(sorted(gates))[:500], closed))


def unusable(jobs: Sequence[str], *problems: str) -> Report:
    """Report that nothing was watched, and why."""
    return Report(tuple(jobs), (), (), frozenset(), (), problems, 2)
