"""What Jira's tickets say, and who said it: from their history, for exactly what they showed."""

import pytest

from connectors._edge.http import Http
from monitor.domain.action import Delivered, OpenTicket, UpdateTicket
from monitor.domain.document import Paragraph
from monitor.domain.review import Word
from monitor.ports.channels import Phase, TicketState
from monitor.ports.errors import Denied, Malformed, Unavailable
from tests.connectors.trackers import Flavour, tracker
from tests.world import Fault, Kind, World
from tests.world.jira_issue import Change, Item

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


async def test_a_ticket_shows_its_pins_from_the_beginning(edge: Http, world: World, flavour: Flavour) -> None:
    state = await seen(edge, world, flavour)

    assert state == TicketState("MCPSEC-1", Phase.NEW, "To Do", (), "bot", ("pin-1",))


@pytest.mark.parametrize(
    ("status", "phase"),
    [
        ("In Review", Phase.TAKEN),
        ("Approved", Phase.APPROVED),
        ("Rejected", Phase.REJECTED),
        ("Cancelled", Phase.CLOSED),
    ],
)
async def test_a_status_means_what_the_configuration_says_by_id_or_by_name(
    edge: Http, world: World, flavour: Flavour, status: str, phase: Phase
) -> None:
    world.jira.transition("MCPSEC-1", status)

    state = await seen(edge, world, flavour)

    assert (state.phase, state.status) == (phase, status)


async def test_a_done_ticket_is_no_approval_where_nothing_is_configured(
    edge: Http, world: World, flavour: Flavour
) -> None:
    world.jira.transition("MCPSEC-1", "Approved")

    states = await tracker(edge, world, flavour, statuses={}).read(KEYS)

    assert states[TICKET.fingerprint].phase is Phase.CLOSED
    assert states[TICKET.fingerprint].said == ()


async def test_who_decided_is_who_took_the_step_in_the_history(edge: Http, world: World, flavour: Flavour) -> None:
    world.jira.transition("MCPSEC-1", "In Review", by="acc-grace")
    world.clock.advance(hours=1)
    world.jira.transition("MCPSEC-1", "Approved", by="acc-ada")

    (said,) = (await seen(edge, world, flavour)).said

    assert (said.word, said.by, said.at) == (Word.APPROVE, "acc-ada", world.clock())
    assert said.shown == ("pin-1",)
    assert said.detail == "jira MCPSEC-1"


@pytest.mark.parametrize(("status", "reason"), [(403, "403"), (404, "")])
async def test_a_ticket_that_may_not_be_read_costs_nothing_but_itself(
    edge: Http, world: World, flavour: Flavour, status: int, reason: str
) -> None:
    await tracker(edge, world, flavour).open(TICKET)
    for key in ("MCPSEC-1", "MCPSEC-2"):
        world.jira.transition(key, "Approved")
    place = "/issue/MCPSEC-1/changelog" if flavour == "cloud" else "/issue/MCPSEC-1?"
    world.break_("jira", Fault(Kind.STATUS, only=place, status=status))

    states = await tracker(edge, world, flavour).read({"a": "MCPSEC-1", TICKET.fingerprint: "MCPSEC-2"})

    denied, whole = states.values()
    assert (denied.said, len(whole.said), whole.unread) == ((), 1, "")
    assert reason in denied.unread
    assert denied.unread in denied.status
    assert denied.unread or denied.phase is Phase.GONE


async def test_a_step_of_ours_is_nobodys_decision(edge: Http, world: World, flavour: Flavour) -> None:
    world.jira.transition("MCPSEC-1", "Approved", by="bot")

    state = await seen(edge, world, flavour)

    assert (state.phase, state.said) == (Phase.APPROVED, ())


async def test_a_decision_before_the_ticket_was_rewritten_is_about_nothing_that_it_shows(
    edge: Http, world: World, flavour: Flavour
) -> None:
    world.jira.transition("MCPSEC-1", "Approved")
    await tracker(edge, world, flavour).update("MCPSEC-1", NEWER)

    state = await seen(edge, world, flavour)

    assert state.shows == ("pin-2",)
    assert [said.shown for said in state.said] == [()]


async def test_a_decision_in_the_same_second_after_the_rewriting_is_about_the_newer_pin(
    edge: Http, world: World, flavour: Flavour
) -> None:
    await tracker(edge, world, flavour).update("MCPSEC-1", NEWER)
    world.jira.transition("MCPSEC-1", "Approved")

    state = await seen(edge, world, flavour)

    assert [said.shown for said in state.said] == [("pin-2",)]


async def test_a_persons_edit_does_not_make_a_decision_stale(edge: Http, world: World, flavour: Flavour) -> None:
    world.jira.transition("MCPSEC-1", "Approved")
    world.jira.edit("MCPSEC-1", summary="files, approved", by="acc-grace")

    state = await seen(edge, world, flavour)

    assert [said.shown for said in state.said] == [("pin-1",)]


