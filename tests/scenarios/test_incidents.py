"""An incident is one thread: who was told hears what follows there, and is reminded while nobody answers."""

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.domain.audit import AuditEvent
from monitor.domain.purl import Purl
from monitor.domain.review import State
from monitor.domain.waiver import Kind, Waiver
from monitor.jobs.answer_for import answer_for, take_back
from monitor.ports.store import UnitOfWork
from tests.company import Company
from tests.scenarios.conftest import FETCH, FILES
from tests.world import Fault
from tests.world import Kind as Trouble
from tests.world.slack import Message

FILES_PACKAGE = Purl.npm("@acme/files-mcp")
PAGE = ["advisories", "deliver"]
REMIND = ["escalate", "deliver"]


@pytest.fixture
async def paged(calm: Company) -> Company:
    """The approved version is malware, and somebody was paged."""
    calm.world.osv.malware("MAL-2026-1", FILES_PACKAGE, "1.4.2")
    await calm.run(PAGE)
    return calm


def head(company: Company) -> Message:
    """The only message that stands in the channel by itself."""
    (found,) = [message for message in company.world.slack.messages if not message.thread]
    return found


def replies(company: Company) -> list[Message]:
    return company.world.slack.replies(head(company))


async def answer(company: Company, kind: Kind, *, hours: float, rule: str = "malware") -> Waiver:
    (tracked,) = await company.findings(rule)
    now = company.world.clock()
    finding, ends = tracked.finding, now + timedelta(hours=hours)
    given = Waiver(rule, finding.server, finding.subject, "rotating keys", "ada", ends, kind, now, f"id{now:%d%H%M}")
    await company.app.store.run(lambda unit: answer_for(unit, company.app.policy, [given], now))
    return given


async def test_what_follows_a_page_is_a_reply_and_the_first_message_says_how_things_stand(paged: Company) -> None:
    paged.world.osv.malware("MAL-2026-2", FILES_PACKAGE, "1.4.2")
    paged.later(minutes=10)

    await paged.run(PAGE)

    (reply,) = replies(paged)
    assert "MAL-2026-2" in reply.words
    assert reply.broadcast
    assert f"Open: {FILES}" in head(paged).words
    assert "MAL-2026-1" in head(paged).words
    assert "MAL-2026-2" in head(paged).words


async def test_when_it_is_over_the_thread_and_its_first_message_say_so(paged: Company) -> None:
    paged.world.osv.withdraw("MAL-2026-1")
    paged.later(minutes=10)

    await paged.run(PAGE)

    (reply,) = replies(paged)
    assert "Resolved" in reply.words
    assert not reply.broadcast
    assert f"Over: {FILES}" in head(paged).words


async def test_a_server_that_leaves_the_registry_ends_its_incident(paged: Company) -> None:
    del paged.registry[FILES]

    await paged.run(["advisories", "deliver"])

    (reply,) = replies(paged)
    assert "it is not in the registry any more" in reply.words
    assert f"Over: {FILES}" in head(paged).words


async def test_another_server_is_another_incident(paged: Company) -> None:
    paged.world.osv.malware("MAL-2026-9", Purl("pypi", None, "acme-fetch-mcp"), "2.4.2")

    await paged.run(PAGE)

    assert [FILES in each.words or FETCH in each.words for each in paged.world.slack.messages] == [True, True]
    assert [each.thread for each in paged.world.slack.messages] == ["", ""]


async def test_a_page_after_the_end_begins_a_new_incident(paged: Company) -> None:
    paged.world.osv.withdraw("MAL-2026-1")
    await paged.run(PAGE)
    paged.later(days=3)
    paged.world.osv.malware("MAL-2026-2", FILES_PACKAGE, "1.4.2")

    await paged.run(PAGE)

    heads = [message for message in paged.world.slack.messages if not message.thread]
    assert ["MAL-2026-2" in each.words for each in heads] == [False, True]


async def test_the_same_stranger_on_more_hosts_is_one_thread_and_wakes_nobody(calm: Company) -> None:
    for number in range(6):
        calm.deploy(f"laptop-2{number}", "pkg:npm/shadow-mcp@1.0.0")
        await calm.run(["fleet", "deliver"])
        calm.later(minutes=15)

    assert len(replies(calm)) == 5
    assert not any(each.broadcast for each in replies(calm))


async def test_many_strangers_in_the_first_look_are_one_message(calm: Company) -> None:
    for number in range(6):
        calm.deploy(f"laptop-2{number}", f"pkg:npm/shadow-{number}-mcp@1.0.0")

    await calm.run(["fleet", "deliver"])

    assert "6 servers on no list" in head(calm).words


async def test_a_reply_waits_for_the_first_message_and_nothing_is_told_twice(calm: Company, logged: list[str]) -> None:
    del logged  # that it could not be delivered is logged
    calm.world.osv.malware("MAL-2026-1", FILES_PACKAGE, "1.4.2")
    calm.world.break_("slack", Fault(Trouble.OUTAGE))
    await calm.run(PAGE)
    calm.world.osv.malware("MAL-2026-2", FILES_PACKAGE, "1.4.2")
    await calm.run(PAGE)
    calm.world.mend("slack")
    calm.later(hours=2)
    await calm.run(["deliver"])
    calm.later(hours=2)

    await calm.run(["deliver"])

    assert "MAL-2026-1" in head(calm).words
    assert ["MAL-2026-2" in each.words for each in replies(calm)] == [True]


