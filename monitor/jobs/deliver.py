"""Empty the outbox: tickets and alerts, at least once, never twice where it can be told.

An action is taken (with a time limit) before the request and settled after it. A process that dies in between leaves it taken; when
the limit has passed it comes back as uncertain. What is uncertain is looked for at the receiver first, and sent again only when it is
not there, after the time that a receiver's search needs to catch up.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial

import structlog

from monitor.app import App
from monitor.domain.action import (
    Action,
    Ambiguous,
    CommentTicket,
    Deferred,
    Delivered,
    Delivery,
    OpenTicket,
    Rejected,
    SendAlert,
)
from monitor.domain.audit import AuditEvent
from monitor.domain.review import OPEN, Happening, Review, advance
from monitor.jobs.check_ourselves import in_words
from monitor.jobs.outcome import ACTOR, Outcome, review_event
from monitor.ports.errors import SourceError
from monitor.ports.store import Queued, UnitOfWork

LEASE = timedelta(minutes=5)
"""How long one delivery may take; after that it counts as perhaps sent."""
CATCH_UP = timedelta(minutes=5)
"""How long a receiver's search may lag behind what it accepted."""
AT_ONCE = 20
SHORT_WAIT = 5.0
"""Seconds. A receiver that asks for less is waited for."""
KEEP_TRYING = timedelta(days=7)
REJECTED_RETRY = timedelta(hours=1)
REJECTED_FOR = timedelta(days=1)
"""A rejection is a configuration to be mended: it is tried again for a day, then given up with a finding."""

log = structlog.get_logger()


async def deliver(app: App) -> Outcome:
    """Send the tickets and messages that wait in the outbox."""
    problems: list[str] = []
    while taken := await app.store.run(partial(_take, app=app)):
        for queued in taken:
            delivery = await _attempt(app, queued)
            if not isinstance(delivery, Delivered):
                problems.append(f"not delivered: {in_words(queued.action)}: {delivery.detail}")
                outcome = type(delivery).__name__.lower()
                log.warning("delivery.failed", key=queued.action.key, outcome=outcome, detail=delivery.detail)
            await app.store.run(partial(_settle, app=app, queued=queued, delivery=delivery))
    return Outcome(problems=tuple(problems))


def _take(unit: UnitOfWork, app: App) -> list[Queued]:
    now = app.clock()
    taken = unit.take(now=now, until=now + LEASE, by=app.claimant, limit=AT_ONCE)
    if taken:
        keys = ", ".join(queued.action.key for queued in taken)
        unit.commit(AuditEvent(now, ACTOR, "outbox.taken", app.claimant, {"keys": keys}))
    return taken


async def _attempt(app: App, queued: Queued) -> Delivery:
    """Deliver one action; a receiver that asks for a short wait gets it."""
    try:
        if queued.uncertain and (found := await _find(app, queued.action)):
            return Delivered(found)
    except SourceError as error:
        return Ambiguous(f"perhaps sent before, and cannot be looked for: {error.detail}")
    delivery = await _send(app, queued)
    if isinstance(delivery, Deferred) and delivery.after_seconds <= SHORT_WAIT:
        await asyncio.sleep(delivery.after_seconds)
        delivery = await _send(app, queued)
    return delivery


async def _find(app: App, action: Action) -> str | None:
    match action:
        case OpenTicket():
            return await app.tickets.find(action.fingerprint)
        case CommentTicket():
            ticket = await app.store.run(partial(_ticket_of, fingerprint=action.fingerprint))
            return await app.tickets.find_comment(ticket, action.key) if ticket else None
        case SendAlert():
            return await app.alerts.find(action)


async def _send(app: App, queued: Queued) -> Delivery:
    action = queued.action
    match action:
        case OpenTicket():
            return await app.tickets.open(action)
        case CommentTicket():
            ticket = await app.store.run(partial(_ticket_of, fingerprint=action.fingerprint))
            if ticket is None:
                return Deferred("its ticket is not open yet", 60.0)
            return await app.tickets.comment(ticket, action)
        case SendAlert():
            return await app.alerts.send(action, repeat=queued.uncertain)


def _ticket_of(unit: UnitOfWork, fingerprint: str) -> str | None:
    review = _review(unit, fingerprint)
    return review.ticket or None if review else None


def _review(unit: UnitOfWork, fingerprint: str) -> Review | None:
    return next((review for review in unit.reviews() if review.mark == fingerprint), None)


def _settle(unit: UnitOfWork, app: App, queued: Queued, delivery: Delivery) -> None:
    now = app.clock()
    waited = now - queued.created_at
    match delivery:
        case Delivered():
            again = None
        case Ambiguous():
            again = now + CATCH_UP if waited < KEEP_TRYING else None
        case Deferred(after_seconds=seconds):
            backoff = min(timedelta(seconds=30) * 2 ** min(queued.attempts, 7), timedelta(hours=1))
            again = now + max(timedelta(seconds=seconds), backoff) if waited < KEEP_TRYING else None
        case Rejected():
            again = now + REJECTED_RETRY if waited < REJECTED_FOR else None
    unit.settle(queued, delivery, now=now, next_try_at=again)
    unit.commit(*_events(unit, app, queued.action, delivery))


def _events(unit: UnitOfWork, app: App, action: Action, delivery: Delivery) -> list[AuditEvent]:
    now = app.clock()
    detail = {"key": action.key, "outcome": type(delivery).__name__.lower()}
    match delivery:
        case Delivered(ref):
            detail["ref"] = ref
        case Deferred(text) | Ambiguous(text) | Rejected(text):
            detail["error"] = text[:500]
    kind = type(action).__name__
    subject = action.channel if isinstance(action, SendAlert) else action.server
    events = [AuditEvent(now, ACTOR, f"delivery.{detail['outcome']}", subject, detail | {"kind": kind})]
    if isinstance(action, OpenTicket) and isinstance(delivery, Delivered):
        review = _review(unit, action.fingerprint)
        if review:
            opened = replace(review, ticket=delivery.ref or app.tickets.name)
            opened = advance(opened, Happening.TICKET_OPENED) if review.state in OPEN else opened
            unit.keep_reviews([opened])
            events.append(review_event(opened, now))
    return events