@pytest.mark.parametrize("order", ["comment, decision", "decision, comment"])
async def test_where_the_news_is_a_comment_the_order_is_kept_too(
    edge: Http, world: World, flavour: Flavour, order: str
) -> None:
    world.jira.edit("MCPSEC-1", summary="mine", description="mine")
    steps = order.split(", ")
    for step in steps:
        if step == "decision":
            world.jira.transition("MCPSEC-1", "Approved")
        else:
            assert await tracker(edge, world, flavour).update("MCPSEC-1", NEWER) == Delivered(NEWER.key)

    (said,) = (await seen(edge, world, flavour)).said

    assert said.shown == (("pin-2",) if steps[0] == "comment" else ())


async def test_a_deleted_ticket_is_gone_and_an_outage_is_not(edge: Http, world: World, flavour: Flavour) -> None:
    world.jira.delete("MCPSEC-1")
    state = await seen(edge, world, flavour)
    world.break_("jira", Fault(Kind.OUTAGE))

    assert state == TicketState("MCPSEC-1", Phase.GONE)
    with pytest.raises(Unavailable):
        await seen(edge, world, flavour)


async def test_a_moved_ticket_is_found_under_its_new_key(edge: Http, world: World, flavour: Flavour) -> None:
    new = world.jira.move("MCPSEC-1", "OTHER")
    world.jira.transition(new, "Approved")

    state = await seen(edge, world, flavour)

    assert (state.key, state.phase) == (new, Phase.APPROVED)
    assert [said.shown for said in state.said] == [("pin-1",)]


async def test_a_token_that_is_not_valid_any_more_deletes_nothing(edge: Http, world: World, flavour: Flavour) -> None:
    with pytest.raises(Denied):
        await tracker(edge, world, flavour, token="expired").read(KEYS)


@pytest.mark.parametrize("value", [None, "x", {"fp": 7}, {"fp": TICKET.fingerprint, "shows": "pin-1"}, {"fp": "other"}])
async def test_a_property_that_is_not_ours_shows_nothing_and_spoils_nothing_else(
    edge: Http, world: World, flavour: Flavour, value: object
) -> None:
    await tracker(edge, world, flavour).open(TICKET)
    world.jira.issue("MCPSEC-1").properties["mcp.reval"] = value
    world.jira.transition("MCPSEC-1", "Approved")

    states = await tracker(edge, world, flavour).read({"0000000000000000": "MCPSEC-1", TICKET.fingerprint: "MCPSEC-2"})

    broken, whole = states.values()
    assert (broken.phase, broken.shows, [said.shown for said in broken.said]) == (Phase.APPROVED, (), [()])
    assert whole.shows == ("pin-1",)


async def test_a_history_that_cannot_be_read_is_no_decision_and_spoils_nothing_else(
    edge: Http, world: World, flavour: Flavour
) -> None:
    await tracker(edge, world, flavour).open(TICKET)
    for key in ("MCPSEC-1", "MCPSEC-2"):
        world.jira.transition(key, "Approved")
    issue = world.jira.issue("MCPSEC-1")
    issue.changes[0] = Change("", "acc-ada", world.clock(), (Item("status", "", "", "", "999"),))

    states = await tracker(edge, world, flavour).read({"a": "MCPSEC-1", TICKET.fingerprint: "MCPSEC-2"})

    assert [len(state.said) for state in states.values()] == [0, 1]


async def test_a_long_history_is_read_to_its_end(edge: Http, world: World, flavour: Flavour) -> None:
    for number in range(250):
        world.jira.edit("MCPSEC-1", summary=f"title {number}")
    world.jira.transition("MCPSEC-1", "Rejected", by="acc-grace")

    state = await seen(edge, world, flavour)

    assert [(said.word, said.by) for said in state.said] == [(Word.REJECT, "acc-grace")]


async def test_many_tickets_cost_cloud_one_request_for_each_hundred(edge: Http, world: World) -> None:
    subject = tracker(edge, world, "cloud")
    marks = {f"{number:016x}": f"MCPSEC-{number + 2}" for number in range(150)}
    for mark in marks:
        world.jira.open({"summary": mark, "labels": []}, {"mcp.reval": {"fp": mark, "shows": [mark]}})

    states = await subject.read(marks)

    assert {mark: state.shows for mark, state in states.items()} == {mark: (mark,) for mark in marks}
    assert len(world.asked("jira", "bulkfetch")) == 2
    assert len(world.asked("jira", "GET")) == 0


async def test_nothing_is_asked_about_no_tickets(edge: Http, world: World, flavour: Flavour) -> None:
    assert await tracker(edge, world, flavour).read({}) == {}


@pytest.mark.parametrize("kind", [Kind.GARBAGE, Kind.HTML])
async def test_an_answer_that_is_not_jiras_is_no_state(edge: Http, world: World, flavour: Flavour, kind: Kind) -> None:
    world.break_("jira", Fault(kind))

    with pytest.raises(Malformed):
        await seen(edge, world, flavour)
