"""Jira as the outbox needs it: what is surely there, surely not there, or in doubt."""

import json

import pytest

from connectors._edge.http import Http
from monitor.domain.action import Ambiguous, CommentTicket, Deferred, Delivered, OpenTicket, Rejected
from monitor.domain.document import Bullets, Code, Heading, Link, Paragraph, Table
from monitor.ports.errors import Denied, Malformed, NotFound, Unavailable
from tests.connectors.trackers import Flavour, tracker
from tests.world import Fault, Kind, World

HOSTILE = "Ignore this [~admin] {code}x{code} h1. *now* \x1b[31m !https://evil.example/x.png! <script>"
BODY = (
    Heading("What happened"),
    Paragraph(HOSTILE),
    Bullets(("one", "", "three\nlines")),
    Table(("label", "value"), (("file", HOSTILE), ("empty", ""))),
    Code('{"a": "{noformat}"}'),
    Link("the advisory", "https://osv.example/GHSA-1?a=1&b=2"),
)
TICKET = OpenTicket("ticket:a", "io.github.acme/files", "3f9c1a77b2d4e6f8", "Re-approve files 1.4.2", BODY, "high")
COMMENT = CommentTicket("comment:a:1", TICKET.server, TICKET.fingerprint, BODY)


async def test_a_ticket_is_born_with_its_fingerprint_as_label_and_property(
    edge: Http, world: World, flavour: Flavour
) -> None:
    delivery = await tracker(edge, world, flavour).open(TICKET)

    (issue,) = world.jira.issues
    assert delivery == Delivered("MCPSEC-1")
    assert issue.labels == ["mcp-monitor", "mcpfp-3f9c1a77b2d4e6f8"]
    assert issue.properties == {"mcp.reval": {"fp": TICKET.fingerprint, "server": TICKET.server, "schema": 1}}
    assert issue.fields["priority"] == {"id": "2"}
    assert len(world.asked("jira")) == 1


async def test_a_priority_may_be_named_by_its_name_and_may_be_left_to_jira(
    edge: Http, world: World, flavour: Flavour
) -> None:
    await tracker(edge, world, flavour, priorities={"high": "Highest"}).open(TICKET)
    await tracker(edge, world, flavour, priorities={}).open(TICKET)

    named, left = world.jira.issues
    assert named.fields["priority"] == {"name": "Highest"}
    assert "priority" not in left.fields


async def test_hostile_words_stand_in_the_ticket_and_mean_nothing_there(edge: Http, world: World) -> None:
    await tracker(edge, world, "cloud").open(TICKET)

    (issue,) = world.jira.issues
    assert r"[~admin] {code}x{code} h1. *now* \u{1b}[31m !https" in issue.words


async def test_data_center_gets_no_markup_from_strangers(edge: Http, world: World) -> None:
    await tracker(edge, world, "datacenter").open(TICKET)

    (issue,) = world.jira.issues
    assert "&#91;&#126;admin&#93; &#123;code&#125;x&#123;code&#125; h1. &#42;now&#42;" in issue.words
    assert not any(mark in issue.words for mark in ("[~", "{code}", "!https", "*now*", "<script>"))


async def test_a_title_of_any_length_and_shape_becomes_a_summary(edge: Http, world: World, flavour: Flavour) -> None:
    title = "Re-approve\r\nfiles \u202e" + "x" * 5000

    delivery = await tracker(edge, world, flavour).open(
        OpenTicket("k", TICKET.server, TICKET.fingerprint, title, BODY, "high")
    )

    (issue,) = world.jira.issues
    assert isinstance(delivery, Delivered)
    assert issue.summary.startswith(r"Re-approve files \u{202e}xxx")
    assert len(issue.summary) == 255


async def test_a_body_beyond_the_limit_is_shortened_and_says_so(edge: Http, world: World, flavour: Flavour) -> None:
    long = tuple(Paragraph(f"{number} <*&> " * 400) for number in range(200))

    delivery = await tracker(edge, world, flavour).open(
        OpenTicket("k", TICKET.server, TICKET.fingerprint, "t", long, "high")
    )

    (issue,) = world.jira.issues
    assert isinstance(delivery, Delivered)
    assert "The rest did not fit here" in issue.words


async def test_required_fields_come_from_the_configuration(edge: Http, world: World, flavour: Flavour) -> None:
    world.jira.required = {"customfield_10010": "Cost centre"}

    delivery = await tracker(edge, world, flavour, fields={"customfield_10010": "4711"}).open(TICKET)

    assert isinstance(delivery, Delivered)
    assert world.jira.issues[0].fields["customfield_10010"] == "4711"


async def test_a_configured_field_never_takes_the_place_of_the_fingerprint(
    edge: Http, world: World, flavour: Flavour
) -> None:
    await tracker(edge, world, flavour, fields={"labels": ["mine"], "summary": "mine"}).open(TICKET)

    assert "mcpfp-3f9c1a77b2d4e6f8" in world.jira.issues[0].labels


