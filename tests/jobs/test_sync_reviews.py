from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from monitor.domain.action import Action, Delivered, Delivery, Rejected, UpdateTicket, WritePin
from monitor.domain.review import Review, State, Word
from monitor.domain.server import Pin
from monitor.ports.channels import Change, Phase
from monitor.ports.store import UnitOfWork
from monitor.runner import run
from tests.company import Company
from tests.jobs.conftest import BUILDER, PEOPLE
from tests.tracker import Tracker


class Writer:
    """Keeps what it was given."""

    name = "registry-file"

    def __init__(self) -> None:
        self.written: list[WritePin] = []

    async def write(self, change: Change) -> Delivery:
        """Keep it."""
        assert isinstance(change, WritePin)
        self.written.append(change)
        return Delivered("written")

    async def probe(self) -> str:
        """All is well."""
        return "registry-file: in memory"


class Refusing:
    """Says that the registry changed."""

    name = "registry-file"

    async def write(self, change: Change) -> Delivery:  # noqa: ARG002 (whatever it is)
        """Refuse it."""
        return Rejected("the registry pins 1.4.4 now")

    async def probe(self) -> str:
        """All is well."""
        return "registry-file: refuses"


def keep(unit: UnitOfWork, *reviews: Review) -> None:
    unit.keep_reviews(reviews)
    unit.commit(unit.events("run.finished")[0])


def queue(unit: UnitOfWork, action: Action, now: datetime) -> None:
    unit.queue([action], now)
    unit.commit(unit.events("run.finished")[0])


@pytest.fixture
def writer(asked: Company) -> Writer:
    made = Writer()
    asked.replace(writers={made.name: made})
    return made


async def synced(company: Company, *, times: int = 1) -> list[str]:
    """Read and deliver; return the states of all reviews."""
    for _ in range(times):
        await run(company.app, ["reviews", "deliver"])
    return [each.state.value for each in await company.reviews()]


async def verbs(company: Company) -> list[tuple[str, str]]:
    events = await company.app.store.run(
        lambda unit: [
            each for verb in ("review.voted", "review.approved", "review.not-counted") for each in unit.events(verb)
        ]
    )
    return [(each.verb, each.actor) for each in events]


async def test_an_approval_in_the_ticket_becomes_a_pin_to_be_written(
    asked: Company, tracker: Tracker, writer: Writer
) -> None:
    (ticket,) = tracker.tickets
    tracker.decide(ticket, Word.APPROVE, "acc-ada", asked.app.clock())

    states = await synced(asked, times=3)

    (pin,) = writer.written
    assert states == ["approved"]
    assert (pin.approval.pin.fingerprint,) == ticket.shows
    assert (pin.approval.approved_by, pin.approval.ticket, pin.before) == (
        "ada",
        "SEC-1",
        "pkg:npm/%40acme/files-mcp@1.4.2",
    )
    assert len(ticket.remarks) == 1
    assert "Approved by ada" in ticket.remarks[0]
    assert await verbs(asked) == [("review.voted", "ada"), ("review.approved", "ada")]


async def test_an_approval_ends_when_its_tiers_time_is_over(asked: Company, tracker: Tracker, writer: Writer) -> None:
    asked.policy(expires_after={2: timedelta(days=180)})
    tracker.decide(tracker.tickets[0], Word.APPROVE, "acc-ada", asked.app.clock())

    await synced(asked)

    (pin,) = writer.written
    assert pin.approval.approved_at == asked.app.clock()
    assert pin.approval.expires_at == asked.app.clock() + timedelta(days=180)


async def test_without_a_writer_the_ticket_says_what_to_enter(asked: Company, tracker: Tracker) -> None:
    tracker.decide(tracker.tickets[0], Word.APPROVE, "acc-ada", asked.app.clock())

    await synced(asked)

    assert "enter version 1.4.3 in the registry" in tracker.tickets[0].remarks[-1]


async def test_two_approvers_move_the_ticket_one_after_the_other(
    asked: Company, tracker: Tracker, writer: Writer
) -> None:
    asked.policy(people=replace(PEOPLE, approvers_needed={2: 2}))
    (ticket,) = tracker.tickets
    tracker.decide(ticket, Word.APPROVE, "acc-ada", asked.app.clock())

    once = await synced(asked, times=2)
    phase, said = ticket.phase, ticket.remarks[-1]
    tracker.decide(ticket, Word.APPROVE, "acc-grace", asked.app.clock())
    twice = await synced(asked, times=2)

    assert (once, phase, "Missing: 1 more, of grace" in said) == (["in-review"], Phase.NEW, True)
    assert twice == ["approved"]
    assert [each.approval.approved_by for each in writer.written] == ["ada, grace"]


