import io

from connectors import console
from monitor.domain.action import CommentTicket, Delivered, OpenTicket, SendAlert
from monitor.domain.document import Bullets, Paragraph

BODY = (Paragraph("evil \x1b[2J\x1b]0;title\x07 text\r\nnext"), Bullets(("one",)))


async def test_messages_are_printed_and_count_as_delivered() -> None:
    out = io.StringIO()

    delivery = await console.Alerts(out).send(SendAlert("k", "security", "Look\nhere", BODY, "high"), repeat=False)

    assert delivery == Delivered("")
    assert out.getvalue().startswith("would have sent to security (high): Look here\n    evil ")
    assert out.getvalue().endswith("      - one\n\n")


async def test_tickets_and_comments_are_printed() -> None:
    out = io.StringIO()
    tickets = console.Tickets(out)

    await tickets.open(OpenTicket("k", "io.github.acme/files", "f", "Re-approve", BODY, "high"))
    await tickets.comment("T-1", CommentTicket("k", "io.github.acme/files", "f", BODY))

    assert "would have opened a ticket (high): Re-approve" in out.getvalue()
    assert "would have commented on ticket T-1 of io.github.acme/files" in out.getvalue()


async def test_a_terminal_obeys_nothing_of_it() -> None:
    out = io.StringIO()

    await console.Alerts(out).send(SendAlert("k", "c", "\x1b[31mred\x9b", BODY, "high"), repeat=False)

    assert not any(character in out.getvalue() for character in "\x1b\x07\x9b\r")
    assert r"evil \u{1b}[2J\u{1b}]0;title\u{7} text" in out.getvalue()


async def test_a_terminal_without_unicode_is_no_reason_to_fail() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")

    await console.Alerts(out).send(SendAlert("k", "c", "naïve", (), "high"), repeat=True)

    assert raw.getvalue().startswith(b"would have sent again to c (high): na?ve")


async def test_nothing_printed_can_be_found_again() -> None:
    out = io.StringIO()

    assert await console.Tickets(out).find("f") is None
    assert await console.Tickets(out).find_comment("T-1", "k") is None
    assert await console.Alerts(out).find(SendAlert("k", "c", "t", (), "high")) is None


async def test_the_probe_says_that_nothing_is_configured() -> None:
    out = io.StringIO()

    assert "no tracker is configured" in await console.Tickets(out).probe()
    assert "no channel is configured" in await console.Alerts(out).probe()
    assert out.getvalue() == ""
