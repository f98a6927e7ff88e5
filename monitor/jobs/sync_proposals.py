"""Decisions by proposed changes of the registry: proposed where there is no ticket to decide in, and read until they are decided.

A proposal is for exactly one pin, which its branch is named after, so that nothing else can have been shown in it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from monitor.app import App
from monitor.domain.action import WritePin
from monitor.domain.audit import AuditEvent
from monitor.domain.decision import Words
from monitor.domain.review import OPEN, Review
from monitor.domain.server import Approval
from monitor.domain.unknown import Unknown
from monitor.jobs.bulkhead import guarded
from monitor.jobs.decide import Terms, decide_by
from monitor.jobs.outcome import ACTOR, Outcome
from monitor.jobs.rulebook import Rulebook
from monitor.jobs.standing import proposal_key
from monitor.jobs.ticket_health import PROPOSED, REVIEWS, keep_health
from monitor.ports.channels import Phase, TicketState
from monitor.ports.errors import SourceError
from monitor.ports.store import UnitOfWork

BY = "pull request"
"""What a proposal says of who approves: GitHub knows who did, and the audit log, once it is merged."""


async def sync_proposals(app: App, reviews: Sequence[Review]) -> Outcome:
    """Propose what may be approved and is decided nowhere else, and let what was merged or closed count."""
    if app.proposals is None or not reviews:
        return Outcome()
    proposed = await app.store.run(partial(_propose, app=app, reviews=reviews))
    if not proposed:
        return Outcome()
    source = REVIEWS + PROPOSED
    try:
        states = await app.proposals.read({change.key: change for change, _ in proposed})
    except SourceError as error:
        unknown = replace(error.unknown(), source=source)
        await app.store.run(partial(keep_health, app=app, source=source, problem=str(unknown)))
        return Outcome(unknowns=(unknown,))
    await app.store.run(partial(keep_health, app=app, source=source, problem=None))
    unknowns = []
    for change, review in proposed:
        said = _words(app, states, change.key)
        known = {*review.answered, *(vote.ref for vote in review.votes)}
        if all(each.ref in known for each in said):
            continue
        work = partial(decide_by, terms=Terms.of(app), review=review, said=said)
        done = await guarded(change.key, app.store.run(work))
        unknowns += [done] if isinstance(done, Unknown) else []
    return Outcome(unknowns=tuple(unknowns))


def _propose(unit: UnitOfWork, app: App, reviews: Iterable[Review]) -> list[tuple[WritePin, Review]]:
    """Queue the proposals that are not queued yet; return those that were delivered, with their reviews.

    Where a tracker is configured, the ticket decides, and what is decided there is proposed afterwards.
    """
    unit.alone()
    now = app.clock()
    delivered: list[tuple[WritePin, Review]] = []
    new: list[WritePin] = []
    book = Rulebook.of(unit, app.policy, now)
    for review in reviews:
        change = _proposal(app, review, book)
        state = unit.queued(change.key)
        if state == "delivered":
            delivered.append((change, review))
        elif not state and _is_due(app, review, now):
            new.append(change)
    if new:
        unit.queue(new, now)
        unit.commit(*(_event(change, now) for change in new))
    return delivered


def _event(change: WritePin, now: datetime) -> AuditEvent:
    detail = {"version": str(change.approval.pin.purl), "pin": change.approval.pin.fingerprint}
    return AuditEvent(now, ACTOR, "review.proposed", change.server, detail)


def _is_due(app: App, review: Review, now: datetime) -> bool:
    early = review.approvable_from is not None and now < review.approvable_from
    return PROPOSED in app.writers and app.tickets.name == "console" and review.state in OPEN and not early


def _proposal(app: App, review: Review, book: Rulebook) -> WritePin:
    """Name the proposal of a review that is not decided yet."""
    length = app.policy.expires_after.get(book.rules(review).tier)
    approval = Approval(review.candidate, BY, None, book.now + length if length else None)
    before = str(review.before.purl) if review.before else ""
    return WritePin(proposal_key(review), review.server, approval, before, PROPOSED, review.mark)


def _words(app: App, states: Mapping[str, TicketState], key: str) -> list[Words]:
    state = states.get(key)
    if state is None or state.phase not in (Phase.APPROVED, Phase.REJECTED):
        return []
    people = app.policy.people
    return [
        Words(
            f"pull-request:{each.ref}",
            each.word,
            people.known("github", each.by),
            each.by,
            each.at,
            each.shown,
            each.detail or f"pull request {state.key}",
        )
        for each in state.said
    ]
