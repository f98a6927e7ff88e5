from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.decision import NEVER, Counted, NotCounted, Rules, Words, count, hear
from monitor.domain.people import People, Person
from monitor.domain.review import OPEN, Review, State, Word
from monitor.domain.server import Pin
from tests.make import NOW, PACKAGE, digest

ADA, GRACE, BOB = Person("ada"), Person("grace"), Person("bob")
PEOPLE = People((ADA, GRACE, BOB), frozenset({"ada", "grace"}), {1: 2})
RULES = Rules(PEOPLE, 2, NOW)
REVIEW = Review("io.github.acme/files-mcp", Pin(PACKAGE.at("1.4.3")), State.TICKETED, NOW, "SEC-7")
PIN = REVIEW.candidate.fingerprint
OTHER_PIN = Pin(PACKAGE.at("1.4.3"), frozenset({digest("other")})).fingerprint


def words(word: Word = Word.APPROVE, *, by: Person | None = ADA, ref: str = "1", shown: str = PIN) -> Words:
    return Words(ref, word, by, "acc-1", NOW, (shown,), "jira SEC-7")


def why(review: Review, said: Words, rules: Rules = RULES) -> str:
    result = count(review, said, rules)
    return result.why if isinstance(result, NotCounted) else ""


def test_an_approvers_word_approves() -> None:
    review, heard = hear(REVIEW, [words()], RULES)

    assert review.state is State.APPROVED
    assert [type(each.result) for each in heard] == [Counted]


def test_the_first_tier_needs_two_people() -> None:
    rules = replace(RULES, tier=1)

    once, _ = hear(REVIEW, [words()], rules)
    twice, _ = hear(once, [words(by=GRACE, ref="2")], rules)

    assert (once.state, twice.state) == (State.IN_REVIEW, State.APPROVED)


def test_one_person_is_not_two() -> None:
    review, heard = hear(REVIEW, [words(), words(ref="2")], replace(RULES, tier=1))

    assert review.state is State.IN_REVIEW
    assert isinstance(heard[1].result, NotCounted)


def test_a_review_that_demands_more_people_than_its_tier_gets_them() -> None:
    review, _ = hear(replace(REVIEW, approvers_needed=2), [words()], RULES)

    assert review.state is State.IN_REVIEW


def test_anybody_known_may_reject_at_once() -> None:
    review, _ = hear(REVIEW, [words(Word.REJECT, by=BOB)], replace(RULES, tier=1))

    assert review.state is State.REJECTED


def test_who_is_no_approver_approves_nothing() -> None:
    assert "may not approve" in why(REVIEW, words(by=BOB))


def test_a_stranger_decides_nothing() -> None:
    assert "nobody in [people]" in why(REVIEW, words(Word.REJECT, by=None))


def test_who_opened_the_ticket_does_not_decide() -> None:
    assert "opened the ticket" in why(REVIEW, words(), replace(RULES, reporter="ada"))


def test_who_asked_for_the_server_does_not_decide() -> None:
    assert "asked for the server" in why(REVIEW, words(), replace(RULES, submitter="ada"))


def test_a_word_about_another_pin_counts_for_nothing() -> None:
    assert PIN in why(REVIEW, words(shown=OTHER_PIN))


def test_too_early_names_the_date() -> None:
    held = replace(REVIEW, approvable_from=NOW + timedelta(hours=2))

    assert "from 2026-11-20 14:00 UTC" in why(held, words())


def test_a_held_version_can_be_rejected() -> None:
    review, _ = hear(replace(REVIEW, approvable_from=NEVER), [words(Word.REJECT)], RULES)

    assert review.state is State.REJECTED


def test_a_version_that_was_never_seen_cannot_be_approved() -> None:
    assert "never seen" in why(replace(REVIEW, approvable_from=NEVER), words())


def test_a_clock_that_is_ahead_brings_nothing_forward() -> None:
    held = replace(REVIEW, approvable_from=NOW + timedelta(hours=2))

    assert "too early" in why(held, replace(words(), at=NOW + timedelta(days=9)))


def test_what_blocks_the_server_blocks_its_approval() -> None:
    assert why(REVIEW, words(), replace(RULES, blocked_by="the name is another's")) == "the name is another's"


@pytest.mark.parametrize("state", sorted(set(State) - OPEN))
def test_what_is_over_is_answered_and_stays_as_it_is(state: State) -> None:
    review, heard = hear(replace(REVIEW, state=state), [words(Word.REJECT)], RULES)

    assert (review.state, review.answered) == (state, ("1",))
    assert isinstance(heard[0].result, NotCounted)


def test_the_same_word_is_dealt_with_once() -> None:
    once, _ = hear(REVIEW, [words(by=BOB), words(by=ADA, ref="2")], replace(RULES, tier=1))

    again, heard = hear(once, [words(by=BOB), words(by=ADA, ref="2")], replace(RULES, tier=1))

    assert (again, heard) == (once, ())


SAID = st.builds(
    Words,
    ref=st.integers(0, 12).map(str),
    word=st.sampled_from(Word),
    by=st.sampled_from([ADA, GRACE, BOB, Person("eve"), None]),
    who=st.just("somebody"),
    at=st.integers(-5, 5).map(lambda hours: NOW + timedelta(hours=hours)),
    shown=st.lists(st.sampled_from([PIN, OTHER_PIN]), max_size=2).map(tuple),
    via=st.just("anywhere"),
)


@given(st.lists(SAID, max_size=12), st.integers(1, 3), st.integers(-6, 6), st.integers(1, 3))
def test_nothing_is_approved_but_by_enough_approvers_of_this_pin_after_the_hold(
    said: list[Words], tier: int, hold: int, demanded: int
) -> None:
    until = NOW + timedelta(hours=hold)
    rules = Rules(PEOPLE, tier, NOW + timedelta(hours=6), reporter="grace" if tier == 3 else "")

    review, _ = hear(replace(REVIEW, approvable_from=until, approvers_needed=demanded), said, rules)

    if review.state is State.APPROVED:
        approving = [vote for vote in review.votes if vote.word is Word.APPROVE]
        assert len({vote.by for vote in approving}) >= rules.needed(review)
        assert {vote.by for vote in approving} <= PEOPLE.approvers - {rules.reporter}
        assert {vote.pin for vote in approving} == {PIN}
        assert all(vote.at >= until for vote in approving)
        assert all(vote.word is not Word.REJECT for vote in review.votes)
