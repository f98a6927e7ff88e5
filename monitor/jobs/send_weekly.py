"""The weekly digest: what is open, what waits for an answer, and what ends soon. It says nothing when there is nothing."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from monitor.app import App
from monitor.domain.action import SendAlert
from monitor.domain.audit import AuditEvent
from monitor.domain.document import Bullets, Document, Heading
from monitor.domain.finding import Severity, Tracked
from monitor.domain.review import OPEN, Review
from monitor.domain.server import Entry
from monitor.domain.snapshot import Fleet
from monitor.domain.waiver import Waiver
from monitor.jobs.answer_for import policy_of
from monitor.jobs.outcome import ACTOR, Outcome
from monitor.jobs.recall import recall
from monitor.policy.lanes import Lane, lane, live_findings
from monitor.policy.settings import Policy
from monitor.ports.store import UnitOfWork
from monitor.wording import answered_words

LINES = 10
"""Of each part; the rest is counted."""
WAIVERS_WITHIN = timedelta(days=14)
APPROVALS_WITHIN = timedelta(days=30)


async def send_weekly(app: App) -> Outcome:
    """One message a week: open findings by lane, the oldest reviews, what ends soon, and servers that are deployed nowhere."""
    await app.store.run(lambda unit: _record(unit, app))
    return Outcome()


def _record(unit: UnitOfWork, app: App) -> None:
    unit.alone()
    now = app.clock()
    policy = policy_of(unit, app.policy, now)
    entries = list(unit.entries().values())
    found = [each for each in unit.findings() if each.open]
    parts = (
        _findings(policy, found, now),
        _reviews(unit.reviews_open(), now),
        _waivers(policy.waivers, now),
        _approvals(entries, now),
        _unseen(unit, app, entries),
    )
    body: Document = tuple(block for part in parts for block in part)
    key = f"weekly:{now:%G-W%V}"
    if not body or unit.queued(key):
        return
    worst = max((each.finding.severity for each in found), key=lambda severity: severity.rank, default=Severity.INFO)
    unit.queue([SendAlert(key, policy.channel, f"The week {now:%G-W%V}", body, worst.value)], now)
    unit.commit(AuditEvent(now, ACTOR, "weekly.queued", policy.channel, {"findings": str(len(found))}))


def _part(title: str, lines: Sequence[str]) -> Document:
    if not lines:
        return ()
    rest = len(lines) - LINES
    return (Heading(title), Bullets((*lines[:LINES], *([f"and {rest} more"] if rest > 0 else []))))


def _findings(policy: Policy, found: Sequence[Tracked], now: datetime) -> Document:
    live = live_findings(policy, found, now)
    lanes = Counter(lane(policy, each.finding, live) for each in live)
    taken = [each for each in live if policy.acknowledgement(each.finding, now)]
    lines = [f"{lanes[each]} in the lane {each.value}" for each in Lane if lanes[each]]
    lines += [f"{len(taken)} of them acknowledged"] if taken else []
    waived = len(found) - len(live)
    return _part("Open findings", [*lines, *([f"{waived} waived"] if waived else [])])


def _reviews(waiting: Iterable[Review], now: datetime) -> Document:
    lines = [
        f"{review.server} {review.candidate.purl.version or ''} {review.ticket}: {review.state.value}"
        f" for {(now - review.opened_at).days} days"
        for review in sorted(waiting, key=lambda review: review.opened_at)
        if review.state in OPEN
    ]
    return _part("Reviews without an answer, oldest first", lines)


def _waivers(holding: Iterable[Waiver], now: datetime) -> Document:
    soon = [each for each in holding if now < each.expires_at <= now + WAIVERS_WITHIN]
    lines = [
        f"{each.rule} of {each.server}: {answered_words(each)}" for each in sorted(soon, key=lambda it: it.expires_at)
    ]
    return _part(f"Answers that end within {WAIVERS_WITHIN.days} days", lines)


def _approvals(entries: Iterable[Entry], now: datetime) -> Document:
    ending = [
        (approval.expires_at, entry)
        for entry in entries
        if (approval := entry.approval) and approval.expires_at and approval.expires_at <= now + APPROVALS_WITHIN
    ]
    lines = [
        f"{entry.server.name} (owner {entry.server.owner or 'nobody'}): {'expired' if at <= now else 'expires'} {at:%Y-%m-%d}"
        for at, entry in sorted(ending, key=lambda it: (it[0], it[1].server.name))
    ]
    return _part(f"Approvals that end within {APPROVALS_WITHIN.days} days", lines)


def _unseen(unit: UnitOfWork, app: App, entries: Sequence[Entry]) -> Document:
    """Where an inventory could not be read, nothing is said: a server that was not seen may well be there."""
    if not app.inventories or not entries:
        return ()
    known = recall(unit, entries, inventories=app.inventories)
    if not isinstance(known.fleet, Fleet) or known.inventory_gaps:
        return ()
    fleet = known.fleet
    lines = [
        f"{entry.server.name} (owner {entry.server.owner or 'nobody'})"
        for entry in entries
        if entry.approval and not fleet.by_server.get(entry.server.name)
    ]
    return _part("Approved, and seen deployed nowhere", sorted(lines))
