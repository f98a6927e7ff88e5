"""What was said in Jira's tickets, however much of it between two readings, and when."""

import pytest

from connectors._edge.http import Http
from monitor.domain.action import Delivered, OpenTicket, UpdateTicket
from monitor.domain.document import Paragraph
from monitor.domain.review import Word
from monitor.ports.channels import Phase, TicketState
from tests.connectors.trackers import Flavour, tracker
from tests.world import World

BODY = (Paragraph("Evidence for 1.4.2"),)
TICKET = OpenTicket("ticket:a", "io.github.acme/files", "3f9c1a77b2d4e6f8", "Re-approve", BODY, "high", ("pin-1",))
NEWER = UpdateTicket("update:a", TICKET.server, TICKET.fingerprint, "1.4.3", (Paragraph("Newer"),), "high", ("pin-2",))
KEYS = {TICKET.fingerprint: "MCPSEC-1"}


async def seen(edge: Http, world: World, flavour: Flavour, *, approvals: bool = False) -> TicketState:
    """Read the one ticket."""
    states = await tracker(edge, world, flavour, approvals=approvals).read(KEYS)
    return states[TICKET.fingerprint]


@pytest.fixture(autouse=True)
async def _open(edge: Http, world: World, flavour: Flavour) -> None:
    assert await tracker(edge, world, flavour).open(TICKET) == Delivered("MCPSEC-1")


async def test_what_was_said_between_two_readings_is_all_said(edge: Http, world: World, flavour: Flavour) -> None:
    for status, by in [("Rejected", "bob"), ("To Do", "grace"), ("Approved", "ada"), ("To Do", "bot")]:
        world.jira.transition("MCPSEC-1", status, by=f"acc-{by}" if by != "bot" else by)
        world.clock.advance(minutes=1)

    state = await seen(edge, world, flavour)

    assert state.phase is Phase.NEW
    assert [(said.word, said.by) for said in state.said] == [(Word.REJECT, "acc-bob"), (Word.APPROVE, "acc-ada")]
    assert len({said.ref for said in state.said}) == 2


async def test_each_step_is_about_what_the_ticket_showed_at_its_time(
    edge: Http, world: World, flavour: Flavour
) -> None:
    world.jira.transition("MCPSEC-1", "Approved", by="acc-ada")
    world.jira.transition("MCPSEC-1", "To Do", by="bot")
    await tracker(edge, world, flavour).update("MCPSEC-1", NEWER)
    world.jira.transition("MCPSEC-1", "Approved", by="acc-grace")

    state = await seen(edge, world, flavour)

    assert {said.by: said.shown for said in state.said} == {"acc-ada": (), "acc-grace": ("pin-2",)}


async def test_an_approval_that_its_author_took_back_is_not_said_and_a_rejection_is(
    edge: Http, world: World, flavour: Flavour
) -> None:
    for status in ("Approved", "To Do", "Rejected", "To Do"):
        world.jira.transition("MCPSEC-1", status, by="acc-ada")

    state = await seen(edge, world, flavour)

    assert [said.word for said in state.said] == [Word.REJECT]


async def test_what_was_said_keeps_its_name_when_more_is_said(edge: Http, world: World, flavour: Flavour) -> None:
    world.jira.transition("MCPSEC-1", "Approved", by="acc-ada")
    (first,) = (await seen(edge, world, flavour)).said
    world.jira.transition("MCPSEC-1", "To Do", by="bot")
    world.jira.transition("MCPSEC-1", "Approved", by="acc-grace")

    said = (await seen(edge, world, flavour)).said

    assert said[0] == first
    assert [each.by for each in said] == ["acc-ada", "acc-grace"]


async def test_a_ticket_that_an_automation_approves_after_a_person_did_is_nobodys(
    edge: Http, world: World, flavour: Flavour
) -> None:
    world.jira.transition("MCPSEC-1", "Approved", by="acc-ada")
    before = await seen(edge, world, flavour)
    world.jira.transition("MCPSEC-1", "To Do", by="bot")
    world.jira.transition("MCPSEC-1", "Approved", by="bot")

    state = await seen(edge, world, flavour)

    assert (before.nobodys, state.nobodys, len(state.said)) == (False, True, 1)


