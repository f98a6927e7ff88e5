"""Votes that were too few when they were given, and suffice later."""

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.domain.review import Word
from monitor.ports.channels import Phase
from tests.company import Company
from tests.jobs.conftest import PEOPLE
from tests.jobs.test_sync_reviews import Writer, keep, synced
from tests.tracker import Tracker


@pytest.fixture
def writer(asked: Company) -> Writer:
    made = Writer()
    asked.replace(writers={made.name: made})
    return made


async def half_approved(company: Company, tracker: Tracker) -> list[str]:
    """Let ada approve where two have to."""
    company.policy(people=replace(PEOPLE, approvers_needed={2: 2}))
    tracker.decide(tracker.tickets[0], Word.APPROVE, "acc-ada", company.app.clock())
    return await synced(company, times=2)


async def test_votes_that_suffice_when_fewer_are_demanded_approve(
    asked: Company, tracker: Tracker, writer: Writer
) -> None:
    before = await half_approved(asked, tracker)
    asked.policy(people=PEOPLE)

    after = await synced(asked, times=2)

    (ticket,) = tracker.tickets
    assert (before, after) == (["in-review"], ["approved"])
    assert [each.approval.approved_by for each in writer.written] == ["ada"]
    assert ("is not demanded any more" in ticket.remarks[-1], ticket.phase) == (True, Phase.CLOSED)


async def test_votes_for_what_is_held_still_do_not(asked: Company, tracker: Tracker, writer: Writer) -> None:
    await half_approved(asked, tracker)
    (review,) = await asked.reviews()
    held = replace(review, approvable_from=asked.app.clock() + timedelta(hours=1))
    await asked.app.store.run(lambda unit: keep(unit, held))
    asked.policy(people=PEOPLE)

    states = await synced(asked)

    assert (states, writer.written) == (["in-review"], [])


async def test_the_vote_of_who_has_left_does_not(asked: Company, tracker: Tracker, writer: Writer) -> None:
    await half_approved(asked, tracker)
    asked.policy(people=replace(PEOPLE, approvers=frozenset({"grace"})))

    states = await synced(asked)

    assert (states, writer.written) == (["in-review"], [])
