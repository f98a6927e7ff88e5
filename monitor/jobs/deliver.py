"""Empty the outbox: tickets and alerts, at least once, never twice where it can be told.

An action is taken (with a time limit) before the request and settled after it. A process that dies in between leaves it taken; when
the limit has passed, or the process is known to be dead, it comes back as uncertain. What is uncertain is looked for at the receiver
first, and sent again only when it is not there after the time that a receiver's search needs to catch up.
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
    ListServer,
    MoveTicket,
    OpenTicket,
    Rejected,
    RetireServer,
    SendAlert,
    SendEvent,
    UpdateAlert,
    UpdateTicket,
    WritePin,
)
from monitor.domain.audit import AuditEvent
from monitor.domain.fingerprint import fingerprint
from monitor.domain.review import OPEN, Happening, advance
from monitor.domain.unknown import Unknown
from monitor.jobs.bulkhead import guarded
from monitor.jobs.check_ourselves import in_words
from monitor.jobs.outcome import ACTOR, Outcome, review_event
from monitor.jobs.standing import TAKEN_BACK, is_overtaken
from monitor.jobs.submissions import moved_on, submitted
from monitor.policy.answering import unwritten_body
from monitor.policy.telling import head_of
from monitor.ports.errors import SourceError
from monitor.ports.store import Queued, UnitOfWork

LEASE = timedelta(minutes=5)
"""How long one delivery may take; after that it counts as perhaps sent."""
CATCH_UP = timedelta(minutes=5)
"""How long a receiver's search may lag behind what it accepted."""
SHORT_WAIT = 5.0
"""Seconds. A receiver that asks for less is waited for."""
KEEP_TRYING = timedelta(days=30)
"""What is not delivered after a day is a finding of its own (`undeliverable`), and is tried on."""
REJECTED_RETRY = timedelta(hours=1)
"""A rejection is a configuration to be mended by a person."""

REPEATABLE = (UpdateTicket, MoveTicket, UpdateAlert, WritePin, ListServer, RetireServer, SendEvent)
"""What the receiver knows again: sent twice it is there once."""

log = structlog.get_logger()


async def deliver(app: App) -> Outcome:
    """Send the tickets and messages that wait in the outbox."""
    problems: list[str] = []
    while queued := await app.store.run(partial(_take, app=app)):
        answer = await guarded(queued.action.key, _attempt(app, queued))
        delivery = Ambiguous(answer.detail) if isinstance(answer, Unknown) else answer
        if not isinstance(delivery, Delivered):
            problems.append(f"not delivered: {in_words(queued.action)}: {delivery.detail}")
            outcome = type(delivery).__name__.lower()
            log.warning("delivery.failed", key=queued.action.key, outcome=outcome, detail=delivery.detail)
        await app.store.run(partial(_settle, app=app, queued=queued, delivery=delivery))
    return Outcome(problems=tuple(problems))


def _take(unit: UnitOfWork, app: App) -> Queued | None:
    """Take one action: a lease is as long as one delivery may last, and no other waits in it."""
    now = app.clock()
    taken = unit.take(now=now, until=now + LEASE, by=app.claimant, limit=1)
    if not taken:
        return None
    unit.commit(AuditEvent(now, ACTOR, "outbox.taken", app.claimant, {"key": taken[0].action.key}))
    return taken[0]


async def _attempt(app: App, queued: Queued) -> Delivery:
    """Deliver one action; a receiver that asks for a short wait gets it. What may have arrived is looked for first."""
    if queued.uncertain and not isinstance(queued.action, REPEATABLE):
        try:
            found = await _find(app, queued.action)
        except SourceError as error:
            return Ambiguous(f"perhaps sent before, and cannot be looked for: {error.detail}")
        if found is not None:
            return Delivered(found)
        if queued.tried_at and app.clock() - queued.tried_at < CATCH_UP:
            return Ambiguous("perhaps sent before; the receiver does not show it, and may be behind")
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
            ticket = await _reference(app, action.fingerprint)
            return await app.tickets.find_comment(ticket, action.key) if ticket else None
        case SendAlert():
            began = await app.store.run(lambda unit: unit.began([action.incident])) if _replies(action) else {}
            return await app.alerts.find(action, thread=began.get(action.incident, ""))
        case _:
            return None


async def _send(app: App, queued: Queued) -> Delivery:
    """Send it, unless things have gone on since it was queued."""
    overtaken = await app.store.run(partial(is_overtaken, queued=queued))
    return await _hand_over(app, queued) if overtaken is None else Delivered(overtaken)


