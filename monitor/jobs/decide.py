"""A decision, whatever way it came: counted by the rules, kept, answered in the ticket, audited, and queued for the registry.

Everything happens in the caller's transaction, in which nobody else writes: what was read there is what was decided about.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from monitor.app import App
from monitor.domain.action import Action, CommentTicket, MoveTicket, OpenTicket, WritePin
from monitor.domain.audit import AuditEvent
from monitor.domain.decision import Counted, Heard, Rules, Words, approved_by, hear
from monitor.domain.document import Document
from monitor.domain.review import OPEN, Happening, Review, State, Word, ask_again
from monitor.domain.server import Approval
from monitor.jobs.outcome import ACTOR, review_event
from monitor.jobs.rulebook import Rulebook
from monitor.jobs.standing import is_written, pin_key, still_proposed
from monitor.jobs.submissions import listings, moved_on, submitted
from monitor.policy.answering import decided_body, reopened_body
from monitor.policy.settings import Policy
from monitor.ports.store import UnitOfWork


@dataclass(frozen=True, slots=True)
class Terms:
    """What deciding needs of the program: no port, so that who decides at the keyboard needs no token of anything."""

    policy: Policy
    writers: tuple[str, ...]
    """The names of what writes a decision into the registry."""
    now: datetime

    @classmethod
    def of(cls, app: App) -> Self:
        """Return those of a process that runs jobs."""
        return cls(app.policy, tuple(sorted(app.writers)), app.clock())


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of the words, oldest first. `review` is the (last) one as it is now; None: it is not there any more."""

    review: Review | None
    heard: tuple[Heard, ...]


def decide_by(unit: UnitOfWork, terms: Terms, review: Review, said: Sequence[Words]) -> Decided:
    """Decide one review by words that came from elsewhere than its ticket, and commit."""
    unit.alone()
    found = [each for each in unit.reviews([review.server]) if each.fingerprint == review.fingerprint]
    reviews, heard, events = settle_words(unit, terms, found, said)
    if events:
        unit.commit(*events)
    return Decided(reviews[-1] if reviews else None, heard)


def reopen_by(unit: UnitOfWork, terms: Terms, review: Review, *, by: str, reason: str) -> Review | None:
    """Ask anew about a version that was decided, with a ticket that holds the evidence of the last one, and commit.

    None: it is not decided (any more).
    """
    unit.alone()
    done = reopened(unit, terms, review, by=by, reason=reason)
    if done is None:
        return None
    again, event = done
    unit.commit(event)
    return again


def reopened(
    unit: UnitOfWork, terms: Terms, review: Review, *, by: str, reason: str
) -> tuple[Review, AuditEvent] | None:
    """The same without committing; returns what is to be audited, too."""
    now = terms.now
    found = next((each for each in unit.reviews([review.server]) if each.fingerprint == review.fingerprint), None)
    if found is None or found.state not in (State.APPROVED, State.REJECTED):
        return None
    entry = unit.entries().get(found.server)
    before = entry.approval.pin if entry and entry.approval else None
    again = ask_again(found, Happening.REOPEN, at=now, before=before, by=by)
    unit.keep_reviews([again])
    unit.queue([anew(unit, found, again, reopened_body(by, reason)), *still_proposed(unit, found)], now)
    event = review_event(again, now)
    return again, replace(event, actor=by, verb="review.reopened", detail={**event.detail, "reason": reason[:500]})


def anew(unit: UnitOfWork, before: Review, again: Review, because: Document) -> OpenTicket:
    """Open another ticket for a review, with the evidence that its last one held; the next look brings that up to date."""
    last = unit.said_last(before.mark)
    title = last.title if last else f"Re-approve {again.candidate.purl} ({again.server})"
    return OpenTicket(
        key=f"ticket:{again.mark}",
        server=again.server,
        fingerprint=again.mark,
        title=title,
        body=(*because, *(last.body if last else ())),
        priority=last.priority if last else "medium",
        shows=(again.candidate.fingerprint,),
        links=(before.mark,) if before.ticket else (),
    )


def settle_words(
    unit: UnitOfWork,
    terms: Terms,
    reviews: Sequence[Review],
    said: Sequence[Words],
    *,
    reporter: str = "",
    inside: bool = False,
) -> tuple[list[Review], tuple[Heard, ...], list[AuditEvent]]:
    """Deal with words about the reviews of one ticket, without committing. `inside`: they were said in that ticket.

    `reporter`: the name of the person who opened the ticket. Returns the reviews as they are now, and what is to be audited.
    """
    now = terms.now
    after: list[Review] = []
    heard: list[Heard] = []
    events: list[AuditEvent] = []
    actions: list[Action] = []
    rules = Rules(terms.policy.people, 0, now)
    book = Rulebook.of(unit, terms.policy, now)
    about = {each.ref: _about(each, reviews) for each in said}
    for review in reviews:
        rules = replace(book.rules(review, reporter=reporter), written=is_written(unit, review))
        decided, new = hear(review, [each for each in said if review.fingerprint in about[each.ref]], rules)
        after.append(decided)
        heard += new
        events += [event for each in new for event in _events(each, now)]
        if decided.state is not review.state:
            actions += follows(unit, terms, decided, rules, events)
            actions += still_proposed(unit, decided, [each.ref for each in said])
    if heard:
        unit.keep_reviews(after)
        known = {each.fingerprint for each in after}
        others = any(each.state in OPEN for each in unit.reviews_in([after[0].mark]) if each.fingerprint not in known)
        actions += _answers(terms, after, heard, rules, inside=inside, others=others)
        unit.queue(actions, now)
    return after, tuple(heard), events


