"""Sequences in which a finding about an advisory could end, come back, or be told although nothing of the kind happened."""

import json

from monitor.domain.finding import Severity
from monitor.domain.purl import Purl
from tests.company import Company
from tests.scenarios.conftest import BUILDER, FILES
from tests.world import Fault, Kind

PACKAGE = Purl.npm("@acme/files-mcp")
QS = Purl.npm("qs")


def lock(company: Company, version: str, qs: str) -> None:
    """Let the entry's one lock file be about that version."""
    packages = {
        "": {"name": "@acme/files-mcp", "version": version, "dependencies": {"qs": qs}},
        "node_modules/qs": {"version": qs},
    }
    written = {"name": "@acme/files-mcp", "version": version, "lockfileVersion": 3, "packages": packages}
    (company.folder / "files.json").write_text(json.dumps(written), "utf-8")
    company.approve(FILES, version, dependencies="files.json")


async def test_what_a_lock_file_resolved_is_known_of_that_version_when_the_file_has_moved_on(calm: Company) -> None:
    lock(calm, "1.4.2", "6.10.0")
    calm.world.osv.malware("MAL-2026-7", QS, "6.10.0")
    await calm.run()
    calm.world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER)
    lock(calm, "1.4.3", "6.11.0")
    calm.later(hours=1)

    await calm.run()

    # laptop-7 still runs 1.4.2.
    assert [each.finding.about for each in await calm.findings("malware")] == [PACKAGE.at("1.4.2")]
    assert ["Resolved" in message.words for message in calm.world.slack.messages] == [False]


async def test_an_outage_of_the_registry_does_not_end_what_is_known_of_a_candidate(
    calm: Company, logged: list[str]
) -> None:
    calm.world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER)
    calm.world.osv.malware("MAL-2026-1", PACKAGE, "1.4.3")
    await calm.run()
    calm.world.break_("npm", Fault(Kind.OUTAGE))

    for job in ("releases", "advisories", "releases"):
        calm.later(minutes=15)
        await calm.run([job, "deliver"])

    (found,) = await calm.findings("malware")
    assert found.occurrences == 1
    assert logged


async def test_a_database_that_forgets_everything_at_once_ends_nothing(calm: Company, logged: list[str]) -> None:
    for number in range(4):
        calm.world.osv.advise(f"GHSA-{number}", PACKAGE, fixed="1.5.0")
    await calm.run(["advisories"])
    calm.world.osv.records.clear()

    report = await calm.run(["advisories"])

    assert len(await calm.findings("affected")) == 4
    assert report.exit_code == 3
    assert any("no longer has 4 of 4 records" in each.detail for each in report.unknowns)
    assert logged


async def test_a_flaw_keeps_its_name_when_its_first_record_is_deleted_upstream(calm: Company) -> None:
    calm.world.osv.advise("GHSA-a", PACKAGE, fixed="1.5.0", aliases=["CVE-2026-1"])
    await calm.run(["advisories"])
    calm.world.osv.advise("PYSEC-b", PACKAGE, fixed="1.5.0", aliases=["CVE-2026-1"])
    await calm.run(["advisories"])
    calm.world.osv.remove("GHSA-a")

    for _ in range(2):
        await calm.run(["advisories"])

    (found,) = await calm.findings("affected")
    assert found.finding.subject.endswith("GHSA-a")
    assert found.occurrences == 1
    assert await calm.findings("affected", resolved=True) == []


async def test_malware_that_comes_back_after_the_all_clear_pages_at_once(calm: Company) -> None:
    calm.world.osv.malware("MAL-2026-1", PACKAGE, "1.4.2")
    await calm.run(["advisories", "deliver"])
    calm.world.osv.withdraw("MAL-2026-1")
    await calm.run(["advisories", "deliver"])
    calm.later(hours=1)
    calm.world.osv.malware("MAL-2026-1", PACKAGE, "1.4.2")

    await calm.run(["advisories", "deliver"])

    head, over, again = calm.world.slack.messages
    assert "Open" in head.words
    assert "Resolved" in over.words
    assert ("Act now" in again.words, again.broadcast) == (True, True)


