"""Changes of a ticket that is there: what people wrote stays, nothing is written twice, and no decision is made by the program."""

from dataclasses import replace

import pytest

from connectors._edge.http import Http
from monitor.domain.action import Ambiguous, Deferred, Delivered, MoveTicket, OpenTicket, Rejected, UpdateTicket
from monitor.domain.document import Paragraph
from monitor.ports.errors import Denied
from tests.connectors.trackers import STATUSES, Flavour, tracker
from tests.world import Fault, Kind, World

BODY = (Paragraph("Evidence for 1.4.2"),)
TICKET = OpenTicket("ticket:a", "io.github.acme/files", "3f9c1a77b2d4e6f8", "Re-approve", BODY, "high", ("pin-1",))
NEWER = UpdateTicket(
    "update:a", TICKET.server, TICKET.fingerprint, "Re-approve 1.4.3", (Paragraph("For 1.4.3"),), "high", ("pin-2",)
)
CLOSE = MoveTicket("move:a", TICKET.server, TICKET.fingerprint, "withdrawn")
REOPEN = MoveTicket("move:b", TICKET.server, TICKET.fingerprint, "reopened")


@pytest.fixture(autouse=True)
async def _open(edge: Http, world: World, flavour: Flavour) -> None:
    assert await tracker(edge, world, flavour).open(TICKET) == Delivered("MCPSEC-1")


async def test_the_address_is_the_page_of_the_issue_without_credentials(
    edge: Http, world: World, flavour: Flavour
) -> None:
    base = "http://bot:secret@127.0.0.1:1/jira/"

    assert tracker(edge, world, flavour, base=base).address("MCPSEC-1") == "http://127.0.0.1:1/jira/browse/MCPSEC-1"


async def test_a_new_ticket_links_to_older_ones_in_the_same_request(edge: Http, world: World, flavour: Flavour) -> None:
    delivery = await tracker(edge, world, flavour).open(TICKET, links=("MCPSEC-1",))

    assert delivery == Delivered("MCPSEC-2")
    assert world.jira.issue("MCPSEC-2").links == ["MCPSEC-1"]
    assert len(world.asked("jira", "POST")) == 2


async def test_where_no_screen_shows_links_they_come_after(edge: Http, world: World, flavour: Flavour) -> None:
    world.jira.off_screen = {"issuelinks"}

    delivery = await tracker(edge, world, flavour).open(TICKET, links=("MCPSEC-1",))

    assert delivery == Delivered("MCPSEC-2")
    assert world.jira.issue("MCPSEC-2").links == ["MCPSEC-1"]


async def test_an_older_ticket_that_was_deleted_hinders_no_new_one(edge: Http, world: World, flavour: Flavour) -> None:
    delivery = await tracker(edge, world, flavour).open(TICKET, links=("MCPSEC-1", "MCPSEC-99"))

    assert delivery == Delivered("MCPSEC-2")
    assert world.jira.issue("MCPSEC-2").links == ["MCPSEC-1"]


async def test_an_update_writes_title_text_and_pins_in_one_request(edge: Http, world: World, flavour: Flavour) -> None:
    delivery = await tracker(edge, world, flavour).update("MCPSEC-1", NEWER)

    issue = world.jira.issue("MCPSEC-1")
    assert delivery == Delivered("update:a")
    assert issue.summary == "Re-approve 1.4.3"
    assert "For 1.4.3" in issue.words
    assert issue.properties["mcp.reval"] == {
        "fp": TICKET.fingerprint,
        "server": TICKET.server,
        "shows": ["pin-2"],
        "update": "update:a",
        "schema": 1,
    }
    assert len(world.asked("jira", "PUT")) == 1


async def test_an_update_that_is_repeated_changes_nothing(edge: Http, world: World, flavour: Flavour) -> None:
    await tracker(edge, world, flavour).update("MCPSEC-1", NEWER)
    world.jira.edit("MCPSEC-1", summary="ours", by="bot")

    delivery = await tracker(edge, world, flavour).update("MCPSEC-1", NEWER)

    assert delivery == Delivered("update:a")
    assert world.jira.issue("MCPSEC-1").summary == "ours"


async def test_a_title_that_a_person_wrote_stays(edge: Http, world: World, flavour: Flavour) -> None:
    world.jira.edit("MCPSEC-1", summary="Ada's title")

    await tracker(edge, world, flavour).update("MCPSEC-1", NEWER)

    issue = world.jira.issue("MCPSEC-1")
    assert issue.summary == "Ada's title"
    assert "For 1.4.3" in issue.words
    assert issue.remarks == []


