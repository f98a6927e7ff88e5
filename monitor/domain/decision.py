"""Whether what somebody said of a version counts, and what follows from it. Pure, so that it can be tried with every order of words.

Words come from a ticket, a pull request or the command line. Each has that place's own name (`ref`) and is dealt with once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from monitor.domain.people import People, Person
from monitor.domain.review import OPEN, Happening, Review, State, Vote, Word, advance

NEVER = datetime.max.replace(tzinfo=UTC)
"""From when on a version can be approved that was never seen in its registry."""


@dataclass(frozen=True, slots=True)
class Words:
    """What somebody said, before it is known whether it counts."""

    ref: str
    """The place's own name for it, another one each time it is said."""
    word: Word
    by: Person | None  # None: nobody whom the configuration knows
    who: str
    """As the place calls who said it, for people."""
    at: datetime
    shown: tuple[str, ...]
    """The fingerprints of the pins that were shown to who said it."""
    via: str
    """Where, for people: `jira SEC-12`, `command line`."""
    reason: str = ""
    note: str = ""
    """What people should know of what was read there, a sentence."""
    again: str = ""
    """How it is said again there, where that is not plain."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a decision is measured by. `reporter` and `submitter` are names of people; empty: nobody whom the configuration knows."""

    people: People
    tier: int
    now: datetime
    reporter: str = ""
    submitter: str = ""
    blocked_by: str = ""
    """What forbids every approval until it is mended or waived; empty: nothing."""
    written: bool = True
    """Whether what is approved stands in the registry, so that a rejection that was said later comes too late."""

    def needed(self, review: Review) -> int:
        """Return how many have to approve: the tier's number, or more where the review demands more."""
        return max(1, self.people.needed(self.tier), review.approvers_needed)


@dataclass(frozen=True, slots=True)
class Counted:
    """It counts."""

    vote: Vote


@dataclass(frozen=True, slots=True)
class NotCounted:
    """It does not: why, and what to do instead."""

    why: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Heard:
    """One word about one review, and what came of it."""

    words: Words
    review: Review
    """As it is after the word."""
    result: Counted | NotCounted
    late: bool = False
    """Whether the registry had it before what was said about it was heard."""


def hear(review: Review, said: Sequence[Words], rules: Rules) -> tuple[Review, tuple[Heard, ...]]:
    """Deal with what was said, oldest first; what was dealt with before is not named again."""
    heard: list[Heard] = []
    for words in said:
        if words.ref in review.answered or any(vote.ref == words.ref for vote in review.votes):
            continue
        result = count(review, words, rules)
        late = review.state is State.APPROVED and rules.written and isinstance(result, Counted)
        review = _after(review, words, result, rules)
        heard.append(Heard(words, review, result, late=late))
    return review, tuple(heard)


def count(review: Review, words: Words, rules: Rules) -> Counted | NotCounted:
    """Say whether a word counts as a vote."""
    refusal = _of_the_review(review, words, rules) or _of_the_person(review, words, rules)
    if refusal is None and words.word is Word.APPROVE:
        refusal = _of_the_time(review, words, rules)
    if refusal or words.by is None:
        return refusal or NotCounted("nobody is known by that name", "")
    pin = review.candidate.fingerprint
    return Counted(Vote(words.by.name, words.word, words.at, words.via, words.ref, pin, words.reason))


def approved_by(review: Review, people: People) -> frozenset[str]:
    """Return whose approvals of exactly this pin hold: who has left the group since does not count."""
    return review.approvals() & people.approvers


def is_enough(review: Review, rules: Rules) -> bool:
    """Whether the approvals that were given suffice by the rules of now."""
    until = review.approvable_from
    if review.state not in OPEN or rules.blocked_by or (until is not None and rules.now < until):
        return False
    return len(approved_by(review, rules.people)) >= rules.needed(review)


def _after(review: Review, words: Words, result: Counted | NotCounted, rules: Rules) -> Review:
    match result:
        case NotCounted():
            return replace(review, answered=(*review.answered, words.ref))
        case Counted(vote):
            voted = replace(review, votes=(*review.votes, vote))
            if vote.word is Word.REJECT:
                return advance(voted, Happening.REJECT)
            enough = len(approved_by(voted, rules.people)) >= rules.needed(voted)
            return advance(voted, Happening.APPROVE if enough else Happening.TAKEN_UP)


def _of_the_review(review: Review, words: Words, rules: Rules) -> NotCounted | None:
    version = review.candidate.purl.version or str(review.candidate.purl)
    if review.state not in OPEN and not _in_time(review, words, rules):
        return _over(review, version)
    pin = review.candidate.fingerprint
    if pin not in words.shown:
        return NotCounted(
            f"it was said before what is under review now was shown: {version}, pin {pin}",
            _again("read what has changed, and decide again", words),
        )
    return None


def _in_time(review: Review, words: Words, rules: Rules) -> bool:
    """Whether an approval can still be taken back: before it stands in the registry, or by what was said before it was enough."""
    if review.state is not State.APPROVED or words.word is not Word.REJECT:
        return False
    if review.candidate.fingerprint not in words.shown:
        return False
    decided = max((vote.at for vote in review.votes if vote.word is Word.APPROVE), default=None)
    return not rules.written or (decided is not None and words.at < decided)


def _over(review: Review, version: str) -> NotCounted:
    match review.state:
        case State.APPROVED:
            return NotCounted(f"{version} is approved already", "to take that back, change the registry")
        case State.REJECTED:
            return NotCounted(
                f"{version} was rejected", f"mcp-monitor review reopen {review.server} {version} --reason … asks anew"
            )
        case State.SUPERSEDED:
            return NotCounted(
                f"a newer version took the place of {version}",
                "decide about the newer one, in the ticket that asks about it",
            )
        case State.WITHDRAWN | State.DETECTED | State.TICKETED | State.IN_REVIEW:
            return NotCounted(
                f"nothing asks for a decision about {version} any more",
                "when it is to run all the same, change the registry",
            )


def _of_the_person(review: Review, words: Words, rules: Rules) -> NotCounted | None:
    person = words.by
    if person is None:
        return NotCounted(
            f"{words.who or 'whoever said it'} is nobody in [people]",
            "whoever keeps the configuration adds the name; then decide again",
        )
    if person.name == rules.reporter:
        return NotCounted(f"{person.name} opened the ticket", "somebody else has to decide")
    if person.name == rules.submitter:
        return NotCounted(f"{person.name} asked for the server", "somebody else has to decide")
    if words.word is Word.APPROVE and person.name not in rules.people.approvers:
        group = ", ".join(sorted(rules.people.approvers)) or "nobody yet"
        return NotCounted(f"{person.name} may not approve", f"one of reviews.approvers has to: {group}")
    if words.word is Word.APPROVE and person.name in review.approvals():
        return NotCounted(f"{person.name} has approved this already", "somebody else has to approve, too")
    return None


def _of_the_time(review: Review, words: Words, rules: Rules) -> NotCounted | None:
    if rules.blocked_by:
        return NotCounted(rules.blocked_by, "have it mended, or waived, and approve again")
    until = review.approvable_from
    # A clock that is ahead of ours brings nothing forward.
    if until is None or min(words.at, rules.now) >= until:
        return None
    if until >= NEVER:
        return NotCounted("the version was never seen in its registry", "approve it when a look has seen it there")
    return NotCounted(
        f"it is too early: it can be approved from {until:%Y-%m-%d %H:%M} UTC on",
        _again("approve it again after that", words),
    )


def _again(what: str, words: Words) -> str:
    return f"{what}: {words.again}" if words.again else what
