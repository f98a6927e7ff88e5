"""Which reviews begin, go on and end, and what their tickets are told: one living ticket for each server."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor import messages
from monitor.domain.action import Action, CommentTicket, MoveTicket, OpenTicket, UpdateTicket
from monitor.domain.finding import Delta, Finding, Severity, Tracked
from monitor.domain.fingerprint import fingerprint
from monitor.domain.hold import held, not_listed_anywhere, others_before, told
from monitor.domain.purl import Purl
from monitor.domain.review import EARLY, OPEN, Happening, Review, State, advance, ask_again, without_votes
from monitor.domain.server import Pin
from monitor.domain.snapshot import Snapshot
from monitor.domain.unknown import Unknown
from monitor.policy.answering import votes_over_body
from monitor.policy.ending import ended_now, farewell, say_over, what_is_over
from monitor.policy.lanes import Lane, lane
from monitor.policy.settings import Policy

EXTRA_APPROVERS = 2
"""For a version that is held for a shorter time, as a security fix, and for one that no source can be seen to list."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The reviews that changed, and what their tickets are told."""

    reviews: tuple[Review, ...]
    actions: tuple[Action, ...]


def review_all(
    policy: Policy, snapshot: Snapshot, delta: Delta, reviews: Mapping[Purl, Review], live: Sequence[Tracked]
) -> Reviewed:
    """Ask for the decisions that the open findings need. `reviews` are all of the server's; `live` findings nobody has waived."""
    wanted: dict[Purl, list[Tracked]] = {}
    for each in live:
        if each.finding.about and lane(policy, each.finding, live) is not Lane.DIGEST:
            wanted.setdefault(each.finding.about, []).append(each)
    newer = next((purl for purl, causes in wanted.items() if _is_candidate(causes)), None)
    # What ended comes first, so that its ticket is free for what comes in its place.
    ended = {
        purl: end for purl, review in reviews.items() if (end := ended_now(snapshot, delta, review, wanted, newer))
    }
    room = next((reviews[purl] for purl, end in ended.items() if newer and _leaves_room(reviews[purl], end)), None)
    actions: list[Action] = [
        say_over(each, over) for each in reviews.values() if (over := what_is_over(each, delta, wanted))
    ]
    now = {**reviews, **ended}
    for end in ended.values():
        if room is None or end.fingerprint != room.fingerprint:
            actions += farewell(end, delta, newer, now.values())
    news = {each.finding.fingerprint for each in (*delta.opened, *delta.recurred, *delta.changed)}
    asking = _Asking(policy, snapshot, news, _last(reviews))
    for purl, causes in wanted.items():
        asked, said = asking.ask(now.get(purl), purl, causes, room if purl == newer else None)
        now |= {purl: asked} if asked else {}
        actions += said
    for purl, review in tuple(now.items()):
        if review.asked_by and review.state in OPEN and purl not in wanted:
            asked, said = asking.ask(review, purl, (), None)
            now |= {purl: asked} if asked else {}
            actions += said
    kept = tuple(review for purl, review in now.items() if review != reviews.get(purl))
    return Reviewed(kept, tuple(actions))


def _leaves_room(review: Review, ended: Review) -> bool:
    """Whether its ticket goes on with what superseded it."""
    return ended.state is State.SUPERSEDED and review.state in EARLY and not review.campaign