async def test_a_missing_required_field_is_rejected_by_name_with_the_way_out(
    edge: Http, world: World, flavour: Flavour
) -> None:
    world.jira.required = {"customfield_10010": "Cost centre"}

    delivery = await tracker(edge, world, flavour).open(TICKET)

    assert isinstance(delivery, Rejected)
    assert "customfield_10010: Cost centre is required." in delivery.detail
    assert "[jira.fields]" in delivery.detail


@pytest.mark.parametrize("status", [403, 404, 413, 422])
async def test_what_jira_will_never_take_is_rejected(edge: Http, world: World, status: int) -> None:
    world.break_("jira", Fault(Kind.STATUS, status=status))

    delivery = await tracker(edge, world, "cloud").open(TICKET)

    assert isinstance(delivery, Rejected)
    assert f"HTTP {status}" in delivery.detail
    assert "so it is" in delivery.detail


async def test_a_bad_token_waits_for_a_new_one(edge: Http, world: World, flavour: Flavour) -> None:
    delivery = await tracker(edge, world, flavour, token="expired").open(TICKET)

    assert isinstance(delivery, Deferred)
    assert "token expired?" in delivery.detail
    assert delivery.after_seconds >= 600


@pytest.mark.parametrize(
    ("asked", "waited"), [("7", 7.0), ("0", 1.0), ("9223372036854775807", 3600.0), ("nonsense", 60.0)]
)
async def test_a_rate_limit_is_honoured_within_reason(edge: Http, world: World, asked: str, waited: float) -> None:
    world.break_("jira", Fault(Kind.TOO_MANY, retry_after=asked))

    delivery = await tracker(edge, world, "cloud").open(TICKET)

    assert isinstance(delivery, Deferred)
    assert delivery.after_seconds == waited


async def test_a_redirect_is_not_followed_with_the_ticket(edge: Http, world: World) -> None:
    world.break_("jira", Fault(Kind.REDIRECT))

    delivery = await tracker(edge, world, "cloud").open(TICKET)

    assert isinstance(delivery, Deferred)
    assert "`url` leads elsewhere" in delivery.detail
    assert world.jira.issues == []


@pytest.mark.parametrize(
    "kind", [Kind.ACCEPTED_THEN_ERROR, Kind.ACCEPTED_THEN_RESET, Kind.TRUNCATED, Kind.OUTAGE, Kind.RESET, Kind.HANG]
)
async def test_what_may_have_been_accepted_is_in_doubt_and_sent_once(
    edge: Http, world: World, kind: Kind, flavour: Flavour
) -> None:
    world.break_("jira", Fault(kind))

    delivery = await tracker(edge, world, flavour).open(TICKET)

    assert isinstance(delivery, Ambiguous)
    assert len(world.asked("jira")) == 1


@pytest.mark.parametrize("kind", [Kind.GARBAGE, Kind.HTML])
async def test_a_success_that_is_not_jiras_is_in_doubt(edge: Http, world: World, kind: Kind) -> None:
    world.break_("jira", Fault(kind))

    delivery = await tracker(edge, world, "cloud").open(TICKET)

    assert isinstance(delivery, Ambiguous)


async def test_where_nobody_listens_nothing_was_sent(edge: Http, world: World) -> None:
    delivery = await tracker(edge, world, "cloud", base="http://127.0.0.1:9/jira").open(TICKET)

    assert isinstance(delivery, Deferred)


async def test_a_ticket_in_doubt_is_found_by_its_fingerprint(edge: Http, world: World, flavour: Flavour) -> None:
    subject = tracker(edge, world, flavour)
    world.break_("jira", Fault(Kind.ACCEPTED_THEN_ERROR))
    await subject.open(TICKET)
    world.mend("jira")

    found = await subject.find(TICKET.fingerprint)

    assert found == "MCPSEC-1"


async def test_what_the_search_does_not_know_yet_is_not_found_yet(edge: Http, world: World, flavour: Flavour) -> None:
    subject = tracker(edge, world, flavour)
    world.jira.lagging = True
    await subject.open(TICKET)

    before = await subject.find(TICKET.fingerprint)
    world.jira.index()
    after = await subject.find(TICKET.fingerprint)

    assert (before, after) == (None, "MCPSEC-1")


async def test_of_two_tickets_the_oldest_counts(edge: Http, world: World, flavour: Flavour) -> None:
    subject = tracker(edge, world, flavour)
    await subject.open(TICKET)
    await subject.open(TICKET)

    found = await subject.find(TICKET.fingerprint)

    assert found == "MCPSEC-1"


@pytest.mark.parametrize("properties", [{"mcp.reval": {"fp": "0000000000000000"}}, {}])
async def test_a_copied_label_does_not_make_another_ticket_ours(
    edge: Http, world: World, properties: dict[str, object]
) -> None:
    subject = tracker(edge, world, "cloud")
    await subject.open(TICKET)
    await subject.open(TICKET)
    world.jira.issue("MCPSEC-1").properties = properties

    found = await subject.find(TICKET.fingerprint)

    assert found == "MCPSEC-2"


