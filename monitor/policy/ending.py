"""How reviews end, and what their tickets hear of it."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from monitor import messages
from monitor.domain.action import Action, CommentTicket, MoveTicket
from monitor.domain.finding import Delta, Tracked
from monitor.domain.fingerprint import fingerprint
from monitor.domain.hold import same_pin
from monitor.domain.purl import Purl
from monitor.domain.review import OPEN, UNREVIEWED, Happening, Review, State, advance
from monitor.domain.snapshot import Snapshot
from monitor.domain.stage import Stage
from monitor.domain.unknown import Unknown


def farewell(ended: Review, delta: Delta, newer: Purl | None, reviews: Iterable[Review]) -> list[Action]:
    """Say in its ticket that a review ended and why, and close it where nothing else is asked there; `reviews` are all of the server's."""
    notes = [each.note for each in delta.resolved if each.note and each.finding.about == ended.candidate.purl]
    said = _say_ended(ended, newer.version if newer else None, notes)
    return [said, *_close(ended, reviews)]


def what_is_over(review: Review, delta: Delta, wanted: Container[Purl]) -> list[Tracked]:
    """What ended, and why, of a version that stays up for review for another reason."""
    purl = review.candidate.purl
    if review.state not in OPEN or purl not in wanted:
        return []
    told = (each for each in delta.resolved if each.note and each.finding.about == purl)
    return [each for each in told if "same flaw as" not in each.note]


def say_over(review: Review, over: Sequence[Tracked]) -> CommentTicket:
    """Say that."""
    said = fingerprint(*(f"{each.finding.fingerprint}.{each.occurrences}" for each in over))
    return CommentTicket(f"over:{review.mark}:{said}", review.server, review.mark, messages.resolved_body(over))


def ended_now(
    snapshot: Snapshot, delta: Delta, review: Review, wanted: Container[Purl], newer: Purl | None
) -> Review | None:
    """End a review that has nothing left to decide. A source that lost most of its releases ends nothing."""
    purl = review.candidate.purl
    if review.state not in OPEN:
        return None
    was_candidate = any(each.finding.rule == "new-release" and each.finding.about == purl for each in delta.resolved)
    by_hand = was_candidate and review.asked_by != UNREVIEWED
    if by_hand and snapshot.approval and same_pin(snapshot.approval.pin, review.candidate):
        return advance(review, Happening.APPROVE)
    if review.asked_by and snapshot.server.stage is not Stage.RETIRED:
        return None  # Somebody asked, and is answered by people.
    if purl in wanted or (not isinstance(snapshot.package, Unknown) and snapshot.package.changes.reset):
        return None
    return advance(review, Happening.NEWER_CANDIDATE if was_candidate and newer else Happening.CAUSE_GONE)


def _say_ended(review: Review, newer: str | None, notes: Sequence[str] = ()) -> CommentTicket:
    key = f"ended:{review.mark}:{review.fingerprint}.{review.episode}"
    return CommentTicket(key, review.server, review.mark, messages.ending_body(review, newer, notes))


def _close(review: Review, reviews: Iterable[Review]) -> tuple[MoveTicket, ...]:
    """Close the ticket, unless people decided it, or another review still lives in it."""
    others = (each for each in reviews if each.mark == review.mark and each.state in OPEN)
    if (
        review.state is State.APPROVED
        or review.campaign
        or any(each.fingerprint != review.fingerprint for each in others)
    ):
        return ()
    key = f"closed:{review.mark}:{review.fingerprint}.{review.episode}"
    return (MoveTicket(key, review.server, review.mark, "withdrawn"),)


def let_go(
    tracked: Iterable[Tracked], reviews: Iterable[Review], now: datetime
) -> tuple[list[Tracked], list[Review], list[Action]]:
    """End everything about servers that have left the registry: nobody watches them any more, and nobody is asked."""
    resolved = [replace(each, resolved_at=now) for each in tracked if each.open]
    ended = [advance(review, Happening.CAUSE_GONE) for review in reviews if review.state in OPEN]
    said: list[Action] = []
    for review in ended:
        said += [_say_ended(review, None), *_close(review, ())]
    return resolved, ended, said