@dataclass(frozen=True, slots=True)
class _Asking:
    """One look at one server, as far as asking goes. `news`: the fingerprints of findings that are news."""

    policy: Policy
    snapshot: Snapshot
    news: Container[str]
    last: Review | None
    """The review before this one that has a ticket."""

    def ask(
        self, review: Review | None, purl: Purl, causes: Sequence[Tracked], room: Review | None
    ) -> tuple[Review | None, tuple[Action, ...]]:
        """Open the review of a version, or add to it, or open it again; the same look repeated asks for nothing more."""
        findings = [each.finding for each in causes]
        fresh = [each for each in causes if each.finding.fingerprint in self.news]
        if review is None:
            pin, at = messages.seen_pin(self.snapshot, Pin(purl)), self.snapshot.taken_at
            begun = self._held(Review(self.snapshot.server.name, pin, State.DETECTED, at, before=self._approved))
            return self._move_in(begun, room, findings) if room else self._open(begun, findings, self.last)
        if review.state is State.REJECTED or (review.state is State.APPROVED and not fresh):
            return None, ()
        if review.state in OPEN:
            now = self._seen(review)
            said: list[Action] = []
            if now.episode != review.episode:
                said += [self._update(now, findings), *_votes_over(review, now)]
            if fresh:
                said.append(self._comment(now, fresh))
            return (now if now != review else None), tuple(said)
        again = ask_again(review, Happening.RECURRED, at=self.snapshot.taken_at, before=self._approved)
        again = self._held(replace(again, candidate=messages.seen_pin(self.snapshot, Pin(purl))), review.candidate)
        if room:
            return self._move_in(again, room, findings)
        if again.ticket and not again.lives_in:
            back = advance(again, Happening.TICKET_OPENED)
            key = f"reopened:{again.mark}:{again.fingerprint}.{again.episode}"
            reopened = MoveTicket(key, again.server, again.mark, "reopened")
            return back, (self._update(back, findings), self._comment(back, causes), reopened)
        fresh_place = replace(
            again, lives_in="", ticket="", occurrence=again.occurrence + 1 if again.lives_in else again.occurrence
        )
        return self._open(fresh_place, findings, review)

    @property
    def _approved(self) -> Pin | None:
        return self.snapshot.approval.pin if self.snapshot.approval else None

    def _seen(self, review: Review) -> Review:
        """Complete the pin with what was seen since, such as digests of files that could not be had before: no vote holds then.

        Nor does one that was given when the registry approved another version: what would change is not what was shown.
        """
        now = replace(review, before=self._approved)
        if _version_of(now.before) != _version_of(review.before):
            now = without_votes(now)
        if not isinstance(self.snapshot.verifications, Unknown):
            known, seen = review.candidate, messages.seen_pin(self.snapshot, Pin(review.candidate.purl))
            # What could not be looked at this time is as it was.
            digests = seen.digests if seen.digests - known.digests else known.digests
            now = replace(now, candidate=replace(seen, digests=digests, publisher=seen.publisher or known.publisher))
        if now.candidate != review.candidate or _version_of(now.before) != _version_of(review.before):
            now = replace(now, episode=review.episode + 1)
        return self._held(now, review.candidate)

    def _held(self, review: Review, known: Pin | None = None) -> Review:
        """Say from when on it can be approved, and by how many. `known`: the pin as it was before this look."""
        hold, purl = self.policy.hold, review.candidate.purl
        if others_before(self.snapshot, review.candidate, known, review.bytes_at):
            review = replace(review, bytes_at=self.snapshot.taken_at)
        found = held(
            self.snapshot,
            review.candidate,
            usual=hold.usual,
            security_fix=hold.security_fix,
            asked_at=review.opened_at,
            bytes_at=review.bytes_at,
        )
        unlisted = not_listed_anywhere(self.snapshot)
        needed = self.policy.people.needed(self.snapshot.server.tier)
        if found.security_fix or (unlisted and found.until):
            needed = max(needed, EXTRA_APPROVERS)
        seen = not isinstance(self.snapshot.package, Unknown) and told(self.snapshot, purl)
        if not (seen or unlisted or review.bytes_at) and review.approvable_from:
            return replace(review, approvers_needed=max(needed, review.approvers_needed))
        return replace(review, approvable_from=found.until, approvers_needed=needed)

    def _open(
        self, review: Review, findings: Sequence[Finding], last: Review | None
    ) -> tuple[Review, tuple[Action, ...]]:
        worst_first = _worst_first(findings)
        links = (last.mark,) if last and last.mark != review.mark else ()
        ticket = OpenTicket(
            key=f"ticket:{review.mark}",
            server=review.server,
            fingerprint=review.mark,
            title=messages.ticket_title(self.snapshot, review),
            body=messages.ticket_body(self.snapshot, review, worst_first),
            priority=worst_first[0].severity.value if worst_first else Severity.MEDIUM.value,
            shows=(review.candidate.fingerprint,),
            links=links,
        )
        return review, (ticket,)

    def _move_in(self, review: Review, room: Review, findings: Sequence[Finding]) -> tuple[Review, tuple[Action, ...]]:
        """Go on in the ticket of an older candidate that nobody has taken up."""
        moved = replace(review, lives_in=room.mark, ticket=room.ticket)
        if room.state is State.TICKETED:
            moved = advance(moved, Happening.TICKET_OPENED)
        body = messages.succession_body(room, moved)
        told = CommentTicket(f"newer:{room.mark}:{moved.fingerprint}.{moved.episode}", moved.server, moved.mark, body)
        return moved, (self._update(moved, findings), told)

    def _update(self, review: Review, findings: Sequence[Finding]) -> UpdateTicket:
        worst_first = _worst_first(findings)
        return UpdateTicket(
            key=f"update:{review.mark}:{review.fingerprint}.{review.occurrence}.{review.episode}:{review.candidate.fingerprint}",
            server=review.server,
            fingerprint=review.mark,
            title=messages.ticket_title(self.snapshot, review),
            body=messages.ticket_body(self.snapshot, review, worst_first),
            priority=worst_first[0].severity.value if worst_first else Severity.MEDIUM.value,
            shows=(review.candidate.fingerprint,),
        )

    def _comment(self, review: Review, fresh: Sequence[Tracked]) -> CommentTicket:
        said = fingerprint(*(_news(each) for each in fresh))
        body = messages.comment_body([each.finding for each in fresh], self.snapshot.taken_at)
        return CommentTicket(f"comment:{review.mark}:{said}.{review.episode}", review.server, review.mark, body)


def _votes_over(before: Review, now: Review) -> list[Action]:
    """Whoever approved the pin as it was known then has to hear that it is another one now, in a ticket that is open again."""
    if not before.approvals():
        return []
    key, body = f"{now.mark}:{now.candidate.fingerprint}.{now.episode}", votes_over_body(before, now)
    told = CommentTicket(f"votes:{key}", now.server, now.mark, body)
    return [told, MoveTicket(f"votes:{key}:open", now.server, now.mark, "reopened")]


def _version_of(pin: Pin | None) -> Purl | None:
    return pin.purl if pin else None


def _worst_first(findings: Sequence[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: -finding.severity.rank)


def _last(reviews: Mapping[Purl, Review]) -> Review | None:
    """Return the review that was opened last and has a ticket."""
    ticketed = [review for review in reviews.values() if review.ticket]
    return max(ticketed, key=lambda review: review.opened_at, default=None)


def _news(tracked: Tracked) -> str:
    """What a comment tells of a finding. Where it runs changes by the hour, and what could mend it with every outage."""
    finding = tracked.finding
    facts = (
        f"{fact.label}={fact.value}" for fact in finding.facts if fact.label not in ("deployed on", "approved fix")
    )
    return "\0".join((finding.fingerprint, str(tracked.occurrences), finding.severity, finding.summary, *facts))


def _is_candidate(causes: Iterable[Tracked]) -> bool:
    return any(each.finding.rule == "new-release" for each in causes)
