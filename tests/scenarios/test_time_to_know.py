"""How long it takes from a record's appearance to the page, on the schedule that `serve` has by default."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from monitor.cron import trigger
from monitor.domain.purl import Purl
from monitor.scheduler import slots
from monitor.settings import load
from tests.company import Company
from tests.world import Fault, Kind

FILES_PACKAGE = Purl.npm("@acme/files-mcp")
WATCHING = ("advisories", "fleet", "mirror", "releases")
"""The jobs that have to do with it, each of which sends its own news."""


def ticks(company: Company, until: datetime) -> Iterator[tuple[datetime, str]]:
    """Yield when each job's turn is from now on, by the default schedule without its jitter, in order."""
    schedule = load(company.config, company.environ).config.schedule
    found = []
    for job in WATCHING:
        when = trigger(slots(schedule)[job], UTC)
        at = when.get_next_fire_time(None, company.world.clock())
        while at is not None and at <= until:
            found.append((at, job))
            at = when.get_next_fire_time(at, at + timedelta(microseconds=1))
    yield from sorted(found)


async def serve(company: Company, until: datetime) -> None:
    """Do what `serve` does at each tick until then, by the world's clock."""
    for at, job in ticks(company, until):
        company.world.clock.now = at
        await company.run((job, "deliver"), forced=False, lines=False)
    company.world.clock.now = until


@pytest.mark.parametrize("minute", [0, 1, 7, 14, 29])
async def test_malware_is_paged_within_15_minutes_of_its_record(calm: Company, minute: int) -> None:
    appears = calm.world.clock().replace(hour=14, minute=minute, second=0)
    await serve(calm, appears)
    calm.world.osv.malware("MAL-2026-1", FILES_PACKAGE, "1.4.2")

    await serve(calm, appears + timedelta(minutes=30))

    (page,) = calm.world.slack.messages
    assert "MAL-2026-1" in page.words
    assert page.at - appears <= timedelta(minutes=15)


@pytest.mark.parametrize("minute", [1, 11, 13])
async def test_with_a_copy_it_takes_no_more_than_three_minutes_longer(company: Company, minute: int) -> None:
    company.endpoints = {"mirror": company.world.url("osv-export")}
    await company.run()
    appears = company.world.clock().replace(hour=14, minute=minute, second=0)
    await serve(company, appears)
    company.world.osv.malware("MAL-2026-1", FILES_PACKAGE, "1.4.2")

    await serve(company, appears + timedelta(minutes=45))

    (page,) = company.world.slack.messages
    assert page.at - appears <= timedelta(minutes=18)


async def test_a_tick_asks_once_for_a_thousand_versions_and_nobody_but_the_database(calm: Company) -> None:
    for number in range(1200):
        calm.deploy(f"host-{number}", f"pkg:npm/%40acme/files-mcp@0.{number}.0")
    await calm.run(("fleet",))
    before = len(calm.world.requests)

    await calm.run(("advisories",))

    asked = [(each.method, each.path) for each in calm.world.requests[before:]]
    assert asked == [("POST", "/osv/v1/querybatch")] * 2


async def test_a_tick_with_nothing_new_asks_for_no_details(calm: Company) -> None:
    calm.world.osv.advise("GHSA-1111-2222-3333", FILES_PACKAGE, fixed="1.5.0")
    await calm.run(("advisories",))
    before = len(calm.world.requests)

    await calm.run(("advisories",))

    assert [each.path for each in calm.world.requests[before:]] == ["/osv/v1/querybatch"]


async def test_a_record_that_appears_while_the_database_is_away_is_paged_at_the_first_tick_after(calm: Company) -> None:
    appears = calm.world.clock().replace(hour=14, minute=1, second=0)
    await serve(calm, appears)
    calm.world.osv.malware("MAL-2026-1", FILES_PACKAGE, "1.4.2")
    calm.world.break_("osv", Fault(Kind.OUTAGE))
    await serve(calm, appears.replace(minute=40))
    calm.world.mend("osv")

    await serve(calm, appears.replace(minute=59))

    (page,) = calm.world.slack.messages
    assert f"{page.at:%H:%M}" == "14:45"


async def test_a_tick_over_many_servers_asks_once_for_a_thousand_of_their_versions(calm: Company) -> None:
    for number in range(300):
        calm.world.npm.publish(f"tool-{number}", "1.0.0")
        calm.approve(f"io.github.acme/tool-{number}", "1.0.0", package=f"pkg:npm/tool-{number}")
    await calm.run(("fleet",))
    before = len(calm.world.requests)

    await calm.run(("advisories",))

    assert [each.path for each in calm.world.requests[before:]] == ["/osv/v1/querybatch"]
