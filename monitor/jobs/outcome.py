"""What a job tells its driver, and how it is judged and recorded."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from monitor.domain.action import Action
from monitor.domain.audit import AuditEvent
from monitor.domain.finding import Delta, Finding, Tracked, track
from monitor.domain.review import Review
from monitor.domain.snapshot import Snapshot
from monitor.domain.unknown import Unknown
from monitor.policy.deciding import Decision, decide
from monitor.policy.settings import Policy
from monitor.ports.store import UnitOfWork
from monitor.rules import SERVER_RULES

ACTOR = "mcp-monitor"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one batch, or one job without batches, brought. `problems` are sentences for a person."""

    by_server: Mapping[str, tuple[Unknown, ...]] = field(default_factory=dict)
    """What this job asked about a server and did not learn; every server that it looked at is here."""
    unknowns: tuple[Unknown, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """A server after its rules and the policy."""

    snapshot: Snapshot
    delta: Delta
    decision: Decision


def judge(policy: Policy, snapshot: Snapshot, known: Mapping[str, Tracked], reviews: Sequence[Review]) -> Judged:
    """Run every rule on one server, join the findings with what is known, and decide what follows."""
    seen = replace(snapshot, opened={name: each for name, each in known.items() if each.open}, terms=policy.terms)
    verdicts = [verdict for rule in SERVER_RULES for verdict in rule(seen)]
    delta = track(known, verdicts, seen.taken_at)
    return Judged(seen, delta, decide(policy, seen, delta, reviews))


def keep(unit: UnitOfWork, judged: Iterable[Judged], now: datetime) -> list[AuditEvent]:
    """Keep findings, reviews and actions of a batch; return what is to be audited."""
    events: list[AuditEvent] = []
    tracked: list[Tracked] = []
    reviews: list[Review] = []
    actions: list[Action] = []
    for each in judged:
        tracked += each.decision.tracked
        reviews += each.decision.reviews
        actions += each.decision.actions
        events += finding_events(each.delta, now)
    events += [review_event(review, now) for review in reviews]
    unit.keep_findings(tracked)
    unit.keep_reviews(reviews)
    unit.queue(actions, now)
    return events


def finding_events(delta: Delta, now: datetime) -> list[AuditEvent]:
    """Audit what became of findings."""
    return [
        AuditEvent(
            now,
            ACTOR,
            f"finding.{verb}",
            each.finding.server,
            {
                "rule": each.finding.rule,
                "subject": each.finding.subject,
                "severity": each.finding.severity.value,
                "fingerprint": each.finding.fingerprint,
                "summary": each.finding.summary[:500],
                "confidence": each.finding.confidence.value,
                **({"version": str(each.finding.about)} if each.finding.about else {}),
                **({"identifiers": named} if (named := _identifiers(each.finding)) else {}),
                **({"note": each.note[:500]} if each.note else {}),
            },
        )
        for verb, group in (
            ("opened", delta.opened),
            ("recurred", delta.recurred),
            ("changed", delta.changed),
            ("resolved", delta.resolved),
        )
        for each in group
    ]


def _identifiers(finding: Finding) -> str:
    return next((fact.value[:500] for fact in finding.facts if fact.label == "identifiers"), "")


def review_event(review: Review, now: datetime) -> AuditEvent:
    """Audit a review's new state."""
    detail = {"version": str(review.candidate.purl), "pin": review.candidate.fingerprint, "review": review.fingerprint}
    if review.ticket:
        detail["ticket"] = review.ticket
    return AuditEvent(now, ACTOR, f"review.{review.state.value}", review.server, detail)


def looked_event(job: str, servers: Collection[str], unknowns: Collection[Unknown], now: datetime) -> AuditEvent:
    """Audit that a batch was looked at: the proof that silence was earned."""
    detail = {"servers": str(len(servers)), "unknown": str(len(unknowns))}
    return AuditEvent(now, ACTOR, f"{job}.looked", ", ".join(sorted(servers))[:2000], detail)
