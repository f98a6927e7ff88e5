"""How the places are doing where people decide, as the health table has it."""

from monitor.app import App
from monitor.domain.audit import AuditEvent
from monitor.domain.health import heard
from monitor.jobs.outcome import ACTOR
from monitor.ports.store import UnitOfWork

REVIEWS = "reviews:"
"""Begins the names of what decisions are read from."""
PROPOSED = "github-pull-request"
"""The writer whose proposals are read."""


def read_sources(app: App) -> frozenset[str]:
    """Return the names, in the health table, of what decisions are read from."""
    proposed = {PROPOSED} if app.proposals else set()
    return frozenset(REVIEWS + name for name in {app.tickets.name, *proposed})


def keep_health(unit: UnitOfWork, *, app: App, source: str, problem: str | None) -> None:
    """Note an answer or a silence; an answer after an answer is no news, and a row each time would be."""
    now = app.clock()
    before = unit.health().get(source)
    if problem is None and (before is None or before.failing_since is None):
        return
    unit.keep_health([heard(before, source, now, problem)])
    verb = "tickets.unread" if problem else "tickets.read"
    unit.commit(AuditEvent(now, ACTOR, verb, source, {"error": problem[:500]} if problem else {}))
