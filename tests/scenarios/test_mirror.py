"""A copy of OSV's export in place of the API: the same answers, and no question that leaves the house."""

import os
from pathlib import Path

import pytest

from monitor.doctor import Line, Status, examine
from monitor.domain.purl import Purl
from monitor.domain.unknown import Reason
from monitor.settings import load
from tests.company import Company
from tests.scenarios.conftest import FETCH
from tests.scenarios.exposed import FILES_PACKAGE, QS, lock
from tests.world import Fault, Kind, World

FETCH_PROJECT = Purl.pypi("acme-fetch-mcp")
GHSA = "GHSA-2222-3333-4444"


async def line(company: Company, part: str) -> Line:
    """Return what `doctor` says first of a part."""
    app = company.app
    settings = load(company.config, company.environ)
    found = [each async for each in examine(app, settings, said_by={})]
    return next(each for each in found if each.part == part)


def export(world: World, folder: Path) -> str:
    """Carry the world's export into a folder, with the times at which it was written; return where it is."""
    written = world.clock().timestamp()
    for path in world.osv_export.write(folder).glob("*/*"):
        os.utime(path, (written, written))
    return str(folder)


def renew(company: Company) -> None:
    """Carry the export once more, where it is carried."""
    if company.endpoints["mirror"].startswith("/"):
        export(company.world, company.folder / "export")


@pytest.fixture(params=["address", "folder"])
def copied(company: Company, request: pytest.FixtureRequest) -> Company:
    """The company with a copy of the export, before its first look."""
    carried = request.param == "folder"
    place = export(company.world, company.folder / "export") if carried else company.world.url("osv-export")
    company.endpoints = {"mirror": place}
    return company


def told(world: World) -> None:
    """Let the database have something about everything that the company has."""
    world.osv.malware("MAL-2026-1", FETCH_PROJECT, "2.4.2")
    world.osv.advise(GHSA, FILES_PACKAGE, introduced="1.4.1", fixed="1.5.0", aliases=["CVE-2026-10001"])
    world.osv.advise(
        "OSV-2026-7", FILES_PACKAGE, fixed="1.4.9", aliases=["CVE-2026-10001"], severity="LOW", vector=None
    )
    world.osv.advise("GHSA-qs", QS, fixed="6.10.3")
    world.osv.advise("GHSA-else", Purl.npm("nobody-has-it"))
    world.osv.advise("GHSA-past", FILES_PACKAGE, fixed="1.4.0")
    world.osv.advise("GHSA-gone", FILES_PACKAGE)
    world.osv.withdraw("GHSA-gone")


async def test_with_a_copy_no_question_leaves_the_house(copied: Company) -> None:
    lock(copied)

    report = await copied.run()

    assert (report.exit_code, copied.world.asked("osv")) == (0, [])
    assert not [each for each in copied.world.requests if "files-mcp" in each.path and "osv" in each.path]


@pytest.mark.parametrize("carried", [False, True])
async def test_the_copy_and_the_api_find_the_same(company: Company, tmp_path: Path, *, carried: bool) -> None:
    lock(company)
    told(company.world)
    (tmp_path / "other").mkdir()
    place = export(company.world, tmp_path / "export") if carried else company.world.url("osv-export")
    other = Company(tmp_path / "other", company.world, tells=False, endpoints={"mirror": place})
    other.registry, other.inventory = company.registry, company.inventory
    lock(other)
    await company.run()
    asked = len(company.world.asked("osv"))

    await other.run()

    theirs, ours = await other.findings(), await company.findings()
    assert {each.finding for each in theirs} == {each.finding for each in ours}
    assert {each.finding.rule for each in ours} == {"malware", "affected", "dependency-affected"}
    assert len(company.world.asked("osv")) == asked


async def test_a_withdrawal_reaches_the_copy(copied: Company) -> None:
    copied.world.osv.malware("MAL-2026-1", FILES_PACKAGE, "1.4.2")
    renew(copied)
    await copied.run()
    paged = len(await copied.findings("malware"))
    copied.later(hours=1)
    copied.world.osv.withdraw("MAL-2026-1")
    renew(copied)

    await copied.run(["mirror", "advisories", "deliver"])

    assert (paged, await copied.findings("malware")) == (1, [])
    assert "MAL-2026-1 was withdrawn on" in copied.world.slack.messages[-1].words


async def test_a_missing_copy_is_not_an_all_clear(copied: Company) -> None:
    copied.world.osv.malware("MAL-2026-1", FILES_PACKAGE, "1.4.2")

    report = await copied.run(["releases"])

    assert report.exit_code == 3
    assert {each.advisories for each in report.servers} == {"not known", "not covered"}
    blind = [each.source for each in report.unknowns if each.reason is not Reason.NOT_COVERED]
    assert blind == ["osv_mirror"]


@pytest.mark.usefixtures("logged")  # what is away is warned of
async def test_a_stale_copy_is_not_an_all_clear_and_ends_nothing(copied: Company) -> None:
    copied.world.osv.malware("MAL-2026-1", FILES_PACKAGE, "1.4.2")
    renew(copied)
    await copied.run()
    copied.later(hours=25)
    copied.world.break_("osv-export", Fault(Kind.OUTAGE))
    copied.world.osv.withdraw("MAL-2026-1")

    report = await copied.run()

    assert report.exit_code == 3
    assert len(await copied.findings("malware")) == 1
    assert next(each for each in report.servers if each.name == FETCH).advisories == "not known"


@pytest.mark.usefixtures("logged")  # what is away is warned of
async def test_whoever_goes_over_to_a_copy_that_is_missing_is_not_told_what_the_api_said(company: Company) -> None:
    await company.run()
    company.config.unlink()
    company.endpoints = {"mirror": company.world.url("osv-export")}
    company.world.break_("osv-export", Fault(Kind.OUTAGE))
    over = Company(company.folder, company.world, endpoints=company.endpoints)
    over.registry, over.inventory = company.registry, company.inventory

    report = await over.run()

    assert report.exit_code == 3
    assert {each.advisories for each in report.servers} == {"not known", "not covered"}


async def test_doctor_says_how_old_the_copy_is(copied: Company) -> None:
    before = await line(copied, "osv_mirror")
    await copied.run(["mirror"])

    after = await line(copied, "osv_mirror")

    assert (before.status, before.remedy) == (Status.FAIL, "Run: mcp-monitor run mirror")
    assert (after.status, "compared on 2026-12-09 12:00 UTC" in after.found) == (Status.OK, True)
