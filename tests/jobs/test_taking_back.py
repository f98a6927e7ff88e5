"""Decisions that are taken back before they have reached the registry, and after."""

import pytest

from monitor.domain.decision import Words
from monitor.domain.review import Review, State, Word
from monitor.jobs.decide import Terms, decide_by, reopen_by
from monitor.runner import run
from tests.company import Company
from tests.jobs.conftest import PEOPLE
from tests.jobs.test_sync_reviews import Writer, synced
from tests.tracker import Tracker


@pytest.fixture
def writer(asked: Company) -> Writer:
    made = Writer()
    asked.replace(writers={made.name: made})
    return made


async def say(company: Company, word: Word, name: str, *, ref: str = "command:1") -> Review:
    """Say a word at the keyboard."""
    (review,) = await company.reviews()
    now = company.app.clock()
    pins = (review.candidate.fingerprint,)
    words = Words(ref, word, PEOPLE.named(name), name, now, pins, "command line", "read it")
    terms = Terms.of(company.app)
    decided = await company.app.store.run(lambda unit: decide_by(unit, terms, review, [words]))
    assert decided.review
    return decided.review


async def reopen(company: Company) -> None:
    (review,) = await company.reviews()
    terms = Terms.of(company.app)
    await company.app.store.run(lambda unit: reopen_by(unit, terms, review, by="grace", reason="stop"))


async def dropped(company: Company) -> list[str]:
    events = await company.app.store.run(lambda unit: unit.events("delivery.dropped"))
    return [each.detail["ref"] for each in events]


async def test_an_approval_that_is_opened_anew_before_it_is_written_is_not_written(
    asked: Company, writer: Writer
) -> None:
    await say(asked, Word.APPROVE, "ada")
    await reopen(asked)

    await synced(asked)

    assert writer.written == []
    assert await dropped(asked) == ["the decision was taken back"]


async def test_what_is_approved_again_after_it_was_taken_back_is_written(asked: Company, writer: Writer) -> None:
    await say(asked, Word.APPROVE, "ada")
    await reopen(asked)
    await synced(asked)

    await say(asked, Word.APPROVE, "grace", ref="command:2")
    await run(asked.app, ["deliver"])

    assert [each.approval.approved_by for each in writer.written] == ["grace"]


async def test_a_rejection_in_the_ticket_that_is_read_after_an_approval_at_the_keyboard_stays(
    asked: Company, tracker: Tracker, writer: Writer
) -> None:
    (ticket,) = tracker.tickets
    tracker.decide(ticket, Word.REJECT, "acc-bob", asked.app.clock())
    asked.later(minutes=1)
    await say(asked, Word.APPROVE, "ada")

    states = await synced(asked, times=2)

    assert (states, writer.written) == (["rejected"], [])
    assert "Rejected by bob" in ticket.remarks[-1]


async def test_a_rejection_takes_back_what_is_not_written_yet(asked: Company, writer: Writer) -> None:
    await say(asked, Word.APPROVE, "ada")
    asked.later(minutes=1)
    await say(asked, Word.REJECT, "bob", ref="command:2")

    states = await synced(asked)

    assert (states, writer.written) == (["rejected"], [])


async def test_a_rejection_after_it_is_written_is_too_late(asked: Company, writer: Writer) -> None:
    await say(asked, Word.APPROVE, "ada")
    await run(asked.app, ["deliver"])
    asked.later(minutes=1)

    review = await say(asked, Word.REJECT, "bob", ref="command:2")

    assert (review.state, len(writer.written)) == (State.APPROVED, 1)


async def test_a_rejection_that_was_said_before_stays_even_though_it_is_written(
    asked: Company, tracker: Tracker, writer: Writer
) -> None:
    (ticket,) = tracker.tickets
    tracker.decide(ticket, Word.REJECT, "acc-bob", asked.app.clock())
    asked.later(minutes=1)
    await say(asked, Word.APPROVE, "ada")
    await run(asked.app, ["deliver"])

    states = await synced(asked)

    assert (states, len(writer.written)) == (["rejected"], 1)
    assert "The registry has it already: take it out there." in ticket.remarks[-1]
