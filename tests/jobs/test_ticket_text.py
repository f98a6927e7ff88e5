"""What is believed of a ticket's property: what we wrote there, and nothing else."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.action import OpenTicket, UpdateTicket
from monitor.domain.document import Paragraph
from monitor.domain.review import Word
from monitor.jobs.ticket_text import Text, restoring, vouched
from monitor.ports.channels import Phase, Said, TicketState
from tests.databases import NOW

PINS = st.frozensets(st.sampled_from(["p1", "p2", "p3", "p4"]))
OPENED = OpenTicket("ticket:m1", "s", "m1", "Re-approve", (Paragraph("evidence"),), "high", ("p1",))
QUIET = Text(OPENED, frozenset({"p1"}), frozenset(), busy=False)


def claims(*pins: str) -> TicketState:
    return TicketState("SEC-1", Phase.NEW, shows=pins)


def said(*shown: str) -> Said:
    return Said("1", Word.APPROVE, "acc-ada", NOW, shown)


@given(PINS, PINS, PINS)
def test_no_word_is_about_a_pin_that_we_did_not_show(
    claimed: frozenset[str], written: frozenset[str], coming: frozenset[str]
) -> None:
    text = Text(OPENED, written, coming, busy=bool(coming))

    heard = vouched([said(*claimed)], text)

    assert all(set(each.shown) == claimed & written for each in heard)
    assert bool(heard) == coming.isdisjoint(claimed - written)


def test_a_ticket_is_spoilt_that_claims_another_pin_or_none() -> None:
    assert [QUIET.is_spoilt(claims(*pins)) for pins in [("p1",), ("p2",), ("p1", "p2"), ()]] == [
        False,
        True,
        True,
        True,
    ]


def test_a_ticket_that_shows_what_is_under_way_is_not_spoilt() -> None:
    assert not replace(QUIET, coming=frozenset({"p2"}), busy=True).is_spoilt(claims("p2"))


def test_a_ticket_is_written_anew_as_it_was_once_an_hour_unless_something_is_under_way() -> None:
    anew = restoring(QUIET, NOW)

    assert isinstance(anew, UpdateTicket)
    assert (anew.title, anew.body, anew.shows) == (OPENED.title, OPENED.body, OPENED.shows)
    assert anew == restoring(QUIET, NOW.replace(minute=59))
    assert restoring(replace(QUIET, busy=True), NOW) is None