@pytest.mark.parametrize(
    ("kind", "error"), [(Kind.OUTAGE, Unavailable), (Kind.GARBAGE, Malformed), (Kind.HTML, Malformed)]
)
async def test_a_search_that_fails_is_not_an_empty_one(
    edge: Http, world: World, flavour: Flavour, kind: Kind, error: type[Exception]
) -> None:
    world.break_("jira", Fault(kind))

    with pytest.raises(error):
        await tracker(edge, world, flavour).find(TICKET.fingerprint)


async def test_a_comment_is_internal_and_is_found_by_its_key(edge: Http, world: World, flavour: Flavour) -> None:
    subject = tracker(edge, world, flavour)
    await subject.open(TICKET)

    delivery = await subject.comment("MCPSEC-1", COMMENT)

    (remark,) = world.jira.issue("MCPSEC-1").comments
    assert isinstance(delivery, Delivered)
    assert remark["properties"] == [{"key": "sd.public.comment", "value": {"internal": True}}]
    assert await subject.find_comment("MCPSEC-1", COMMENT.key) == delivery.ref
    assert await subject.find_comment("MCPSEC-1", "another key") is None
    assert await subject.find_comment("MCPSEC-9", COMMENT.key) is None


async def test_a_long_comment_keeps_its_mark(edge: Http, world: World, flavour: Flavour) -> None:
    subject = tracker(edge, world, flavour)
    await subject.open(TICKET)
    long = CommentTicket("k", TICKET.server, TICKET.fingerprint, (Paragraph("<*> " * 100_000),))

    delivery = await subject.comment("MCPSEC-1", long)

    assert isinstance(delivery, Delivered)
    assert await subject.find_comment("MCPSEC-1", "k") == delivery.ref


async def test_a_comment_on_a_deleted_ticket_is_rejected(edge: Http, world: World, flavour: Flavour) -> None:
    delivery = await tracker(edge, world, flavour).comment("MCPSEC-404", COMMENT)

    assert isinstance(delivery, Rejected)
    assert "Issue does not exist" in delivery.detail


async def test_the_probe_says_who_may_open_what_and_opens_nothing(edge: Http, world: World, flavour: Flavour) -> None:
    line = await tracker(edge, world, flavour).probe()

    assert line.startswith("jira: bot")
    assert line.endswith("may open Task in MCPSEC")
    assert world.jira.issues == []


async def test_the_probe_names_each_required_field_that_is_not_configured(
    edge: Http, world: World, flavour: Flavour
) -> None:
    world.jira.required = {f"customfield_{number}": f"Field {number}" for number in range(300)}
    given: dict[str, object] = {f"customfield_{number}": "x" for number in range(299)}

    with pytest.raises(Denied, match=r"required and not configured: customfield_299 \(Field 299\).*\[jira\.fields\]"):
        await tracker(edge, world, flavour, fields=given).probe()


async def test_the_probe_names_fields_that_the_screen_does_not_show(edge: Http, world: World, flavour: Flavour) -> None:
    world.jira.off_screen = {"labels"}

    with pytest.raises(Denied, match="not on the create screen: labels"):
        await tracker(edge, world, flavour).probe()


async def test_the_probe_names_priorities_that_do_not_exist(edge: Http, world: World, flavour: Flavour) -> None:
    with pytest.raises(Denied, match="no such priority: Blocker"):
        await tracker(edge, world, flavour, priorities={"critical": "Blocker", "high": "High"}).probe()


async def test_the_probe_lists_the_issue_types_that_there_are(edge: Http, world: World, flavour: Flavour) -> None:
    with pytest.raises(Denied, match="one of Task, Bug"):
        await tracker(edge, world, flavour, issue_type="Epic").probe()


async def test_the_probe_knows_an_unknown_project_from_a_wrong_address(
    edge: Http, world: World, flavour: Flavour
) -> None:
    with pytest.raises(NotFound, match="no project NOPE"):
        await tracker(edge, world, flavour, project="NOPE").probe()
    with pytest.raises(NotFound, match="context path"):
        await tracker(edge, world, flavour, base=world.url("jira") + "/elsewhere").probe()


async def test_the_probe_sees_through_a_token_that_data_center_takes_for_nobodys(
    edge: Http, world: World, flavour: Flavour
) -> None:
    with pytest.raises(Denied, match="token"):
        await tracker(edge, world, flavour, token="expired").probe()


async def test_no_error_holds_the_token(edge: Http, world: World, flavour: Flavour) -> None:
    world.break_("jira", Fault(Kind.HANG))

    delivery = await tracker(edge, world, flavour, token="secret-token").open(TICKET)

    assert isinstance(delivery, Ambiguous)
    assert "secret" not in json.dumps(delivery.detail)
