"""The monitor watches itself: silent sources, unreadable entries, messages that were given up, old trust roots."""

from datetime import datetime

from monitor.app import App
from monitor.domain.action import Action, CommentTicket, OpenTicket, SendAlert
from monitor.domain.audit import AuditEvent
from monitor.domain.finding import track
from monitor.domain.health import Undeliverable
from monitor.domain.server import Registry
from monitor.domain.snapshot import Ourselves
from monitor.domain.unknown import Unknown
from monitor.jobs.outcome import ACTOR, Outcome, finding_events
from monitor.policy import tell
from monitor.ports.store import UnitOfWork
from monitor.rules import OWN_RULES


async def check_ourselves(app: App, registry: Registry | Unknown) -> Outcome:
    """The monitor's own blindness: silent sources, unreadable entries, undeliverable messages, old trust roots."""
    now = app.clock()
    await app.store.run(lambda unit: _record(unit, app, registry, now))
    return Outcome()


def _record(unit: UnitOfWork, app: App, registry: Registry | Unknown, now: datetime) -> None:
    given_up = tuple(Undeliverable(queued.action.key, in_words(queued.action), error) for queued, error in unit.dead())
    health = tuple(unit.health().values())
    ourselves = Ourselves(
        registry,
        health,
        given_up,
        now,
        app.policy.silent_after,
        trust_roots=app.verifier.roots(),
        roots_old_after=app.policy.roots_old_after,
    )
    rules = {rule.__name__.replace("_", "-") for rule in OWN_RULES}
    known = {each.finding.fingerprint: each for each in unit.findings() if each.finding.rule in rules}
    delta = track(known, [verdict for rule in OWN_RULES for verdict in rule(ourselves)], now)
    rows, alerts = tell(app.policy, None, delta, now)
    if not rows and not alerts:
        return
    unit.keep_findings(rows)
    unit.queue(alerts, now)
    open_now = AuditEvent(now, ACTOR, "ourselves.looked", "mcp-monitor", {"open": str(len(delta.open))})
    unit.commit(open_now, *finding_events(delta, now))


def in_words(action: Action) -> str:
    """Say in a few words what an action would have told."""
    match action:
        case OpenTicket():
            return f"ticket: {action.title}"
        case CommentTicket():
            return f"comment in the ticket of {action.server}"
        case SendAlert():
            return f"message to {action.channel}: {action.title}"