async def test_two_flaws_that_turn_out_to_be_one_are_not_told_as_news_nor_as_over(calm: Company) -> None:
    vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H"
    calm.world.osv.advise("GHSA-a", PACKAGE, fixed="1.5.0", vector=vector)
    calm.world.osv.malware("MAL-2026-1", PACKAGE, "1.4.2")
    await calm.run(["advisories", "deliver"])
    told = len(calm.world.slack.messages)
    calm.later(hours=1)
    record = calm.world.osv.records["MAL-2026-1"]
    calm.world.osv.add({**record, "aliases": ["GHSA-a"], "modified": "2027-01-01T00:00:00Z"})

    await calm.run(["advisories", "deliver"])

    assert [each.finding.subject.split()[-1] for each in await calm.findings("malware")] == ["MAL-2026-1"]
    assert await calm.findings("affected") == []
    assert len(calm.world.slack.messages) == told


async def test_a_record_that_stands_although_it_is_not_named_is_looked_up_once_a_day(
    calm: Company, logged: list[str]
) -> None:
    calm.world.osv.advise("GHSA-a", PACKAGE, fixed="1.5.0")
    await calm.run(["advisories"])
    calm.world.osv.hide("GHSA-a")
    before = len(calm.world.asked("osv", "/vulns/"))

    for _ in range(5):
        calm.later(hours=1)
        await calm.run(["advisories"])
    asked_today = len(calm.world.asked("osv", "/vulns/")) - before
    calm.later(hours=24)
    await calm.run(["advisories"])

    assert asked_today == 1
    assert len(calm.world.asked("osv", "/vulns/")) - before == 2
    assert len(await calm.findings("affected")) == 1
    assert logged


async def test_a_withdrawal_is_told_in_a_ticket_that_stays_open_for_another_cause(calm: Company) -> None:
    calm.world.osv.advise("GHSA-a", PACKAGE, fixed="1.5.0")
    calm.world.osv.advise("GHSA-b", PACKAGE, fixed="1.5.0")
    await calm.run()
    calm.world.osv.withdraw("GHSA-a")

    await calm.run()

    (issue,) = calm.world.jira.issues
    assert ["GHSA-a was withdrawn on" in remark for remark in issue.remarks] == [True]


async def test_each_change_of_an_open_finding_is_told_in_its_ticket(calm: Company) -> None:
    calm.world.osv.advise("GHSA-a", PACKAGE)
    await calm.run()
    for fixed in ("1.5.0", "1.4.9"):
        calm.later(hours=1)
        calm.world.osv.advise("GHSA-a", PACKAGE, fixed=fixed)
        await calm.run()

    (issue,) = calm.world.jira.issues
    assert [("1.5.0" in remark, "1.4.9" in remark) for remark in issue.remarks] == [(True, False), (False, True)]


async def test_a_candidate_of_which_not_everything_is_known_is_not_called_the_fix(company: Company) -> None:
    company.world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER, dependencies={"qs": "6.10.0"})
    company.approve(FILES, "1.4.3")
    company.deploy("laptop-7", "pkg:npm/%40acme/files-mcp@1.4.3")
    company.world.osv.advise("GHSA-qs", QS, fixed="6.10.3")
    await company.run()
    company.world.npm.publish("@acme/files-mcp", "1.4.4", attested_by=BUILDER, dependencies={"qs": "^6.0.0"})

    await company.run()

    facts = {
        fact.label: fact.value for each in await company.findings("dependency-affected") for fact in each.finding.facts
    }
    assert facts["approved fix"] == "not known: not everything is known of 1.4.4 and what comes with it"


