import json

from monitor.domain.finding import Severity
from monitor.domain.purl import Purl
from tests.company import Company
from tests.scenarios.conftest import BUILDER, FILES
from tests.scenarios.test_crashes import finish
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


async def test_a_withdrawal_ends_the_quarantine_and_says_so_where_it_was_told(calm: Company) -> None:
    calm.world.osv.malware("MAL-2026-1", FILES_PACKAGE, "1.4.2")
    quarantined = await calm.run()
    calm.later(hours=1)
    calm.world.osv.withdraw("MAL-2026-1")

    report = await calm.run()

    before, after = (
        next(line for line in each.servers if line.name == FILES).quarantined for each in (quarantined, report)
    )
    assert (before, after) == (("1.4.2",), ())
    assert "MAL-2026-1 was withdrawn on" in calm.world.slack.messages[-1].words
    assert "MAL-2026-1 was withdrawn on" in calm.world.jira.issues[0].remarks[-1]


async def test_a_record_that_vanishes_without_a_word_is_asked_for_before_its_finding_ends(
    calm: Company, logged: list[str]
) -> None:
    calm.world.osv.advise("GHSA-1111-2222-3333", FILES_PACKAGE, fixed="1.5.0")
    await calm.run(["advisories"])
    calm.world.osv.hide("GHSA-1111-2222-3333")

    await calm.run(["advisories"])

    found = await calm.findings("affected")
    facts = [fact.value for each in found for fact in each.finding.facts if fact.label == "disputed"]
    assert ["does not name this version any more; the record, as we read it, does" in fact for fact in facts] == [True]
    assert logged


async def test_a_record_that_was_corrected_ends_its_finding_with_a_note(calm: Company) -> None:
    calm.world.osv.advise("GHSA-1111-2222-3333", FILES_PACKAGE, fixed="1.5.0")
    await calm.run(["advisories"])
    calm.world.osv.advise("GHSA-1111-2222-3333", FILES_PACKAGE, fixed="1.4.1")

    await calm.run(["advisories"])

    (ended,) = await calm.findings("affected", resolved=True)
    assert ended.resolved_at is not None
    assert "was corrected" in ended.note


async def test_a_record_that_is_deleted_upstream_ends_its_finding_with_a_note(calm: Company) -> None:
    calm.world.osv.advise("GHSA-1111-2222-3333", FILES_PACKAGE, fixed="1.5.0")
    await calm.run(["advisories"])
    del calm.world.osv.records["GHSA-1111-2222-3333"]

    await calm.run(["advisories"])

    (ended,) = await calm.findings("affected", resolved=True)
    assert "no such record any more" in ended.note


async def test_a_vanished_record_that_cannot_be_asked_for_keeps_its_finding(calm: Company, logged: list[str]) -> None:
    calm.world.osv.advise("GHSA-1111-2222-3333", FILES_PACKAGE, fixed="1.5.0")
    await calm.run(["advisories"])
    calm.world.osv.hide("GHSA-1111-2222-3333")
    calm.world.break_("osv", Fault(Kind.OUTAGE, only="/v1/vulns/"))

    report = await calm.run(["advisories"])

    assert len(await calm.findings("affected")) == 1
    assert report.exit_code == 3
    assert logged


# --- what a version brings along

LOCK = {
    "name": "@acme/files-mcp",
    "version": "1.4.2",
    "lockfileVersion": 3,
    "packages": {
        "": {"name": "@acme/files-mcp", "version": "1.4.2", "dependencies": {"express": "^4.0.0"}},
        "node_modules/express": {"version": "4.18.0", "dependencies": {"qs": "6.10.0"}},
        "node_modules/qs": {"version": "6.10.0"},
    },
}
QS = Purl.npm("qs")


def with_lock(company: Company, version: str = "1.4.2", *, qs: str = "6.10.0") -> None:
    """Name lock files in the entry, and write that of the version."""
    company.approve(FILES, None, dependencies="locks/files-{version}.json")
    lock = json.loads(json.dumps(LOCK).replace("1.4.2", version).replace("6.10.0", qs))
    (company.folder / "locks").mkdir(exist_ok=True)
    (company.folder / "locks" / f"files-{version}.json").write_text(json.dumps(lock), "utf-8")