@pytest.mark.parametrize("title", ["", "Ada's title"])
async def test_a_description_that_a_person_wrote_stays_and_the_news_is_a_comment(
    edge: Http, world: World, flavour: Flavour, title: str
) -> None:
    world.jira.edit("MCPSEC-1", description="Ada's words", summary=title)

    delivery = await tracker(edge, world, flavour).update("MCPSEC-1", NEWER)

    issue = world.jira.issue("MCPSEC-1")
    assert delivery == Delivered("update:a")
    assert "Ada's words" in issue.words
    assert ["For 1.4.3" in remark for remark in issue.remarks] == [True]
    assert issue.summary == (title or "Re-approve 1.4.3")
    assert (await tracker(edge, world, flavour).read({TICKET.fingerprint: "MCPSEC-1"}))[TICKET.fingerprint].shows == (
        "pin-2",
    )


@pytest.mark.parametrize("kind", [Kind.ACCEPTED_THEN_ERROR, Kind.ACCEPTED_THEN_RESET])
@pytest.mark.parametrize("request_", ["POST /jira/rest/api", "PUT /jira/rest/api"])
async def test_an_update_that_breaks_off_is_carried_on_and_says_nothing_twice(
    edge: Http, world: World, flavour: Flavour, kind: Kind, request_: str
) -> None:
    world.jira.edit("MCPSEC-1", description="Ada's words")
    world.break_("jira", Fault(kind, only=request_, times=1))

    first = await tracker(edge, world, flavour).update("MCPSEC-1", NEWER)
    again = await tracker(edge, world, flavour).update("MCPSEC-1", NEWER)

    # The wire itself repeats a PUT whose connection broke: it writes the same again.
    assert isinstance(first, Ambiguous) or (request_.startswith("PUT") and kind is Kind.ACCEPTED_THEN_RESET)
    assert again == Delivered("update:a")
    assert len(world.jira.issue("MCPSEC-1").remarks) == 1


@pytest.mark.parametrize("kind", [Kind.OUTAGE, Kind.RESET, Kind.GARBAGE, Kind.HTML, Kind.TOO_MANY])
async def test_what_cannot_be_read_is_not_written_over(edge: Http, world: World, flavour: Flavour, kind: Kind) -> None:
    world.break_("jira", Fault(kind, only="GET"))

    updated = await tracker(edge, world, flavour).update("MCPSEC-1", NEWER)
    moved = await tracker(edge, world, flavour).move("MCPSEC-1", CLOSE)

    assert isinstance(updated, Deferred)
    assert isinstance(moved, Deferred)
    assert world.asked("jira", "PUT") == []


async def test_a_deleted_ticket_takes_neither_text_nor_status(edge: Http, world: World, flavour: Flavour) -> None:
    world.jira.delete("MCPSEC-1")

    updated = await tracker(edge, world, flavour).update("MCPSEC-1", NEWER)
    moved = await tracker(edge, world, flavour).move("MCPSEC-1", CLOSE)

    assert isinstance(updated, Rejected)
    assert isinstance(moved, Rejected)
    assert "not there" in updated.detail


@pytest.mark.parametrize("status", [409, 429])
async def test_a_write_that_was_refused_for_now_is_made_later(
    edge: Http, world: World, flavour: Flavour, status: int
) -> None:
    world.break_("jira", Fault(Kind.STATUS, status=status, only="PUT"))

    delivery = await tracker(edge, world, flavour).update("MCPSEC-1", NEWER)

    assert isinstance(delivery, Deferred)


async def test_a_spent_quota_stops_everything_and_a_busy_ticket_only_itself(
    edge: Http, world: World, flavour: Flavour
) -> None:
    subject = tracker(edge, world, flavour)
    world.break_("jira", Fault(Kind.TOO_MANY, retry_after="7", reason="jira-per-issue-on-write", only="PUT"))
    busy = await subject.update("MCPSEC-1", NEWER)
    asked_then = len(world.requests)
    world.mend("jira")
    world.break_("jira", Fault(Kind.TOO_MANY, retry_after="40", reason="jira-quota-tenant-based", only="PUT"))
    spent = await subject.update("MCPSEC-1", NEWER)
    asked = len(world.requests)
    world.mend("jira")
    after = await subject.move("MCPSEC-1", CLOSE)

    assert isinstance(busy, Deferred)
    assert busy.after_seconds == 7
    assert isinstance(spent, Deferred)
    assert spent.after_seconds == 40
    assert asked > asked_then
    assert isinstance(after, Deferred)
    assert len(world.requests) == asked


async def test_a_ticket_is_closed_where_the_configuration_says(edge: Http, world: World, flavour: Flavour) -> None:
    delivery = await tracker(edge, world, flavour).move("MCPSEC-1", CLOSE)

    assert delivery == Delivered("MCPSEC-1")
    assert world.jira.issue("MCPSEC-1").status_name == "Cancelled"


@pytest.mark.parametrize(
    ("decided", "status"),
    [((), "Cancelled"), (("In Review",), "In Review")],
    ids=["as withdrawn", "a status of its own"],
)
async def test_a_ticket_that_was_decided_elsewhere_has_a_status_of_its_own_where_one_is_named(
    edge: Http, world: World, flavour: Flavour, decided: tuple[str, ...], status: str
) -> None:
    jira = tracker(edge, world, flavour, statuses={**STATUSES, "decided": decided})

    await jira.move("MCPSEC-1", replace(CLOSE, to="decided"))

    assert world.jira.issue("MCPSEC-1").status_name == status


