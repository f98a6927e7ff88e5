import itertools

import pytest

from monitor.domain.review import OPEN, TRANSITIONS, Happening, Refused, Review, State, advance
from monitor.domain.server import Pin
from tests.make import NOW, PACKAGE

PAIRS = list(itertools.product(State, Happening))


def review(state: State) -> Review:
    return Review("io.github.acme/files-mcp", Pin(PACKAGE.at("1.4.3")), state, NOW, "SEC-7")


@pytest.mark.parametrize(("state", "happening"), PAIRS)
def test_every_pair_of_state_and_happening_is_in_the_table_or_refused(state: State, happening: Happening) -> None:
    if (state, happening) in TRANSITIONS:
        assert advance(review(state), happening).state is TRANSITIONS[state, happening]
    else:
        with pytest.raises(Refused, match=state.value):
            advance(review(state), happening)


def test_nothing_but_approval_approves() -> None:
    assert {happening for (_, happening), state in TRANSITIONS.items() if state is State.APPROVED} == {
        Happening.APPROVE
    }


def test_a_rejected_version_stays_rejected_until_a_person_reopens_it() -> None:
    assert {happening for state, happening in TRANSITIONS if state is State.REJECTED} == {Happening.REOPEN}


def test_only_an_open_review_can_be_decided_and_an_approval_be_taken_back() -> None:
    approved = {state for state, happening in TRANSITIONS if happening is Happening.APPROVE}
    rejected = {state for state, happening in TRANSITIONS if happening is Happening.REJECT}

    assert approved == OPEN
    assert rejected == OPEN | {State.APPROVED}


def test_a_question_that_was_decided_and_comes_back_has_a_new_ticket() -> None:
    again = advance(review(State.APPROVED), Happening.RECURRED)

    assert (again.state, again.occurrence, again.ticket) == (State.DETECTED, 2, "")


@pytest.mark.parametrize("state", [State.WITHDRAWN, State.SUPERSEDED])
def test_a_question_that_went_away_and_comes_back_keeps_its_ticket(state: State) -> None:
    again = advance(review(state), Happening.RECURRED)

    assert (again.state, again.occurrence, again.ticket, again.mark) == (State.DETECTED, 1, "SEC-7", review(state).mark)
