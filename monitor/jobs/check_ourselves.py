"""The monitor watches itself: silent sources, unreadable entries, messages that were given up, old trust roots."""

from datetime import datetime, timedelta

from monitor.app import App
from monitor.domain.action import (
    Action,
    CommentTicket,
    ListServer,
    MoveTicket,
    OpenTicket,
    RetireServer,
    SendAlert,
    SendEvent,
    UpdateAlert,
    UpdateTicket,
    WritePin,
)
from monitor.domain.audit import AuditEvent
from monitor.domain.finding import track
from monitor.domain.health import Undeliverable
from monitor.domain.server import Registry
from monitor.domain.snapshot import Ourselves
from monitor.domain.unknown import Unknown
from monitor.jobs.answer_for import policy_of
from monitor.jobs.outcome import ACTOR, Outcome, finding_events
from monitor.jobs.recall import INVENTORY, sources_of
from monitor.jobs.record import SERVER
from monitor.jobs.ticket_health import REVIEWS, read_sources
from monitor.policy.telling import tell
from monitor.ports.store import UnitOfWork
from monitor.rules import OWN_RULES, rule_id

LATE = timedelta(days=1)
"""What could not be delivered for so long is a finding; it is tried on."""


async def check_ourselves(app: App, registry: Registry | Unknown) -> Outcome:
    """The monitor's own blindness: silent sources, unreadable entries, undeliverable messages, old trust roots."""
    now = app.clock()
    await app.store.run(lambda unit: _record(unit, app, registry, now))
    return Outcome()


def _record(unit: UnitOfWork, app: App, registry: Registry | Unknown, now: datetime) -> None:
    unit.alone()
    late = unit.undelivered(now - LATE)
    given_up = tuple(Undeliverable(queued.action.key, in_words(queued.action), error) for queued, error in late)
    health = tuple(each for name, each in unit.health().items() if asked(app, registry, name))
    ourselves = Ourselves(
        registry,
        health,
        given_up,
        now,
        app.policy.silent_after,
        trust_roots=app.verifier.roots(),
        roots_old_after=app.policy.roots_old_after,
    )
    rules = {rule_id(rule) for rule in OWN_RULES}
    known = {each.finding.fingerprint: each for each in unit.findings() if each.finding.rule in rules}
    delta = track(known, [verdict for rule in OWN_RULES for verdict in rule(ourselves)], now)
    told = tell(policy_of(unit, app.policy, now), None, delta, now)
    if not told.rows and not told.alerts:
        return
    unit.keep_findings(told.rows)
    unit.queue(told.alerts, now)
    open_now = AuditEvent(now, ACTOR, "ourselves.looked", "mcp-monitor", {"open": str(len(delta.open))})
    unit.commit(open_now, *finding_events(delta, now))


def asked(app: App, registry: Registry | Unknown, name: str) -> bool:
    """Whether a row of the health table is about something that is (still) asked; what was removed from the configuration is not."""
    if name.startswith(INVENTORY):
        return name.removeprefix(INVENTORY) in app.inventories
    if name.startswith(REVIEWS):
        return name in read_sources(app)
    if name.startswith(SERVER):
        listed = () if isinstance(registry, Unknown) else (entry.server.name for entry in registry.entries)
        return name.removeprefix(SERVER) in set(listed)
    if isinstance(registry, Unknown):
        return name in {*app.releases, *app.lists}
    polled = {package.type for entry in registry.entries for package in sources_of(entry.server)}
    return name in ({*app.releases} & polled) | app.lists


def in_words(action: Action) -> str:
    """Say in a few words what an action would have told."""
    match action:
        case OpenTicket():
            return f"ticket: {action.title}"
        case UpdateTicket() | CommentTicket() | MoveTicket():
            return f"{_DEEDS[type(action)]} the ticket of {action.server}"
        case SendAlert() | UpdateAlert():
            return f"message to {action.channel}: {action.title}"
        case WritePin():
            return f"approval of {action.approval.pin.purl} into the registry"
        case ListServer() | RetireServer():
            return f"entry of {action.server} in the registry"
        case SendEvent():
            return f"event to {action.sink}"


_DEEDS = {UpdateTicket: "news in", CommentTicket: "comment in", MoveTicket: "new status of"}
