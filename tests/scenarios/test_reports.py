"""Hosts that report by themselves: what their disks hold is compared with what is approved."""

import asyncio
import os
from pathlib import Path

import pytest

from monitor.commands.scan import scan_host
from tests.company import Company
from tests.connectors.homes import config, npx

FOLDER = """
[[inventory]]
kind = "inventory-folder"
path = "reports"
"""


@pytest.fixture
def reporting(company: Company) -> Company:
    """Reports come into a folder, besides the organisation's own lines."""
    (company.folder / "reports").mkdir()
    company.write()
    with company.config.open("a", encoding="utf-8") as config_file:
        config_file.write(FOLDER)
    return company


def laptop(company: Company, installed: str) -> Path:
    """Let a floating command of a laptop have that version in npx's cache; return the home."""
    home = company.folder / "rita"
    config(home, "npx", "-y", "@acme/files-mcp")
    npx(home, "@acme/files-mcp", "@acme/files-mcp", installed)
    return home


async def report(company: Company, home: Path) -> None:
    """Let the collector of the laptop write its report; it comes now by the clock of the world."""
    output = company.folder / "reports/laptop-9.jsonl"
    await asyncio.to_thread(scan_host, [home], host="laptop-9", output=str(output), token_env="", root=company.folder)
    now = company.world.clock().timestamp()
    os.utime(output, (now, now))


async def test_a_floating_command_that_has_an_unapproved_version_on_the_disk_is_found(reporting: Company) -> None:
    await report(reporting, laptop(reporting, "9.9.9"))

    await reporting.run()

    assert ["laptop-9" in each.finding.summary for each in await reporting.findings("unapproved-version")] == [True]
    assert ["laptop-9" in each.finding.summary for each in await reporting.findings("floating-version")] == [True]


async def test_the_next_report_of_the_host_replaces_its_last(reporting: Company) -> None:
    home = laptop(reporting, "9.9.9")
    await report(reporting, home)
    await reporting.run()
    config(home, "npx", "-y", "@acme/files-mcp@1.4.2")
    await report(reporting, home)

    await reporting.run()

    assert await reporting.findings("unapproved-version") == []
    assert await reporting.findings("floating-version") == []


async def test_a_report_that_is_half_there_lets_nothing_be_gone(reporting: Company) -> None:
    await report(reporting, laptop(reporting, "9.9.9"))
    await reporting.run()
    file = reporting.folder / "reports/laptop-9.jsonl"
    file.write_bytes(file.read_bytes().splitlines(keepends=True)[0])

    ended = await reporting.run()

    assert ended.exit_code == 3
    assert len(await reporting.findings("unapproved-version")) == 1


async def test_a_host_that_stops_reporting_falls_silent(reporting: Company) -> None:
    await report(reporting, laptop(reporting, "1.4.2"))
    await reporting.run()
    reporting.later(days=4)

    await reporting.run()

    assert [each.finding.subject for each in await reporting.findings("host-silent")] == ["laptop-9"]