async def test_the_history_of_a_ticket_that_waits_is_read_once_for_each_change(edge: Http, world: World) -> None:
    subject = tracker(edge, world, "cloud")
    world.jira.transition("MCPSEC-1", "In Review", by="acc-ada")

    for _ in range(3):
        await subject.read(KEYS)
    once = len(world.asked("jira", "changelog"))
    for status in ("Rejected", "In Review"):
        world.jira.transition("MCPSEC-1", status, by="acc-ada")
    states = await subject.read(KEYS)

    assert (once, len(world.asked("jira", "changelog"))) == (1, 2)
    assert [said.word for said in states[TICKET.fingerprint].said] == [Word.REJECT]


@pytest.mark.parametrize("text", ["summary", "description"])
async def test_a_text_that_people_had_rewritten_is_told_with_what_was_said(
    edge: Http, world: World, flavour: Flavour, text: str
) -> None:
    world.jira.transition("MCPSEC-1", "Rejected", by="acc-bob")
    world.jira.edit("MCPSEC-1", by="acc-mallory", **{text: "nothing to see"})
    world.jira.transition("MCPSEC-1", "Approved", by="acc-ada")

    before, after = (await seen(edge, world, flavour)).said

    assert (before.note, text in after.note) == ("", True)


async def test_each_approver_of_a_service_desk_says_a_word_of_their_own(
    edge: Http, world: World, flavour: Flavour
) -> None:
    world.jira.service_desk = True
    world.jira.ask_approval("MCPSEC-1", "acc-ada", "acc-grace", "acc-linus")
    world.jira.approve_request("MCPSEC-1", "acc-ada")
    world.jira.approve_request("MCPSEC-1", "acc-grace", decision="declined")

    state = await seen(edge, world, flavour, approvals=True)

    assert [(said.word, said.by, said.shown) for said in state.said] == [
        (Word.APPROVE, "acc-ada", ("pin-1",)),
        (Word.REJECT, "acc-grace", ("pin-1",)),
    ]
    assert len({said.ref for said in state.said}) == 2


async def test_an_approval_that_was_asked_for_before_the_rewriting_counts_for_nothing(
    edge: Http, world: World, flavour: Flavour
) -> None:
    world.jira.service_desk = True
    world.jira.ask_approval("MCPSEC-1", "acc-ada")
    world.clock.advance(minutes=1)
    await tracker(edge, world, flavour).update("MCPSEC-1", NEWER)
    world.jira.approve_request("MCPSEC-1", "acc-ada")
    world.clock.advance(minutes=1)
    world.jira.ask_approval("MCPSEC-1", "acc-grace")
    world.jira.approve_request("MCPSEC-1", "acc-grace")

    state = await seen(edge, world, flavour, approvals=True)

    assert {said.by: said.shown for said in state.said} == {"acc-ada": (), "acc-grace": ("pin-2",)}


@pytest.mark.parametrize("others", [(), ("acc-grace",)])
async def test_an_approver_whose_time_is_not_told_answered_when_the_approval_was_asked_for(
    edge: Http, world: World, flavour: Flavour, others: tuple[str, ...]
) -> None:
    world.jira.service_desk = True
    world.jira.ask_approval("MCPSEC-1", "acc-ada", *others, "acc-linus")
    asked = world.clock()
    for name in ("acc-ada", *others):
        world.clock.advance(hours=1)
        world.jira.approve_request("MCPSEC-1", name)
    world.clock.advance(days=4)

    said = (await seen(edge, world, flavour, approvals=True)).said

    assert {each.at for each in said} == {asked}
    assert all("by a new approval step" in each.again for each in said)


async def test_who_was_asked_alone_answered_when_the_approval_was_completed(
    edge: Http, world: World, flavour: Flavour
) -> None:
    world.jira.service_desk = True
    world.jira.ask_approval("MCPSEC-1", "acc-ada")
    world.clock.advance(days=4)
    world.jira.approve_request("MCPSEC-1", "acc-ada")

    (said,) = (await seen(edge, world, flavour, approvals=True)).said

    assert said.at == world.clock()


async def test_an_issue_that_is_no_request_has_no_approvals(edge: Http, world: World, flavour: Flavour) -> None:
    state = await seen(edge, world, flavour, approvals=True)

    assert (state.phase, state.said) == (Phase.NEW, ())