async def test_a_reply_in_doubt_is_looked_for_in_its_thread(paged: Company, logged: list[str]) -> None:
    del logged
    paged.world.osv.malware("MAL-2026-2", FILES_PACKAGE, "1.4.2")
    paged.world.break_("slack", Fault(Trouble.ACCEPTED_THEN_ERROR, times=1))
    await paged.run(PAGE)
    paged.later(hours=1)

    await paged.run(["deliver"])

    assert len(replies(paged)) == 1


async def test_a_late_update_does_not_take_back_what_a_younger_one_says(paged: Company, logged: list[str]) -> None:
    del logged
    paged.world.osv.malware("MAL-2026-2", FILES_PACKAGE, "1.4.2")
    paged.world.break_("slack", Fault(Trouble.OUTAGE))
    await paged.run(PAGE)
    paged.world.mend("slack")
    paged.world.osv.withdraw("MAL-2026-1")
    paged.world.osv.withdraw("MAL-2026-2")
    await paged.run(PAGE)
    paged.later(hours=2)

    await paged.run(["deliver"])

    assert f"Over: {FILES}" in head(paged).words
    assert len(replies(paged)) == 2


async def test_a_first_message_that_somebody_deleted_keeps_no_news_back(paged: Company) -> None:
    paged.world.slack.messages.clear()
    paged.world.osv.malware("MAL-2026-2", FILES_PACKAGE, "1.4.2")

    report = await paged.run(PAGE)

    assert "MAL-2026-2" in head(paged).words
    assert report.problems == ()


async def test_a_page_that_nobody_answers_is_said_again_three_times_and_no_more(paged: Company) -> None:
    for _ in range(60):
        paged.later(hours=1)
        await paged.run(REMIND)

    told = replies(paged)
    assert [each.words.count("Nobody has answered for") > 0 for each in told] == [True] * 3
    assert all(each.broadcast for each in told)


async def test_who_acknowledges_is_named_and_nobody_is_reminded_until_that_ends(paged: Company) -> None:
    await answer(paged, Kind.ACKNOWLEDGEMENT, hours=8)
    paged.later(hours=7)
    await paged.run(REMIND)
    silent = [each for each in replies(paged) if "Nobody has answered" in each.words]
    named = "acknowledged by ada until" in head(paged).words
    paged.later(hours=6)

    await paged.run(REMIND)

    assert (silent, named) == ([], True)
    assert [each for each in replies(paged) if "Nobody has answered" in each.words]


async def test_an_acknowledgement_that_was_taken_back_puts_nothing_off(paged: Company) -> None:
    given = await answer(paged, Kind.ACKNOWLEDGEMENT, hours=8)
    paged.later(hours=1)
    now = paged.world.clock()
    await paged.app.store.run(lambda unit: take_back(unit, paged.app.policy, given, by="ada", now=now))
    paged.later(hours=8)

    await paged.run(REMIND)

    assert [each for each in replies(paged) if "Nobody has answered for 9 h" in each.words]


async def test_a_ticket_that_somebody_took_up_is_an_answer(paged: Company) -> None:
    (review,) = [each for each in await paged.reviews() if each.candidate.purl == FILES_PACKAGE.at("1.4.2")]
    taken = replace(review, state=State.IN_REVIEW)

    def take_up(unit: UnitOfWork) -> None:
        unit.keep_reviews([taken])
        unit.commit(AuditEvent(paged.world.clock(), "test", "review.in-review", FILES, {}))

    await paged.app.store.run(take_up)
    paged.later(hours=30)

    await paged.run(REMIND)

    assert replies(paged) == []


async def test_an_escalation_goes_where_the_policy_says(paged: Company) -> None:
    paged.policy(escalate_after=None)
    paged.later(hours=30)
    await paged.run(REMIND)
    told_never = len(paged.world.slack.messages)
    paged.policy(escalate_after=timedelta(hours=1))

    await paged.run(REMIND)

    assert told_never == 1
    assert ["Nobody has answered" in each.words for each in replies(paged)] == [True]


async def test_a_waiver_of_malware_is_said_loudly_and_its_undoing_asks_again(paged: Company) -> None:
    given = await answer(paged, Kind.WAIVER, hours=48)
    await paged.run(["deliver"])
    (said,) = replies(paged)
    over = head(paged).words
    paged.later(hours=1)
    now = paged.world.clock()
    await paged.app.store.run(lambda unit: take_back(unit, paged.app.policy, given, by="grace", now=now))

    await paged.run(PAGE)

    assert said.broadcast
    assert "Waived by ada until" in said.words
    assert f"Over: {FILES}" in over
    assert "grace took back" in replies(paged)[-1].words
    assert f"Open: {FILES}" in head(paged).words


async def test_a_week_with_nothing_to_say_says_nothing(calm: Company) -> None:
    await calm.run(["weekly", "deliver"])

    assert calm.world.slack.messages == []


async def test_the_week_is_summed_up_once(paged: Company) -> None:
    await paged.run(["weekly", "deliver"])
    await paged.run(["weekly", "deliver"])

    (weekly,) = [each for each in paged.world.slack.messages if "The week" in each.words]
    assert "1 in the lane page" in weekly.words
    assert "Reviews without an answer" in weekly.words
