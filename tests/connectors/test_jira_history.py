"""Laws of the history: whatever its order, a decision counts for what stood in the ticket when it was made, and for nothing else."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors._jira_history import Entry, History, Item, at, in_order
from connectors._jira_site import Person
from connectors._jira_ticket import PROPERTY, Property, Ticket
from monitor.ports.errors import Malformed

EVENTS = {
    "we write": ("bot", Item(field="description")),
    "we retitle": ("bot", Item(field="Zusammenfassung", field_id="summary")),
    "we label": ("bot", Item(field="labels")),
    "ada writes": ("ada", Item(field="description")),
    "ada decides": ("ada", Item(field="status", to="5")),
    "nobody decides": ("", Item(field="status", to="5")),
}
WRITING = {"we write", "we retitle"}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def entries(*events: str) -> list[Entry]:
    """A history, oldest first, all in one second."""
    return [
        Entry(str(number), "2026-11-24T09:00:00.000+0000", [item], Person(account_id=by) if by else None)
        for number, (by, item) in enumerate(EVENTS[event] for event in events)
    ]


@given(st.lists(st.sampled_from(sorted(EVENTS)), max_size=8), st.lists(st.sampled_from(sorted(EVENTS)), max_size=8))
def test_a_decision_counts_exactly_when_we_wrote_nothing_after_it(before: list[str], after: list[str]) -> None:
    past = History(tuple(entries(*before, "ada decides", *after)), "bot")

    counts = len(before) >= past.shown_from("")

    assert counts == (not WRITING & set(after))


@given(st.lists(st.sampled_from(sorted(EVENTS)), min_size=1, max_size=8), st.integers(0, 7))
def test_nothing_counts_up_to_the_change_after_which_the_news_was_told(events: list[str], place: int) -> None:
    past = History(tuple(entries(*events)), "bot")

    assert past.shown_from(str(place)) > min(place, len(events) - 1)


@given(st.lists(st.sampled_from(sorted(EVENTS)), max_size=8))
def test_where_that_change_is_not_in_the_history_nothing_counts(events: list[str]) -> None:
    past = History(tuple(entries(*events)), "bot")

    assert past.shown_from("gone") == len(events)


def test_a_text_is_its_last_writers_and_ours_where_nobody_wrote() -> None:
    assert History((), "bot").is_ours("description")
    assert History(tuple(entries("ada writes", "we write")), "bot").is_ours("description")
    assert not History(tuple(entries("we write", "ada writes", "we retitle")), "bot").is_ours("description")


def test_a_writer_who_is_not_told_is_a_person() -> None:
    anonymous = Entry("1", "2026-11-24T09:00:00.000+0000", [Item(field="summary")])

    assert not History((anonymous,), "bot").is_ours("summary")


def test_a_history_that_is_told_backwards_is_turned() -> None:
    first = Entry("7", "2026-11-24T09:00:00.000+0000")
    last = Entry("5", "2026-11-24T09:00:01.000+0000")

    assert in_order([last, first], "bot").entries == (first, last) == in_order([first, last], "bot").entries


@pytest.mark.parametrize("text", ["", "yesterday", "2026-11-24T09:00:00", "9" * 1000])
def test_what_is_no_time_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        at(text)


@given(ANYTHING)
def test_a_property_is_ours_or_nothing(value: object) -> None:
    ticket = Ticket("1", "MCPSEC-1", properties={PROPERTY: value})

    assert ticket.ours is None or isinstance(ticket.ours, Property)


@given(st.builds(Property, st.text(max_size=9), shows=st.lists(st.text(max_size=9)), after=st.text(max_size=9)))
def test_a_property_comes_back_as_it_was_written(written: Property) -> None:
    kept = msgspec.json.decode(msgspec.json.encode(written.value))

    assert Ticket("1", "MCPSEC-1", properties={PROPERTY: kept}).ours == written