@pytest.mark.parametrize("status", ["Approved", "Cancelled"])
async def test_a_ticket_that_is_done_is_not_closed_again(
    edge: Http, world: World, flavour: Flavour, status: str
) -> None:
    world.jira.transition("MCPSEC-1", status)

    delivery = await tracker(edge, world, flavour).move("MCPSEC-1", CLOSE)

    assert delivery == Delivered("MCPSEC-1")
    assert world.jira.issue("MCPSEC-1").status_name == status


async def test_a_closed_ticket_is_opened_again_and_an_open_one_is_left(
    edge: Http, world: World, flavour: Flavour
) -> None:
    world.jira.transition("MCPSEC-1", "Cancelled")
    first = await tracker(edge, world, flavour).move("MCPSEC-1", REOPEN)
    reopened = world.jira.issue("MCPSEC-1").status_name
    world.jira.transition("MCPSEC-1", "In Review")
    again = await tracker(edge, world, flavour).move("MCPSEC-1", REOPEN)

    assert (first, again) == (Delivered("MCPSEC-1"), Delivered("MCPSEC-1"))
    assert (reopened, world.jira.issue("MCPSEC-1").status_name) == ("To Do", "In Review")


async def test_without_a_configured_status_a_ticket_is_closed_by_no_decision(
    edge: Http, world: World, flavour: Flavour
) -> None:
    decides = {"approved": ["Approved"], "rejected": ["Rejected"]}

    await tracker(edge, world, flavour, statuses=decides).move("MCPSEC-1", CLOSE)

    assert world.jira.issue("MCPSEC-1").status_name == "Cancelled"


async def test_where_nobody_said_which_statuses_decide_no_ticket_is_closed(
    edge: Http, world: World, flavour: Flavour
) -> None:
    delivery = await tracker(edge, world, flavour, statuses={}).move("MCPSEC-1", CLOSE)

    assert delivery == Delivered("")
    assert world.jira.issue("MCPSEC-1").status_name == "To Do"


async def test_where_only_decisions_close_a_ticket_it_stays_open(edge: Http, world: World, flavour: Flavour) -> None:
    world.jira.workflow = {"To Do": {"In Review", "Approved", "Rejected"}}

    delivery = await tracker(edge, world, flavour).move("MCPSEC-1", CLOSE)

    assert delivery == Delivered("")
    assert world.jira.issue("MCPSEC-1").status_name == "To Do"


async def test_a_transition_whose_screen_asks_for_more_is_rejected_with_what_it_asks(
    edge: Http, world: World, flavour: Flavour
) -> None:
    world.jira.transition_required = {"resolution": "Resolution"}

    delivery = await tracker(edge, world, flavour).move("MCPSEC-1", CLOSE)

    assert isinstance(delivery, Rejected)
    assert "resolution: Resolution is required." in delivery.detail


async def test_a_move_that_breaks_off_is_repeated_without_harm(edge: Http, world: World, flavour: Flavour) -> None:
    world.break_("jira", Fault(Kind.ACCEPTED_THEN_RESET, only="POST", times=1))

    first = await tracker(edge, world, flavour).move("MCPSEC-1", CLOSE)
    again = await tracker(edge, world, flavour).move("MCPSEC-1", CLOSE)

    assert isinstance(first, Ambiguous)
    assert again == Delivered("MCPSEC-1")
    assert len(world.jira.issue("MCPSEC-1").changes) == 1


async def test_a_moved_ticket_is_written_to_under_its_old_key(edge: Http, world: World, flavour: Flavour) -> None:
    new = world.jira.move("MCPSEC-1", "OTHER")

    delivery = await tracker(edge, world, flavour).update("MCPSEC-1", NEWER)

    assert delivery == Delivered("update:a")
    assert world.jira.issue(new).summary == "Re-approve 1.4.3"


async def test_the_probe_names_statuses_that_no_ticket_can_have(edge: Http, world: World, flavour: Flavour) -> None:
    statuses = {"approved": ["Approved", "Freigegeben"], "rejected": ["6", "4711"]}

    with pytest.raises(Denied, match=r"no such status: 4711, Freigegeben: .* To Do, In Review"):
        await tracker(edge, world, flavour, statuses=statuses).probe()


async def test_the_probe_says_where_approvals_cannot_be_read(edge: Http, world: World, flavour: Flavour) -> None:
    with pytest.raises(Denied, match="no service desk"):
        await tracker(edge, world, flavour, approvals=True).probe()

    world.jira.service_desk = True
    line = await tracker(edge, world, flavour, approvals=True).probe()

    assert line.endswith("may open Task in MCPSEC")