async def test_details_that_could_not_be_had_at_first_are_no_change_of_risk(calm: Company, logged: list[str]) -> None:
    calm.world.osv.advise("GHSA-a", PACKAGE, vector="CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H")
    calm.world.break_("osv", Fault(Kind.OUTAGE, only="/v1/vulns/"))
    await calm.run(["advisories"])
    calm.world.mend("osv")

    await calm.run(["advisories"])

    assert [each.finding.severity for each in await calm.findings("affected")] == [Severity.CRITICAL]
    assert await calm.findings("risk-changed") == []
    assert logged


async def test_a_record_that_is_rated_otherwise_is_a_change_of_risk_until_it_is_rated_as_before(calm: Company) -> None:
    calm.world.osv.advise("GHSA-a", PACKAGE, severity="LOW", vector=None)
    await calm.run(["advisories"])
    calm.later(hours=1)
    calm.world.osv.advise("GHSA-a", PACKAGE, severity="CRITICAL", vector=None)
    await calm.run(["advisories"])
    changed = [each.finding.summary for each in await calm.findings("risk-changed")]
    calm.later(hours=1)
    calm.world.osv.advise("GHSA-a", PACKAGE, severity="LOW", vector=None)

    await calm.run(["advisories"])

    assert ["it is rated critical, and was low" in summary for summary in changed] == [True]
    assert await calm.findings("risk-changed") == []


async def test_a_package_that_brings_along_an_older_version_of_itself_is_not_said_to_run_that(calm: Company) -> None:
    packages = {
        "": {"name": "@acme/files-mcp", "version": "1.4.2", "dependencies": {"@acme/files-mcp": "1.0.0"}},
        "node_modules/@acme/files-mcp": {"version": "1.0.0"},
    }
    written = {"name": "@acme/files-mcp", "version": "1.4.2", "lockfileVersion": 3, "packages": packages}
    (calm.folder / "files.json").write_text(json.dumps(written), "utf-8")
    calm.approve(FILES, "1.4.2", dependencies="files.json")
    calm.world.osv.advise("GHSA-a", PACKAGE, fixed="1.0.1")

    await calm.run()

    assert await calm.findings("affected") == []
    assert len(await calm.findings("dependency-affected")) == 1


async def test_a_flaw_of_a_version_that_runs_nowhere_any_more_ends_with_its_review(calm: Company) -> None:
    calm.deploy("laptop-9", "pkg:npm/%40acme/files-mcp@1.4.1")
    calm.world.osv.advise("GHSA-a", PACKAGE, fixed="1.4.2")
    await calm.run()
    calm.deploy("laptop-9", "pkg:npm/%40acme/files-mcp@1.4.2")
    calm.later(hours=1)

    await calm.run()

    assert await calm.findings("affected") == []
    assert ["The cause is gone" in remark for remark in calm.world.jira.issues[0].remarks][-1:] == [True]


async def test_an_outage_is_no_news_for_a_ticket(calm: Company, logged: list[str]) -> None:
    calm.deploy("laptop-9", "pkg:npm/%40acme/files-mcp@1.4.1")
    calm.world.osv.advise("GHSA-a", PACKAGE, fixed="1.4.2")
    await calm.run()
    calm.world.break_("osv", Fault(Kind.OUTAGE))
    calm.later(hours=1)

    await calm.run()

    assert [issue.remarks for issue in calm.world.jira.issues] == [[]]
    assert logged is not None


async def test_malware_in_a_server_that_is_on_no_list_pages_and_ends_with_its_record(calm: Company) -> None:
    calm.deploy("laptop-9", "pkg:npm/shadow-mcp@0.1.0")
    calm.world.osv.malware("MAL-2026-9", Purl.npm("shadow-mcp"), "0.1.0")
    await calm.run(["fleet", "deliver"])
    paged = [message.words for message in calm.world.slack.messages if "shadow-malware" in message.words]
    calm.later(minutes=15)
    calm.world.osv.withdraw("MAL-2026-9")

    await calm.run(["fleet", "deliver"])

    assert ["laptop-9" in words and "Act now" in words for words in paged] == [True]
    assert await calm.findings("shadow-malware") == []
    assert "MAL-2026-9 was withdrawn on" in calm.world.slack.messages[-1].words
