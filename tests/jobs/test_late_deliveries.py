"""What a tracker put off arrives when the ticket has gone on."""

from dataclasses import dataclass, replace

from monitor.domain.action import Deferred, Delivery, MoveTicket, UpdateTicket
from monitor.domain.review import Word
from monitor.ports.channels import Phase
from tests.company import Company
from tests.jobs.conftest import BUILDER, PEOPLE
from tests.jobs.test_sync_reviews import synced
from tests.tracker import Tracker


@dataclass
class Busy(Tracker):
    """Puts off what changes a ticket, for so long as it is busy."""

    busy: bool = True

    async def update(self, ticket: str, update: UpdateTicket) -> Delivery:
        """Not now."""
        return Deferred("429", 600.0) if self.busy else await super().update(ticket, update)

    async def move(self, ticket: str, move: MoveTicket) -> Delivery:
        """Not now."""
        return Deferred("429", 600.0) if self.busy else await super().move(ticket, move)


def busy(company: Company, tracker: Tracker) -> Busy:
    made = Busy(tracker.tickets)
    company.replace(tickets=made)
    return made


async def test_an_update_that_was_put_off_does_not_take_back_a_newer_one(
    asked: Company, tracker: Tracker, logged: list[str]
) -> None:
    jira = busy(asked, tracker)
    asked.world.npm.publish("@acme/files-mcp", "1.4.4", attested_by=BUILDER)
    await asked.run()
    jira.busy = False
    asked.later(minutes=3)
    asked.world.npm.publish("@acme/files-mcp", "1.4.5", attested_by=BUILDER)
    await asked.run()

    asked.later(minutes=20)
    await asked.run()

    (ticket,) = jira.tickets
    assert "1.4.5" in ticket.title
    assert any("delivery.failed" in each for each in logged)


async def test_a_ticket_that_was_decided_meanwhile_is_not_opened_again(
    asked: Company, tracker: Tracker, logged: list[str]
) -> None:
    asked.policy(people=replace(PEOPLE, approvers_needed={2: 2}))
    jira = busy(asked, tracker)
    (ticket,) = jira.tickets
    jira.decide(ticket, Word.APPROVE, "acc-ada", asked.app.clock())
    await synced(asked)
    jira.busy = False
    jira.decide(ticket, Word.APPROVE, "acc-grace", asked.app.clock())

    states = await synced(asked)
    asked.later(minutes=20)
    await synced(asked)

    assert (states, ticket.phase) == (["approved"], Phase.APPROVED)
    assert any("delivery.failed" in each for each in logged)
