"""Who else is asked than OSV about versions: GitHub's malware advisories, a repository's own, and OSV about commits."""

import pytest

from monitor.domain.purl import Purl
from tests.company import Company
from tests.scenarios.conftest import FORGE
from tests.scenarios.exposed import FILES_PACKAGE, facts
from tests.world import Fault, Kind
from tests.world.github_advisories import Flawed

GHSA = "GHSA-2222-3333-4444"
MAL = "GHSA-ma1a-ma1a-ma1a"


@pytest.fixture
async def known(company: Company) -> Company:
    """The company with a token for GitHub, after its first look."""
    company.endpoints = {"github_token": "GITHUB_TOKEN"}
    report = await company.run()
    assert (report.exit_code, report.problems) == (0, ())
    company.later(hours=1)
    return company


async def test_what_github_lists_as_malware_pages(known: Company) -> None:
    known.world.github.advisories.malware(MAL, FILES_PACKAGE, "= 1.4.2")

    await known.run(["advisories", "deliver"])

    (found,) = await known.findings("malware")
    assert found.finding.about == FILES_PACKAGE.at("1.4.2")
    assert [MAL in each.words for each in known.world.slack.messages] == [True]


async def test_without_a_token_github_is_not_asked_for_advisories(company: Company) -> None:
    await company.run()

    await company.run(["advisories"])

    assert not [each for each in company.world.asked("github") if "advisories" in each.path]


async def test_malware_that_two_databases_know_is_one_finding_and_one_page(known: Company) -> None:
    known.world.github.advisories.malware(MAL, FILES_PACKAGE, "= 1.4.2")
    await known.run(["advisories", "deliver"])
    known.later(minutes=15)
    known.world.osv.malware("MAL-2026-1", FILES_PACKAGE, "1.4.2")
    known.world.osv.records["MAL-2026-1"]["aliases"] = [MAL]

    await known.run(["advisories", "deliver"])

    (found,) = await known.findings("malware")
    assert set(facts(found)["identifiers"].split(", ")) == {MAL, "MAL-2026-1"}
    assert len(known.world.slack.messages) == 1


async def test_malware_that_one_of_two_databases_takes_back_stands(known: Company) -> None:
    known.world.github.advisories.malware(MAL, FILES_PACKAGE, "= 1.4.2")
    known.world.osv.malware("MAL-2026-1", FILES_PACKAGE, "1.4.2")
    known.world.osv.records["MAL-2026-1"]["aliases"] = [MAL]
    await known.run(["advisories", "deliver"])
    known.later(minutes=15)
    known.world.osv.withdraw("MAL-2026-1")

    await known.run(["advisories", "deliver"])

    assert len(await known.findings("malware")) == 1
    assert len(known.world.slack.messages) == 1


async def test_a_flaw_that_the_repository_and_osv_know_is_one_finding_with_both_fixes(known: Company) -> None:
    own = Flawed(FILES_PACKAGE, "< 1.4.3", "1.4.3")
    known.world.github.advisories.publish(GHSA, own, repository="acme/files-mcp", reviewed=False)
    known.world.osv.advise(GHSA, FILES_PACKAGE, fixed="1.5.0")

    await known.run()

    (found,) = await known.findings("affected")
    assert set(facts(found)["fixed in"].split(", ")) == {"1.4.3 (github-repository)", "1.5.0 (osv)"}
    assert len(known.world.jira.issues) == 1


async def test_what_a_repository_publishes_stands_between_the_looks_at_it(known: Company) -> None:
    own = Flawed(FILES_PACKAGE, "< 1.4.3", "1.4.3")
    known.world.github.advisories.publish(GHSA, own, repository="acme/files-mcp", reviewed=False)
    await known.run(["releases"])
    opened, asked = len(await known.findings("affected")), len(known.world.asked("github", "security-advisories"))

    await known.run(["advisories"])

    assert (opened, len(await known.findings("affected"))) == (1, 1)
    assert len(known.world.asked("github", "security-advisories")) == asked


async def test_what_a_repository_withdraws_ends_with_a_note(known: Company) -> None:
    own = Flawed(FILES_PACKAGE, "< 1.4.3", "1.4.3")
    known.world.github.advisories.publish(GHSA, own, repository="acme/files-mcp", reviewed=False)
    await known.run()
    known.later(hours=1)
    known.world.github.advisories.withdraw(GHSA)

    await known.run()

    every = await known.app.store.run(lambda unit: unit.findings())
    (ended,) = [each for each in every if each.finding.rule == "affected"]
    assert ended.resolved_at is not None
    assert f"{GHSA} was withdrawn on" in ended.note


async def test_an_outage_of_github_keeps_what_it_said_and_is_no_all_clear(known: Company) -> None:
    known.world.github.advisories.malware(MAL, FILES_PACKAGE, "= 1.4.2")
    await known.run(["advisories"])
    known.world.break_("github", Fault(Kind.OUTAGE, "/advisories"))

    report = await known.run(["advisories"])

    assert report.exit_code == 3
    assert len(await known.findings("malware")) == 1


# --- commits


async def test_a_server_that_is_pinned_to_a_commit_is_asked_about_by_it(company: Company) -> None:
    commit = company.world.github.repository("acme/forge-mcp").tags["v0.9.0"].commit
    company.approve(FORGE, "v0.9.0", approved={"digests": [f"gitCommit:{commit}"]})
    ranges = [{"type": "GIT", "repo": "https://github.com/acme/forge-mcp", "events": [{"introduced": "0"}]}]
    company.world.osv.add({"id": "OSV-2026-9", "summary": "Overflow", "affected": [{"ranges": ranges}]})
    company.world.osv.reach("OSV-2026-9", commit)

    report = await company.run()

    (found,) = await company.findings("affected")
    assert (found.finding.server, found.finding.about) == (FORGE, Purl.github("acme/forge-mcp", "v0.9.0"))
    assert "disputed" not in facts(found)
    assert next(each for each in report.servers if each.name == FORGE).advisories == "1 open"
