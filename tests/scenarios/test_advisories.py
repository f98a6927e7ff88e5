from monitor.domain.finding import Severity
from monitor.domain.purl import Purl
from tests.company import Company
from tests.world import Fault, Kind

FILES_PACKAGE = Purl.npm("@acme/files-mcp")


async def test_an_advisory_on_a_deployed_version_names_the_host_and_the_fix(calm: Company) -> None:
    calm.deploy("laptop-9", "pkg:npm/%40acme/files-mcp@1.4.1")
    calm.world.osv.advise("GHSA-1111-2222-3333", FILES_PACKAGE, fixed="1.4.2", summary="Path traversal")

    await calm.run(["fleet", "advisories", "deliver"])

    found = await calm.findings("affected")
    facts = {fact.label: fact.value for each in found for fact in each.finding.facts}
    assert [each.finding.about for each in found] == [FILES_PACKAGE.at("1.4.1")]
    assert (facts["deployed on"], facts["fixed in"]) == ("laptop-9", "1.4.2")


async def test_malware_in_an_approved_version_pages(calm: Company) -> None:
    calm.world.osv.malware("MAL-2026-1", FILES_PACKAGE, "1.4.2")

    await calm.run(["advisories", "deliver"])

    assert [each.finding.severity for each in await calm.findings("malware")] == [Severity.CRITICAL]
    assert ["MAL-2026-1" in message.words for message in calm.world.slack.messages] == [True]


async def test_a_withdrawn_record_resolves_its_finding_and_tells_those_who_were_paged(calm: Company) -> None:
    calm.world.osv.malware("MAL-2026-1", FILES_PACKAGE, "1.4.2")
    await calm.run(["advisories", "deliver"])
    calm.later(hours=1)
    calm.world.osv.withdraw("MAL-2026-1")

    await calm.run(["advisories", "deliver"])

    assert await calm.findings("malware") == []
    assert ["Resolved" in message.words for message in calm.world.slack.messages] == [False, True]


async def test_one_flaw_under_two_ids_is_one_ticket(calm: Company) -> None:
    calm.world.osv.advise("GHSA-1111-2222-3333", FILES_PACKAGE, fixed="1.5.0", aliases=["CVE-2026-1"])
    calm.world.osv.advise("OSV-2026-7", FILES_PACKAGE, fixed="1.5.0", aliases=["CVE-2026-1"])

    await calm.run()

    assert len(await calm.findings("affected")) == 1
    assert len(calm.world.jira.issues) == 1


async def test_details_are_fetched_once_and_again_only_when_modified(calm: Company) -> None:
    calm.world.osv.advise("GHSA-1111-2222-3333", FILES_PACKAGE, fixed="1.5.0", severity="LOW", vector=None)
    await calm.run(["advisories"])
    await calm.run(["advisories"])
    calm.later(hours=1)
    calm.world.osv.advise("GHSA-1111-2222-3333", FILES_PACKAGE, fixed="1.5.0", severity="CRITICAL", vector=None)

    await calm.run(["advisories"])

    assert len(calm.world.asked("osv", "/vulns/")) == 2
    assert [each.finding.severity for each in await calm.findings("affected")] == [Severity.CRITICAL]


async def test_a_server_without_an_advisory_source_is_shown_as_not_covered(calm: Company) -> None:
    report = await calm.run()

    line = next(line for line in report.servers if line.name.endswith("forge-mcp"))
    assert line.advisories == "not covered"
    assert report.exit_code == 0


async def test_an_outage_of_the_advisory_source_resolves_nothing_and_exits_with_3(
    calm: Company, logged: list[str]
) -> None:
    calm.world.osv.advise("GHSA-1111-2222-3333", FILES_PACKAGE, fixed="1.5.0")
    await calm.run(["advisories"])
    calm.world.break_("osv", Fault(Kind.OUTAGE))

    report = await calm.run(["advisories"])

    assert report.exit_code == 3
    assert len(await calm.findings("affected")) == 1
    assert logged is not None