def _about(words: Words, reviews: Sequence[Review]) -> Collection[str]:
    """Return the reviews of a ticket that a word is about, by fingerprint; what was said of no shown pin, those who wait answer."""
    shown = [each for each in reviews if each.candidate.fingerprint in words.shown]
    waiting = [each for each in reviews if each.state in OPEN]
    return [each.fingerprint for each in shown or waiting or reviews[-1:]]


def follows(unit: UnitOfWork, terms: Terms, review: Review, rules: Rules, events: list[AuditEvent]) -> list[Action]:
    """What makes an approval the pin, or the entry of a server that was submitted; that moves on to its next stage."""
    asked = submitted(unit, {review.server}).get(review.server)
    if asked and (moved := moved_on(asked, review, ", ".join(sorted({vote.by for vote in review.votes})) or ACTOR)):
        unit.keep_submissions([moved[0]])
        events.append(moved[1])
    if review.state is not State.APPROVED:
        return []
    approval = approval_of(terms, review, rules)
    if asked:
        return [*listings(asked, review, approval, sorted(terms.writers))]
    return _writes(terms, review, approval)


def _writes(terms: Terms, review: Review, approval: Approval) -> list[Action]:
    """What makes the approval the pin, wherever decisions are written."""
    key = pin_key(review)
    before = str(review.before.purl) if review.before else ""
    return [
        WritePin(f"{key}:{name}", review.server, approval, before, name, review.mark) for name in sorted(terms.writers)
    ]


def approval_of(terms: Terms, review: Review, rules: Rules) -> Approval:
    """Return the approval that the votes amount to."""
    names = approved_by(review, rules.people)
    pin = review.candidate.fingerprint
    counted = [vote.at for vote in review.votes if vote.by in names and vote.word is Word.APPROVE and vote.pin == pin]
    at = min(max(counted, default=rules.now), rules.now)
    length = terms.policy.expires_after.get(rules.tier)
    ticket = review.ticket if review.ticket != "console" else ""
    return Approval(review.candidate, ", ".join(sorted(names)), at, at + length if length else None, ticket)


def _answers(
    terms: Terms, reviews: Sequence[Review], heard: Sequence[Heard], rules: Rules, *, inside: bool, others: bool
) -> Iterable[Action]:
    """One comment for each word; the ticket is opened again where a word in it did not decide, and closed where one elsewhere did.

    `others`: whether versions that were not spoken of wait in it.
    """
    first = reviews[0]
    actions: list[Action] = []
    for ref in dict.fromkeys(each.words.ref for each in heard):
        group = [each for each in heard if each.words.ref == ref]
        body = decided_body(group, rules, sorted(terms.writers))
        if body:
            actions.append(CommentTicket(f"decided:{first.mark}:{ref}", first.server, first.mark, body))
    last = heard[-1].words.ref
    still_open = any(each.state in OPEN for each in reviews)
    if inside and still_open:
        actions.append(MoveTicket(f"undecided:{first.mark}:{last}", first.server, first.mark, "reopened"))
    if not inside and not still_open and not others and any(isinstance(each.result, Counted) for each in heard):
        actions.append(MoveTicket(f"decided:{first.mark}:{last}:closed", first.server, first.mark, "decided"))
    return actions


def _events(heard: Heard, now: datetime) -> list[AuditEvent]:
    words, review = heard.words, heard.review
    who = words.by.name if words.by else words.who or ACTOR
    detail = {
        **review_event(review, now).detail,
        "word": words.word.value,
        "by": who,
        "said_at": words.at.isoformat(),
        "via": words.via[:200],
        "ref": words.ref[:200],
        "shown": ", ".join(words.shown)[:500],
    }
    if words.reason:
        detail["reason"] = words.reason[:500]
    if not isinstance(heard.result, Counted):
        return [AuditEvent(now, who, "review.not-counted", review.server, detail | {"why": heard.result.why[:500]})]
    events = [AuditEvent(now, who, "review.voted", review.server, detail)]
    if review.state in (State.APPROVED, State.REJECTED):
        names = sorted({vote.by for vote in review.votes if vote.word is words.word})
        decided = detail | {"by": ", ".join(names)}
        events.append(AuditEvent(now, who, f"review.{review.state.value}", review.server, decided))
    return events
