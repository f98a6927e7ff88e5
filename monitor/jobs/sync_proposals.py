"""Decisions by proposed changes of the registry: proposed where there is no ticket to decide in, and read until they are decided.

A proposal is for exactly one pin, which its branch is named after, so that nothing else can have been shown in it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from monitor.app import App
from monitor.domain.action import CommentTicket, WritePin
from monitor.domain.audit import AuditEvent
from monitor.domain.decision import Words, hear
from monitor.domain.review import OPEN, UNREVIEWED, Review, State, Word
from monitor.domain.server import Approval
from monitor.domain.unknown import Unknown
from monitor.jobs.bulkhead import guarded
from monitor.jobs.decide import Terms, decide_by, reopen_by
from monitor.jobs.outcome import ACTOR, Outcome, review_event
from monitor.jobs.rulebook import Rulebook
from monitor.jobs.standing import CLOSED, is_written, pin_key, proposal_key
from monitor.jobs.ticket_health import PROPOSED, REVIEWS, keep_health
from monitor.policy.answering import proposal_body
from monitor.ports.channels import Phase, TicketState
from monitor.ports.errors import SourceError
from monitor.ports.store import UnitOfWork

BY = "pull request"
"""What a proposal says of who approves: GitHub knows who did, and the audit log, once it is merged."""


async def sync_proposals(app: App, reviews: Sequence[Review]) -> Outcome:
    """Propose what may be approved and is decided nowhere else, and let what was merged or closed count.

    `reviews`: those that are open, and those that were decided lately.
    """
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
    unknowns: list[Unknown] = []
    problems: list[str] = []
    for change, review in proposed:
        if state := states.get(change.key):
            done = await guarded(change.key, _count(app, review, state))
            if isinstance(done, Unknown):
                unknowns.append(done)
            elif done:
                problems.append(done)
    return Outcome(unknowns=tuple(unknowns), problems=tuple(problems))


async def _count(app: App, review: Review, state: TicketState) -> str:
    """Let what was said in a proposal count; return what is wrong with how it ended, in words or none."""
    said = _words(app, state)
    if review.state is State.APPROVED and not review.approvals():
        return await app.store.run(partial(_question, app=app, review=review, state=state, said=said))
    if review.state is State.APPROVED:
        said = [each for each in said if each.word is Word.REJECT]
    known = {*review.answered, *(vote.ref for vote in review.votes)}
    now: Review | None = review
    if any(each.ref not in known for each in said):
        now = (await app.store.run(partial(decide_by, terms=Terms.of(app), review=review, said=said))).review
    if now is None or not (wrong := _wrong(now, state)):
        return ""
    await app.store.run(partial(_tell, app=app, review=now, state=state, wrong=wrong))
    return wrong


def _question(unit: UnitOfWork, app: App, review: Review, state: TicketState, said: Sequence[Words]) -> str:
    """Ask anew where a look saw the merge first, and took it for the approval that its reviews do not amount to."""
    if not state.merged:
        return ""
    terms = Terms.of(app)
    rules = Rulebook.of(unit, terms.policy, terms.now).rules(review)
    reviewed, _ = hear(replace(review, state=State.TICKETED), said, rules)
    if reviewed.state is State.APPROVED:
        return ""
    wrong = _wrong(reviewed, state)
    return wrong if reopen_by(unit, terms, review, by=UNREVIEWED, reason=wrong) else ""


def _wrong(review: Review, state: TicketState) -> str:
    subject = f"{review.server} {review.candidate.purl.version or review.candidate.purl}"
    if state.merged and review.state in OPEN:
        return (
            f"pull request {state.key} is {state.status}, without the review that an approval needs: the registry has {subject}, "
            "and nobody who may has approved it; approve it, or reject it and take it out there"
        )
    if review.state is State.APPROVED and not state.merged and state.phase in (Phase.CLOSED, Phase.REJECTED):
        return (
            f"pull request {state.key} is {state.status}: {subject} is approved, and the registry does not have it; "
            "open it again, or reject the version"
        )
    return ""


def _tell(unit: UnitOfWork, app: App, review: Review, state: TicketState, wrong: str) -> None:
    """Say it once in the ticket; what was merged so is asked about until somebody decides, whatever the registry says."""
    unit.alone()
    now = app.clock()
    key = f"proposal-ended:{review.mark}:{review.candidate.fingerprint}:{state.key}"
    if unit.queued(key):
        return
    verb = "closed"
    if state.merged:
        verb = "unreviewed"
        found = [each for each in unit.reviews([review.server]) if each.fingerprint == review.fingerprint]
        unit.keep_reviews([replace(each, asked_by=UNREVIEWED) for each in found if each.state in OPEN])
    unit.queue([CommentTicket(key, review.server, review.mark, proposal_body(wrong, review))], now)
    detail = {"proposal": state.key, "status": state.status[:500]}
    unit.commit(replace(review_event(review, now), verb=f"proposal.{verb}", detail=detail | _named(review)))


def _named(review: Review) -> dict[str, str]:
    return {"version": str(review.candidate.purl), "pin": review.candidate.fingerprint}


def _propose(unit: UnitOfWork, app: App, reviews: Iterable[Review]) -> list[tuple[WritePin, Review]]:
    """Queue the proposals that are not queued yet; return those that were delivered and may tell something, with their reviews.

    Where a tracker is configured, the ticket decides, and what is decided there is proposed afterwards.
    """
    unit.alone()
    now = app.clock()
    delivered: list[tuple[WritePin, Review]] = []
    new: list[WritePin] = []
    book = Rulebook.of(unit, app.policy, now)
    for review in reviews:
        if review.state is State.APPROVED:
            voted = bool(review.approvals())
            decided = f"{pin_key(review)}:{PROPOSED}" if voted else proposal_key(review)
            change = unit.action(decided) if unit.queued(decided) == "delivered" else None
            if isinstance(change, WritePin) and not (voted and is_written(unit, review)):
                delivered.append((change, review))
        if review.state not in OPEN:
            continue
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


def _words(app: App, state: TicketState) -> list[Words]:
    if state.phase not in (Phase.APPROVED, Phase.REJECTED):
        return []
    people = app.policy.people
    return [
        Words(
            f"{CLOSED}{each.ref}",
            each.word,
            people.known("github", each.by),
            each.by,
            each.at,
            each.shown,
            each.detail or f"pull request {state.key}",
        )
        for each in state.said
    ]
