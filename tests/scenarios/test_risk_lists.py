"""KEV and EPSS as they come: a broken list ends no mark, and one that is not configured any more counts no more."""

import pytest

from monitor.domain.finding import Severity
from monitor.domain.unknown import Reason
from tests.company import Company
from tests.scenarios.exposed import FILES_PACKAGE

CVE = "CVE-2026-10001"


@pytest.fixture
async def used(company: Company) -> Company:
    """The company with a flaw in an approved version that is one of thirty in each list, after its first look."""
    risk = company.world.risk
    company.endpoints = {name: f"{company.world.url('risk')}/{name}.{form}" for name, form in FORMS.items()}
    for number in range(10_001, 10_030):
        risk.exploit(f"CVE-2026-{number}")
        risk.score(f"CVE-2026-{number}", 0.9)
    company.world.osv.advise("GHSA-2222-3333-4444", FILES_PACKAGE, fixed="1.5.0", aliases=[CVE])
    await company.run()
    assert await severity(company) == Severity.CRITICAL
    company.later(hours=1)
    return company


FORMS = {"kev": "json", "epss": "csv"}


def lose(company: Company, count: int) -> None:
    """Take that many flaws off both lists, that of the company first."""
    for number in range(10_001, 10_001 + count):
        company.world.risk.forget(f"CVE-2026-{number}")


async def severity(company: Company) -> Severity:
    """Return how bad the flaw of the company is."""
    (found,) = await company.findings("affected")
    return found.finding.severity


async def test_a_list_that_lost_more_than_half_is_refused_with_both_counts_and_what_was_kept_counts_on(
    used: Company,
) -> None:
    lose(used, 16)

    report = await used.run(["risks"])

    assert report.exit_code == 3
    assert {each.source for each in report.unknowns if each.reason is Reason.MALFORMED} == {"kev", "epss"}
    assert all("names 14 flaws, and named 30 before" in each.detail for each in report.unknowns)
    await used.run(["advisories"])
    assert await severity(used) == Severity.CRITICAL


async def test_a_list_that_lost_half_is_taken(used: Company) -> None:
    lose(used, 15)

    report = await used.run(["risks"])

    assert report.unknowns == ()
    await used.run(["advisories"])
    assert await severity(used) == Severity.HIGH


async def test_a_list_that_was_refused_is_asked_for_again_and_taken_when_it_is_whole(used: Company) -> None:
    lose(used, 29)
    await used.run(["risks"])
    for number in range(10_002, 10_030):
        used.world.risk.exploit(f"CVE-2026-{number}")
        used.world.risk.score(f"CVE-2026-{number}", 0.9)

    report = await used.run(["risks"])

    assert report.unknowns == ()
    await used.run(["advisories"])
    assert await severity(used) == Severity.HIGH


async def test_a_list_of_a_few_flaws_may_shrink(company: Company) -> None:
    company.endpoints = {"kev": f"{company.world.url('risk')}/kev.json"}
    for number in range(1001, 1020):
        company.world.risk.exploit(f"CVE-2026-{number}")
    await company.run(["risks"])
    company.later(hours=1)
    for number in range(1001, 1020):
        company.world.risk.forget(f"CVE-2026-{number}")

    report = await company.run(["risks"])

    assert report.unknowns == ()


async def test_a_list_that_shrank_rightly_is_taken_after_one_run_without_it(used: Company) -> None:
    lose(used, 29)
    lists = used.app.risks
    refused = {each.source: each.detail for each in (await used.run(["risks"])).unknowns[:2]}

    used.risks()
    await used.run(["risks"])
    used.risks(*lists)
    report = await used.run(["risks"])

    assert refused["kev"].endswith('run the job "risks" once with sources.kev.place = "", and once as now')
    assert report.unknowns == ()
    await used.run(["advisories"])
    assert await severity(used) == Severity.HIGH


async def test_a_list_that_is_not_configured_any_more_counts_no_more(used: Company) -> None:
    used.risks()

    await used.run(["advisories"])

    assert await severity(used) == Severity.HIGH