async def test_a_flaw_at_the_end_of_a_lock_files_path_names_the_path_and_the_fix(calm: Company) -> None:
    with_lock(calm)
    calm.world.osv.advise("GHSA-qs", QS, fixed="6.10.3", summary="Prototype pollution")

    await calm.run()

    (found,) = await calm.findings("dependency-affected")
    facts = {fact.label: fact.value for fact in found.finding.facts}
    assert facts["path"] == "@acme/files-mcp > express > qs (depth 2)"
    assert (facts["fixed in"], facts["deployed on"]) == ("6.10.3", "laptop-7")
    assert facts["approved fix"] == "none, and nothing without it is up for review"
    assert found.finding.about == FILES_PACKAGE.at("1.4.2")
    assert len(calm.world.jira.issues) == 1


async def test_a_candidate_whose_lock_file_has_the_fix_is_named(calm: Company) -> None:
    with_lock(calm)
    calm.world.osv.advise("GHSA-qs", QS, fixed="6.10.3")
    with_lock(calm, "1.4.3", qs="6.10.3")
    calm.world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER)

    await calm.run()

    facts = {
        fact.label: fact.value for each in await calm.findings("dependency-affected") for fact in each.finding.facts
    }
    assert facts["approved fix"] == "none; 1.4.3, which is up for review, is without it"


async def test_malware_in_a_dependency_pages_and_quarantines_the_version(calm: Company) -> None:
    with_lock(calm)
    calm.world.osv.malware("MAL-2026-7", QS, "6.10.0")

    report = await calm.run()

    line = next(line for line in report.servers if line.name == FILES)
    assert line.quarantined == ("1.4.2",)
    assert ["brings along qs 6.10.0, which is malware" in each.words for each in calm.world.slack.messages] == [True]


async def test_a_flaw_in_a_dependency_opens_a_ticket_and_wakes_nobody_unless_it_is_used(calm: Company) -> None:
    with_lock(calm)
    calm.world.osv.advise("GHSA-qs", QS, fixed="6.10.3", vector="CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")

    await calm.run()

    assert [each.finding.severity for each in await calm.findings("dependency-affected")] == [Severity.CRITICAL]
    assert (len(calm.world.jira.issues), calm.world.slack.messages) == (1, [])


async def test_what_the_registry_declares_exactly_is_asked_about_and_the_rest_is_told_as_not_resolved(
    company: Company,
) -> None:
    declared = {"qs": "6.10.0", "express": "^4.0.0"}
    company.world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER, dependencies=declared)
    company.approve(FILES, "1.4.3")
    company.deploy("laptop-7", "pkg:npm/%40acme/files-mcp@1.4.3")
    company.world.osv.advise("GHSA-qs", QS, fixed="6.10.3")

    await company.run()

    (found,) = await company.findings("dependency-affected")
    assert "npm" in next(fact.source for fact in found.finding.facts if fact.label == "path")
    assert "Not resolved, and not looked at: 1." in company.world.jira.issues[0].words


async def test_what_a_version_declares_is_asked_once(calm: Company) -> None:
    asked = len(calm.world.asked("npm", "files-mcp/1.4.2"))

    await calm.run()

    assert asked >= 1
    assert len(calm.world.asked("npm", "files-mcp/1.4.2")) == asked


async def test_a_lock_file_that_is_named_and_missing_is_not_known(calm: Company) -> None:
    calm.approve(FILES, None, dependencies="locks/nothing.json")

    report = await calm.run()

    assert report.exit_code == 3
    assert any("locks/nothing.json" in unknown.detail for unknown in report.unknowns)


async def test_a_version_that_would_lead_out_of_the_folder_names_no_file(calm: Company) -> None:
    calm.approve(FILES, None, dependencies="locks/{version}")
    calm.deploy("laptop-9", "pkg:npm/%40acme/files-mcp@..%2F..%2Fregistry.yaml")

    report = await calm.run()

    assert not [unknown for unknown in report.unknowns if "registry.yaml" in unknown.detail]


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


async def test_a_finding_that_is_over_is_listed_with_the_reason(calm: Company) -> None:
    calm.world.osv.malware("MAL-2026-1", FILES_PACKAGE, "1.4.2")
    await calm.run(["advisories"])
    calm.world.osv.withdraw("MAL-2026-1")
    await calm.run(["advisories"])

    _, output = finish(calm, "findings", "--all")

    assert "MAL-2026-1 was withdrawn on" in output
