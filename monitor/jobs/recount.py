"""Votes counted anew: fewer may be demanded by now, or what blocked an approval is mended."""

from dataclasses import replace

from monitor.domain.action import Action, CommentTicket, MoveTicket
from monitor.domain.audit import AuditEvent
from monitor.domain.decision import approved_by, is_enough
from monitor.domain.review import OPEN, Happening, advance
from monitor.jobs.decide import Terms, follows
from monitor.jobs.outcome import review_event
from monitor.jobs.rulebook import Rulebook
from monitor.policy.answering import enough_body
from monitor.ports.store import UnitOfWork


def recount(unit: UnitOfWork, terms: Terms) -> None:
    """Approve what enough people have approved by the rules of now, and say so in the ticket, which is closed; commit."""
    if not any(each.approvals() for each in unit.reviews_open()):
        return
    unit.alone()
    now = terms.now
    book = Rulebook.of(unit, terms.policy, now)
    events: list[AuditEvent] = []
    for review in unit.reviews_open():
        rules = book.rules(review)
        if not is_enough(review, rules):
            continue
        decided = advance(review, Happening.APPROVE)
        unit.keep_reviews([decided])
        names = ", ".join(sorted(approved_by(decided, rules.people)))
        event = review_event(decided, now)
        events.append(replace(event, detail={**event.detail, "by": names, "via": "counted anew"}))
        key = f"enough:{decided.mark}:{decided.fingerprint}"
        body = enough_body(decided, rules, sorted(terms.writers))
        actions: list[Action] = [CommentTicket(key, decided.server, decided.mark, body)]
        if not any(each.state in OPEN for each in unit.reviews_in([decided.mark])):
            actions.append(MoveTicket(f"{key}:closed", decided.server, decided.mark, "decided"))
        unit.queue([*actions, *follows(unit, terms, decided, rules, events)], now)
    if events:
        unit.commit(*events)