@pytest.mark.parametrize(
    ("by", "why"),
    [("acc-bob", "bob may not approve"), ("acc-eve", "nobody in [people]"), ("bot", "nobody in [people]")],
)
async def test_a_word_that_does_not_count_is_answered_once_and_the_ticket_is_open_again(
    asked: Company, tracker: Tracker, writer: Writer, by: str, why: str
) -> None:
    (ticket,) = tracker.tickets
    tracker.decide(ticket, Word.APPROVE, by, asked.app.clock())

    states = await synced(asked, times=3)

    assert (states, writer.written, ticket.phase) == (["ticketed"], [], Phase.NEW)
    assert [why in each for each in ticket.remarks] == [True]


async def test_who_opened_the_ticket_by_hand_does_not_decide_in_it(asked: Company, tracker: Tracker) -> None:
    tracker.reporter = "acc-ada"
    tracker.decide(tracker.tickets[0], Word.APPROVE, "acc-ada", asked.app.clock())

    states = await synced(asked)

    assert states == ["ticketed"]
    assert "ada opened the ticket" in tracker.tickets[0].remarks[-1]


async def test_a_word_that_was_said_before_the_pin_was_shown_does_not_count(asked: Company, tracker: Tracker) -> None:
    tracker.decide(tracker.tickets[0], Word.APPROVE, "acc-ada", asked.app.clock(), shown=())

    states = await synced(asked)

    assert states == ["ticketed"]
    assert "before what is under review now was shown" in tracker.tickets[0].remarks[-1]


async def test_a_young_version_is_approved_only_when_its_hold_is_over(
    asked: Company, tracker: Tracker, writer: Writer
) -> None:
    asked.world.npm.publish("@acme/files-mcp", "1.4.4", attested_by=BUILDER)
    await asked.run()
    (ticket,) = tracker.tickets
    tracker.decide(ticket, Word.APPROVE, "acc-ada", asked.app.clock())

    early = await synced(asked)
    asked.later(hours=73)
    tracker.decide(ticket, Word.APPROVE, "acc-ada", asked.app.clock())
    late = await synced(asked)

    assert early == ["superseded", "ticketed"]
    assert "it is too early" in " ".join(ticket.remarks)
    assert late == ["superseded", "approved"]
    assert [each.approval.pin.purl.version for each in writer.written] == ["1.4.4"]


async def test_a_rejection_ends_it_and_nothing_asks_again(asked: Company, tracker: Tracker, writer: Writer) -> None:
    (ticket,) = tracker.tickets
    tracker.decide(ticket, Word.REJECT, "acc-bob", asked.app.clock())

    states = await synced(asked)
    await asked.run()
    await asked.run()

    assert (states, writer.written, len(tracker.tickets)) == (["rejected"], [], 1)
    assert "stays unapproved" in ticket.remarks[-1]


async def test_an_approval_after_the_rejection_is_answered(asked: Company, tracker: Tracker) -> None:
    (ticket,) = tracker.tickets
    tracker.decide(ticket, Word.REJECT, "acc-bob", asked.app.clock())
    await synced(asked)
    tracker.decide(ticket, Word.APPROVE, "acc-ada", asked.app.clock())

    states = await synced(asked, times=2)

    assert states == ["rejected"]
    assert "was rejected" in ticket.remarks[-1]
    assert "review reopen" in ticket.remarks[-1]


async def test_a_ticket_that_somebody_works_on_is_not_retitled(asked: Company, tracker: Tracker) -> None:
    tracker.tickets[0].phase = Phase.TAKEN
    await synced(asked)
    asked.world.npm.publish("@acme/files-mcp", "1.4.4", attested_by=BUILDER)

    await asked.run()

    assert [each.state for each in await asked.reviews()] == [State.SUPERSEDED, State.TICKETED]
    assert [(each.title.split()[4], each.phase, each.links) for each in tracker.tickets] == [
        ("1.4.3", Phase.CLOSED, ()),
        ("1.4.4", Phase.NEW, ("SEC-1",)),
    ]


async def test_a_decision_in_the_ticket_of_a_superseded_version_is_answered(asked: Company, tracker: Tracker) -> None:
    tracker.tickets[0].phase = Phase.TAKEN
    await synced(asked)
    asked.world.npm.publish("@acme/files-mcp", "1.4.4", attested_by=BUILDER)
    await asked.run()
    tracker.decide(tracker.tickets[0], Word.APPROVE, "acc-ada", asked.app.clock())

    states = await synced(asked, times=2)

    assert states == ["superseded", "ticketed"]
    assert "took the place of 1.4.3" in tracker.tickets[0].remarks[-1]


