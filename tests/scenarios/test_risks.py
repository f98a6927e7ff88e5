"""What is used (KEV) and what probably will be (EPSS): a flaw's severity follows, and the change is news."""

import json

import pytest

from monitor.domain.finding import Severity
from monitor.domain.unknown import Reason
from tests.company import Company
from tests.scenarios.exposed import FILES_PACKAGE, facts
from tests.world import Fault, Kind

GHSA = "GHSA-2222-3333-4444"


@pytest.fixture(params=["address", "file"])
async def risky(company: Company, request: pytest.FixtureRequest) -> Company:
    """The company with both lists and a flaw in an approved version, after its first look."""
    places = {"kev": company.folder / "kev.json", "epss": company.folder / "epss.csv"}
    filed = request.param == "file"
    company.endpoints = {
        name: str(place) if filed else f"{company.world.url('risk')}/{place.name}" for name, place in places.items()
    }
    carry(company)
    company.world.osv.advise(GHSA, FILES_PACKAGE, fixed="1.5.0", aliases=["CVE-2026-10001"])
    await company.run()
    (found,) = await company.findings()
    assert (found.finding.rule, found.finding.severity) == ("affected", Severity.HIGH)
    company.later(hours=1)
    return company


def carry(company: Company) -> None:
    """Bring both lists into the house as files, too."""
    risk = company.world.risk
    (company.folder / "kev.json").write_text(json.dumps(risk.catalogue()), "utf-8")
    (company.folder / "epss.csv").write_bytes(risk.table())


async def changes(company: Company) -> set[str]:
    """Return which changes of risk are open."""
    return {each.finding.subject.rpartition(" ")[2] for each in await company.findings("risk-changed")}


async def test_a_flaw_that_is_used_is_critical_and_that_is_news_of_its_own(risky: Company) -> None:
    risky.world.risk.exploit("CVE-2026-10001")
    carry(risky)

    await risky.run(["risks", "advisories", "deliver"])

    (affected,) = await risky.findings("affected")
    (page,) = risky.world.slack.messages
    assert await changes(risky) == {"known-exploited"}
    assert (affected.finding.severity, "exploited" in facts(affected)) == (Severity.CRITICAL, True)
    assert "attackers are known to use it" in page.words


async def test_a_flaw_that_will_probably_be_used_counts_as_one_step_worse(risky: Company) -> None:
    risky.world.risk.score("CVE-2026-10001", 0.42)
    carry(risky)

    await risky.run(["risks", "advisories", "deliver"])

    (affected,) = await risky.findings("affected")
    assert affected.finding.severity == Severity.CRITICAL
    assert await changes(risky) == {"likely-exploited"}


async def test_a_flaw_that_is_listed_no_more_is_what_it_was_and_its_news_are_over(risky: Company) -> None:
    risky.world.risk.exploit("CVE-2026-10001")
    carry(risky)
    await risky.run(["risks", "advisories"])
    risky.later(hours=1)
    risky.world.risk.forget("CVE-2026-10001")
    carry(risky)

    await risky.run(["risks", "advisories"])

    (affected,) = await risky.findings()
    assert (affected.finding.rule, affected.finding.severity) == ("affected", Severity.HIGH)


@pytest.mark.usefixtures("logged")  # what is away is warned of
async def test_an_outage_of_the_lists_changes_nothing_and_is_told(risky: Company) -> None:
    risky.world.risk.exploit("CVE-2026-10001")
    carry(risky)
    await risky.run(["risks", "advisories"])
    before = {each.finding for each in await risky.findings()}
    risky.world.break_("risk", Fault(Kind.OUTAGE))
    for name in ("kev.json", "epss.csv"):
        (risky.folder / name).unlink()

    report = await risky.run(["risks", "advisories"])

    assert report.exit_code == 3
    blind = {each.source for each in report.unknowns if each.reason is not Reason.NOT_COVERED}
    assert blind == {"kev", "epss"}
    assert {each.finding for each in await risky.findings()} == before


async def test_a_list_that_is_too_old_is_told(risky: Company) -> None:
    risky.later(days=11)

    report = await risky.run(["risks"])

    assert report.exit_code == 3
    assert all("too old to rely on" in each.detail for each in report.unknowns)
    blind = {each.source for each in report.unknowns if each.reason is not Reason.NOT_COVERED}
    assert blind == {"kev", "epss"}


@pytest.mark.usefixtures("logged")  # what is away is warned of
async def test_lists_that_stay_silent_for_a_day_are_a_finding(risky: Company) -> None:
    risky.world.break_("risk", Fault(Kind.OUTAGE))
    for name in ("kev.json", "epss.csv"):
        (risky.folder / name).unlink()
    await risky.run(["risks"])
    risky.later(hours=25)

    await risky.run(["risks", "health"])

    assert {each.finding.subject for each in await risky.findings("source-unknown")} == {"kev", "epss"}
