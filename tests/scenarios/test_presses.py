"""Buttons beside an alert: the command's twin, for people whom the configuration knows by their Slack id."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from connectors import slack_socket
from monitor.commands.listen import hear
from monitor.domain.purl import Purl
from monitor.domain.review import Review, State
from monitor.domain.waiver import Waiver
from tests.company import Company
from tests.scenarios.conftest import FILES
from tests.world.slack_socket import SocketMode, pressed

FILES_PACKAGE = Purl.npm("@acme/files-mcp")
PEOPLE = """
[people.ada]
slack = "U0ADA"

[people.bob]
slack = "U0BOB"

[people.grace]
slack = "U0GRACE"

[reviews]
approvers = ["ada", "grace"]
hold = "1s"
"""


@pytest.fixture
async def paged(company: Company) -> Company:
    """A company with people, whose approved version turned out to be malware."""
    company.settings = PEOPLE
    await company.run()
    company.later(hours=1)
    company.world.osv.malware("MAL-2026-1", FILES_PACKAGE, "1.4.2")
    await company.run(["advisories", "deliver"])
    return company


@asynccontextmanager
async def listening(company: Company) -> AsyncIterator[SocketMode]:
    """Let `listen` run beside Slack until the block ends; every press is dealt with then."""
    async with SocketMode().served() as slack:
        source = slack_socket.build(app_token=slack.app_token, token=slack.token, base_url=slack.base_url, proxies={})
        stop = asyncio.Event()
        dealt_with = asyncio.Event()
        task = asyncio.create_task(hear(company.app, source, stop, after=dealt_with.set))
        await slack.connected()
        slack.dealt_with = dealt_with
        yield slack
        stop.set()
        await task


async def press(slack: SocketMode, button: str, value: str, *, by: str, at: str = "1.0") -> None:
    slack.dealt_with.clear()
    await slack.send(pressed(button, value, by=by, at=at))
    async with asyncio.timeout(10):
        await slack.dealt_with.wait()


async def waivers(company: Company) -> list[Waiver]:
    return await company.app.store.run(lambda unit: unit.waivers())


async def incident(company: Company) -> str:
    (tracked,) = await company.findings("malware")
    return tracked.incident


async def review(company: Company) -> Review:
    return next(each for each in await company.reviews() if each.candidate.purl == FILES_PACKAGE.at("1.4.2"))


async def asked(company: Company) -> str:
    found = await review(company)
    return f"{found.mark} {found.candidate.fingerprint}"


async def test_who_presses_works_on_it_and_the_thread_says_so(paged: Company) -> None:
    async with listening(paged) as slack:
        await press(slack, "mcp-acknowledge", await incident(paged), by="U0BOB")

    (given,) = await waivers(paged)
    head, reply = paged.world.slack.messages
    assert (given.by, given.rule, given.server) == ("bob", "malware", FILES)
    assert "Acknowledged by bob until" in reply.words
    assert reply.thread == head.ts


async def test_the_same_press_that_comes_twice_counts_once(paged: Company) -> None:
    async with listening(paged) as slack:
        await press(slack, "mcp-snooze", await incident(paged), by="U0BOB", at="7.1")
        await press(slack, "mcp-snooze", await incident(paged), by="U0BOB", at="7.1")

    assert len(await waivers(paged)) == 1
    assert len(paged.world.slack.messages) == 2


async def test_a_person_whom_nobody_knows_does_nothing_and_is_answered_once(paged: Company) -> None:
    async with listening(paged) as slack:
        for at in ("1.0", "2.0", "3.0"):
            await press(slack, "mcp-acknowledge", await incident(paged), by="U0EVE", at=at)

    assert await waivers(paged) == []
    assert ["nothing was done" in each.words for each in paged.world.slack.messages] == [False, True]


async def test_an_approver_approves_exactly_the_pin_that_the_button_named(paged: Company) -> None:
    async with listening(paged) as slack:
        await press(slack, "mcp-approve", await asked(paged), by="U0ADA")

    decided = await review(paged)
    assert decided.state is State.APPROVED
    assert [(vote.by, vote.via) for vote in decided.votes] == [("ada", "slack")]


@pytest.mark.parametrize(
    ("by", "pin"),
    [("U0BOB", ""), ("U0EVE", ""), ("U0ADA", "0123456789abcdef")],
    ids=["no approver", "nobody", "old pin"],
)
async def test_an_approval_by_whom_may_not_or_of_another_pin_counts_for_nothing(
    paged: Company, by: str, pin: str
) -> None:
    mark, _, shown = (await asked(paged)).partition(" ")

    async with listening(paged) as slack:
        await press(slack, "mcp-approve", f"{mark} {pin or shown}", by=by)

    decided = await review(paged)
    assert decided.state is State.TICKETED
    assert decided.votes == ()


@pytest.mark.parametrize("button", ["mcp-acknowledge", "mcp-snooze", "mcp-approve"])
async def test_what_no_longer_is_there_is_answered_by_nothing(paged: Company, button: str) -> None:
    async with listening(paged) as slack:
        await press(slack, button, "0123456789abcdef 0123456789abcdef", by="U0ADA")

    assert await waivers(paged) == []
    assert len(paged.world.slack.messages) == 1
