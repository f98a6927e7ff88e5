"""Read what people decided in tickets and in proposed changes, and let it count.

    read (100 tickets a request)  ->  for each ticket that says something new, one short transaction: count, keep, answer, queue

Tickets of open reviews are read, and for a while those of reviews that ended: who decides there has to hear that it is too late.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

import structlog

from monitor.app import App
from monitor.domain.action import CommentTicket
from monitor.domain.audit import AuditEvent
from monitor.domain.decision import Words
from monitor.domain.fingerprint import fingerprint
from monitor.domain.review import EARLY, OPEN, Happening, Review, advance
from monitor.domain.unknown import Reason, Unknown
from monitor.jobs.bulkhead import guarded
from monitor.jobs.decide import Terms, anew, settle_words
from monitor.jobs.outcome import ACTOR, Outcome, review_event
from monitor.jobs.recount import recount
from monitor.jobs.sync_proposals import sync_proposals
from monitor.jobs.ticket_health import REVIEWS, keep_health
from monitor.jobs.ticket_text import is_odd, restoring, text_of, vouched
from monitor.policy.answering import lost_body, undecided_body
from monitor.ports.channels import Phase, Said, TicketState
from monitor.ports.errors import SourceError
from monitor.ports.store import UnitOfWork

BATCH = 100
"""Tickets a request: as many as Jira's bulk fetch takes."""
ANSWERED_FOR = timedelta(days=30)
"""For so long after it was opened, a review that ended is looked after: a decision about it is answered."""
MANY_GONE = 3
"""So many tickets that are gone at once, when they are most of those that were read, are no deletions: hold, and say so."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Ticket:
    """One ticket, and the reviews that live in it."""

    mark: str
    key: str
    reviews: tuple[Review, ...]


async def sync_reviews(app: App) -> Outcome:
    """What people decided in tickets and proposed changes: counted, answered, and turned into pins."""
    reviews = await app.store.run(lambda unit: _watched(unit, app))
    from_tickets = await _sync_tickets(app, _tickets(app, reviews))
    from_proposals = await sync_proposals(app, reviews)
    await app.store.run(partial(recount, terms=Terms.of(app)))
    return Outcome(
        unknowns=(*from_tickets.unknowns, *from_proposals.unknowns),
        problems=(*from_tickets.problems, *from_proposals.problems),
    )


def _watched(unit: UnitOfWork, app: App) -> list[Review]:
    recent = unit.reviews_since(app.clock() - ANSWERED_FOR)
    return [*{review.fingerprint: review for review in (*unit.reviews_open(), *recent)}.values()]


def _tickets(app: App, reviews: Iterable[Review]) -> list[_Ticket]:
    by_mark: dict[str, list[Review]] = defaultdict(list)
    for review in reviews:
        # What was printed is no ticket, and cannot be read once a tracker is configured.
        if review.ticket and review.ticket not in ("console", app.tickets.name):
            by_mark[review.mark].append(review)
    return [_Ticket(mark, group[-1].ticket, tuple(group)) for mark, group in by_mark.items()]


async def _sync_tickets(app: App, tickets: Sequence[_Ticket]) -> Outcome:
    states: dict[str, TicketState] = {}
    source = REVIEWS + app.tickets.name
    unknowns: list[Unknown] = []
    for at in range(0, len(tickets), BATCH):
        try:
            states |= await app.tickets.read({each.mark: each.key for each in tickets[at : at + BATCH]})
        except SourceError as error:
            unknowns.append(replace(error.unknown(), source=source))
            break  # What was read counts; the rest is read next time.
    unknowns += _unread(source, states)
    problem = str(unknowns[0]) if unknowns else None
    await app.store.run(partial(keep_health, app=app, source=source, problem=problem))
    problems = []
    gone = [each for each in tickets if (state := states.get(each.mark)) and state.phase is Phase.GONE]
    hold = len(gone) >= MANY_GONE and len(gone) * 2 > len(states)
    if hold:
        problems.append(
            f"{len(gone)} of {len(states)} tickets are gone from {app.tickets.name}: is the project still visible to the monitor? "
            "No ticket is opened anew until most of them are back, or fewer are missing."
        )
    for each in tickets:
        state = states.get(each.mark)
        if state is None or state.unread or (state.phase is Phase.GONE and hold) or not _says_something(each, state):
            continue
        done = await guarded(each.key, app.store.run(partial(_settle, app=app, ticket=each, state=state)))
        if isinstance(done, Unknown):
            unknowns.append(done)
    return Outcome(unknowns=tuple(unknowns), problems=tuple(problems))


def _unread(source: str, states: Mapping[str, TicketState]) -> list[Unknown]:
    """What could not be read of single tickets: the others count, and those are read again next time."""
    unread = [f"{state.key}: {state.unread}" for state in states.values() if state.unread]
    if not unread:
        return []
    more = f" (and {len(unread) - 1} more)" if len(unread) > 1 else ""
    return [Unknown(Reason.UNAVAILABLE, source, f"what was said in {unread[0]}{more}")]


def _says_something(ticket: _Ticket, state: TicketState) -> bool:
    """Whether a ticket has news, as far as can be told without a transaction: most never have."""
    live = [review for review in ticket.reviews if review.state in OPEN]
    if state.phase is Phase.GONE:
        return bool(live)
    known = {ref for review in ticket.reviews for ref in (*review.answered, *(vote.ref for vote in review.votes))}
    return (
        any(review.ticket != state.key for review in ticket.reviews)
        or any(each.ref not in known for each in state.said)
        or any(_turned(review, state) != review for review in live)
        or is_odd(ticket.reviews, live, state)
    )


def _settle(unit: UnitOfWork, *, app: App, ticket: _Ticket, state: TicketState) -> None:
    """Bring the reviews of one ticket to where the ticket stands, in one transaction."""
    unit.alone()
    reviews = unit.reviews_in([ticket.mark])
    if not reviews:
        return
    if state.phase is Phase.GONE:
        events = _lost(unit, app, reviews)
    else:
        events = _moved(unit, app, reviews, state)
        reviews = [replace(review, ticket=state.key) for review in reviews]
        people = app.policy.people
        reporter = people.known("jira", state.reporter)
        # What one review has heard, those that came into its ticket later have not: it was said of something else.
        heard = {ref for review in reviews for ref in (*review.answered, *(vote.ref for vote in review.votes))}
        told, restored = _told(unit, app, ticket.mark, state)
        said = [_words(app, each) for each in told if each.ref not in heard]
        reviews, _, decided = settle_words(
            unit, Terms.of(app), reviews, said, reporter=reporter.name if reporter else "", inside=True
        )
        events += [*restored, *decided, *_turn(unit, app, reviews, state)]
    if events:
        unit.commit(*events)


def _told(unit: UnitOfWork, app: App, mark: str, state: TicketState) -> tuple[list[Said], list[AuditEvent]]:
    """Return what was said of what we showed. Where the ticket does not tell that any more, it is written anew first, and heard then."""
    now = app.clock()
    text = text_of(unit, mark)
    if not text.is_spoilt(state):
        return vouched(state.said, text), []
    anew = restoring(text, now)
    if anew is None or not unit.queue([anew], now):
        return ([] if text.busy else vouched(state.said, text)), []
    detail = {"ticket": state.key, "claimed": ", ".join(state.shows)[:500], "shows": ", ".join(anew.shows)[:500]}
    return [], [AuditEvent(now, ACTOR, "ticket.restored", anew.server, detail)]


def _words(app: App, said: Said) -> Words:
    person = app.policy.people.known("jira", said.by)
    via = said.detail or app.tickets.name
    return Words(said.ref, said.word, person, said.by, said.at, said.shown, via, note=said.note, again=said.again)


def _moved(unit: UnitOfWork, app: App, reviews: Iterable[Review], state: TicketState) -> list[AuditEvent]:
    """Keep the key that the ticket has now."""
    now = app.clock()
    moved = [review for review in reviews if review.ticket != state.key]
    unit.keep_reviews([replace(review, ticket=state.key) for review in moved])
    return [
        AuditEvent(now, ACTOR, "ticket.moved", review.server, {"from": review.ticket, "to": state.key})
        for review in moved
    ]


def _turn(unit: UnitOfWork, app: App, reviews: Iterable[Review], state: TicketState) -> list[AuditEvent]:
    """Note that somebody took the ticket up, or closed it without a decision: that is said once each time."""
    now = app.clock()
    live = [review for review in reviews if review.state in OPEN]
    turned = [after for review in live if (after := _turned(review, state)) != review]
    if not turned:
        return []
    unit.keep_reviews(turned)
    closed = [review for review in turned if _closings(review)[0] > _closings(review)[1]]
    if closed and state.phase not in (Phase.NEW, Phase.TAKEN):
        first = closed[0]
        nobodys = state.phase in (Phase.APPROVED, Phase.REJECTED)
        body = undecided_body(closed, state.status or state.phase.value, nobodys=nobodys)
        key = f"closed:{first.mark}:{first.occurrence}:{_closings(first)[0]}"
        unit.queue([CommentTicket(key, first.server, first.mark, body)], now)
    return [replace(review_event(review, now), verb=f"ticket.{state.phase.value}") for review in turned]


def _turned(review: Review, state: TicketState) -> Review:
    closings, openings = _closings(review)
    match state.phase:
        case Phase.NEW | Phase.TAKEN:
            if closings > openings:
                review = replace(review, answered=(*review.answered, f"opened {openings + 1}"))
            if state.phase is Phase.TAKEN and review.state in EARLY:
                review = advance(review, Happening.TAKEN_UP)
            return review
        case Phase.APPROVED | Phase.REJECTED if state.said and not state.nobodys:
            return review
        case Phase.APPROVED | Phase.REJECTED | Phase.CLOSED:
            if closings > openings:
                return review
            return replace(review, answered=(*review.answered, f"closed {closings + 1}"))
        case Phase.GONE:
            return review


def _closings(review: Review) -> tuple[int, int]:
    """How often its ticket was seen closed without a decision, and how often open again after that."""
    closed = sum(ref.startswith("closed ") for ref in review.answered)
    return closed, sum(ref.startswith("opened ") for ref in review.answered)


def _lost(unit: UnitOfWork, app: App, reviews: Sequence[Review]) -> list[AuditEvent]:
    """Open another ticket in place of one that is gone, for all that lived in it and are not decided."""
    now = app.clock()
    live = [review for review in reviews if review.state in OPEN]
    if not live:
        return []
    lost = [advance(review, Happening.TICKET_LOST) for review in live]
    if len(live) > 1 or live[0].campaign:
        mark = fingerprint("again", live[0].mark)
        lost = [replace(review, lives_in=mark) for review in lost]
    unit.keep_reviews(lost)
    ticket = anew(unit, live[0], lost[0], lost_body(live[0].ticket))
    shows = tuple(review.candidate.fingerprint for review in lost)
    unit.queue([replace(ticket, shows=shows, links=())], now)
    return [
        AuditEvent(now, ACTOR, "ticket.lost", review.server, {"ticket": review.ticket, "review": review.fingerprint})
        for review in live
    ]