async def test_a_ticket_that_is_closed_without_a_decision_is_told_so_each_time(
    asked: Company, tracker: Tracker
) -> None:
    (ticket,) = tracker.tickets
    ticket.phase = Phase.CLOSED
    once = await synced(asked, times=2)
    ticket.phase = Phase.TAKEN
    await synced(asked)
    ticket.phase = Phase.CLOSED

    twice = await synced(asked, times=2)

    assert (once, twice) == (["ticketed"], ["in-review"])
    assert ["without a decision" in each for each in ticket.remarks] == [True, True]


async def test_what_no_person_brought_to_approved_is_nobodys_decision(asked: Company, tracker: Tracker) -> None:
    (ticket,) = tracker.tickets
    ticket.phase = Phase.APPROVED

    states = await synced(asked, times=2)

    assert states == ["ticketed"]
    assert ["nobody's decision" in each for each in ticket.remarks] == [True]


async def test_a_deleted_ticket_is_opened_again_with_its_evidence(asked: Company, tracker: Tracker) -> None:
    tracker.tickets[0].mark = "deleted"

    states = await synced(asked, times=2)
    await asked.run()

    again = tracker.tickets[1]
    assert (states, len(tracker.tickets)) == (["ticketed"], 2)
    assert "SEC-1 was deleted" in again.body
    assert "1.4.3" in again.title
    assert "npm attestation" in again.body


async def test_when_most_tickets_are_gone_at_once_nothing_is_done(asked: Company, tracker: Tracker) -> None:
    reviews = await asked.reviews()
    more = [
        replace(reviews[0], server=f"io.github.acme/more-{number}", ticket=f"SEC-{number}") for number in range(2, 5)
    ]

    await asked.app.store.run(lambda unit: keep(unit, *more))
    tracker.tickets[0].mark = "hidden"

    report = await run(asked.app, ["reviews"])

    assert report.exit_code == 3
    assert "4 of 4 tickets are gone" in report.problems[0]
    assert {each.ticket for each in await asked.reviews()} == {"SEC-1", "SEC-2", "SEC-3", "SEC-4"}


async def test_a_moved_ticket_keeps_its_review(asked: Company, tracker: Tracker) -> None:
    tracker.tickets[0].key = "OPS-9"
    tracker.decide(tracker.tickets[0], Word.APPROVE, "acc-ada", asked.app.clock())

    states = await synced(asked)

    assert states == ["approved"]
    assert [each.ticket for each in await asked.reviews()] == ["OPS-9"]


async def test_a_tracker_that_cannot_be_read_is_unknown_until_it_can(asked: Company, tracker: Tracker) -> None:
    tracker.silent = True
    dark = await run(asked.app, ["reviews"])
    still = await run(asked.app, ["fleet"])
    tracker.silent = False

    light = await run(asked.app, ["reviews"])

    assert [report.exit_code for report in (dark, still)] == [3, 3]
    assert any(each.source == "reviews:jira" for each in still.unknowns)
    assert light.exit_code != 3


async def test_an_approval_that_is_not_written_is_told_in_the_ticket_once(
    asked: Company, tracker: Tracker, logged: list[str]
) -> None:
    refusing = Refusing()
    asked.replace(writers={refusing.name: refusing})
    tracker.decide(tracker.tickets[0], Word.APPROVE, "acc-ada", asked.app.clock())

    await synced(asked)
    asked.later(hours=2)
    await synced(asked)

    (told,) = [each for each in tracker.tickets[0].remarks if "Not written" in each]
    assert "the registry pins 1.4.4 now" in told
    assert all("delivery.failed" in each for each in logged)


async def test_a_pin_that_is_known_more_exactly_has_to_be_approved_again(asked: Company, tracker: Tracker) -> None:
    asked.policy(people=replace(PEOPLE, approvers_needed={2: 2}))
    (ticket,) = tracker.tickets
    (review,) = await asked.reviews()
    known_less = replace(review, candidate=Pin(review.candidate.purl))
    await asked.app.store.run(lambda unit: keep(unit, known_less))
    shows = (known_less.candidate.fingerprint,)
    less = UpdateTicket(f"update:{ticket.mark}:less", review.server, ticket.mark, ticket.title, (), "high", shows)
    await asked.app.store.run(lambda unit: queue(unit, less, asked.app.clock()))
    await synced(asked)
    tracker.decide(ticket, Word.APPROVE, "acc-ada", asked.app.clock())
    await synced(asked, times=2)
    ticket.phase = Phase.TAKEN

    await asked.run()
    tracker.decide(ticket, Word.APPROVE, "acc-grace", asked.app.clock())
    states = await synced(asked)

    assert any("Approvals of the pin before do not count" in each for each in ticket.remarks)
    assert states == ["in-review"]
    assert "Missing: 1 more, of ada" in ticket.remarks[-1]