async def _hand_over(app: App, queued: Queued) -> Delivery:
    action = queued.action
    match action:
        case OpenTicket():
            older = await app.store.run(lambda unit: unit.began(action.links))
            return await app.tickets.open(action, links=tuple(older.values()))
        case CommentTicket() | UpdateTicket() | MoveTicket():
            return await _send_to_ticket(app, action)
        case SendAlert() | UpdateAlert():
            return await _send_to_thread(app, action, queued)
        case WritePin() | ListServer() | RetireServer():
            writer = app.writers.get(action.to)
            return await writer.write(action) if writer else Rejected(f"{action.to} is not configured any more")
        case SendEvent():
            sink = app.sinks.get(action.sink)
            return await sink.send(action) if sink else Rejected(f"no SIEM named {action.sink} is configured any more")


async def _send_to_ticket(app: App, action: CommentTicket | UpdateTicket | MoveTicket) -> Delivery:
    ticket = await _reference(app, action.fingerprint)
    if ticket is None:
        return Deferred("its ticket is not open yet", 60.0)
    match action:
        case CommentTicket():
            return await app.tickets.comment(ticket, action)
        case UpdateTicket():
            return await app.tickets.update(ticket, action)
        case MoveTicket():
            return await app.tickets.move(ticket, action)


async def _send_to_thread(app: App, action: SendAlert | UpdateAlert, queued: Queued) -> Delivery:
    """The first message of an incident goes before its replies; the link to the ticket is there when the ticket is."""
    known = await app.store.run(lambda unit: unit.began([name for name in (action.incident, action.ticket) if name]))
    link = app.tickets.address(known[action.ticket]) if action.ticket in known else ""
    if isinstance(action, UpdateAlert):
        if await app.store.run(lambda unit: unit.newest(head_of(action.incident))) > queued.id:
            return Delivered("")  # A younger one says how things stand now; this one, sent late, would take that back.
        if action.incident not in known:
            return Deferred("its first message is not sent yet", 60.0)
        return await app.alerts.update(action, known[action.incident], link=link)
    replies = _replies(action)
    if replies and action.incident not in known:
        return Deferred("the first message of its incident is not sent yet", 60.0)
    thread = known[action.incident] if replies else ""
    return await app.alerts.send(action, repeat=queued.uncertain, thread=thread, link=link)


def _replies(alert: SendAlert) -> bool:
    return bool(alert.incident) and not alert.begins


async def _reference(app: App, name: str) -> str | None:
    """Return the ticket of one occurrence of a review, whatever became of the review since."""
    return (await app.store.run(lambda unit: unit.began([name]))).get(name)


def _settle(unit: UnitOfWork, app: App, queued: Queued, delivery: Delivery) -> None:
    unit.alone()
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
            again = now + REJECTED_RETRY if waited < KEEP_TRYING else None
    unit.settle(queued, delivery, now=now, next_try_at=again)
    if isinstance(queued.action, WritePin) and isinstance(delivery, Rejected):
        unit.queue(_unwritten(queued.action, delivery), now)
    unit.commit(*_events(unit, app, queued.action, delivery))


def _events(unit: UnitOfWork, app: App, action: Action, delivery: Delivery) -> list[AuditEvent]:
    now = app.clock()
    detail = {"key": action.key, "outcome": type(delivery).__name__.lower()}
    match delivery:
        case Delivered(ref):
            detail["ref"] = ref
        case Deferred(text) | Ambiguous(text) | Rejected(text):
            detail["error"] = text[:500]
    if detail.get("ref") == TAKEN_BACK:
        detail["outcome"] = "dropped"
    kind = type(action).__name__
    subject = _subject(action)
    events = [AuditEvent(now, ACTOR, f"delivery.{detail['outcome']}", subject, detail | {"kind": kind})]
    if isinstance(action, OpenTicket) and isinstance(delivery, Delivered):
        for review in unit.reviews_in([action.fingerprint]):
            opened = replace(review, ticket=delivery.ref or app.tickets.name)
            opened = advance(opened, Happening.TICKET_OPENED) if review.state in OPEN else opened
            unit.keep_reviews([opened])
            events.append(review_event(opened, now))
            asked = submitted(unit, {opened.server}).get(opened.server)
            if asked and (moved := moved_on(asked, opened, ACTOR)):
                unit.keep_submissions([moved[0]])
                events.append(moved[1])
    return events


def _unwritten(pin: WritePin, delivery: Rejected) -> list[Action]:
    """Whoever approved it hears, where they did, that it is not what the fleet is held to yet: once for each reason."""
    if not pin.fingerprint:
        return []
    body = unwritten_body(in_words(pin), delivery.detail)
    key = f"unwritten:{pin.key}:{fingerprint(delivery.detail)}"
    return [CommentTicket(key, pin.server, pin.fingerprint, body)]


def _subject(action: Action) -> str:
    match action:
        case SendAlert() | UpdateAlert():
            return action.channel
        case SendEvent():
            return action.sink
        case _:
            return action.server
