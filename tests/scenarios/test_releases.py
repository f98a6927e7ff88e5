from monitor.domain.finding import Severity
from monitor.domain.review import State
from tests.company import Company
from tests.scenarios.conftest import BUILDER, FETCH, FILES, FORGE
from tests.world import Identity


def versions(company: Company) -> list[str]:
    return [issue.summary for issue in company.world.jira.issues]


async def test_the_first_look_is_a_baseline_and_says_nothing(company: Company) -> None:
    report = await company.run()

    assert report.exit_code == 0
    assert {line.name: (line.newest_seen, line.verification, line.deployed) for line in report.servers} == {
        FILES: ("1.4.2", "provenance verified", "1.4.2 (1)"),
        FETCH: ("2.4.2", "provenance verified", "2.4.2 (1)"),
        FORGE: ("v0.9.0", "unattested", "v0.9.0 (1)"),
    }
    assert (company.world.jira.issues, company.world.slack.messages) == ([], [])


async def test_a_calm_cycle_asks_conditionally_and_writes_nothing_new(calm: Company) -> None:
    before = len(calm.world.requests)

    report = await calm.run(["releases"])

    asked = [each for each in calm.world.requests[before:] if not each.path.startswith("/osv")]
    assert report.exit_code == 0
    assert {each.status for each in asked} == {304}


async def test_a_good_new_release_opens_one_ticket_that_holds_the_evidence(calm: Company) -> None:
    calm.world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER)

    report = await calm.run()
    await calm.run()

    assert report.exit_code == 1
    assert versions(calm) == ["Re-approve @acme/files-mcp 1.4.2 -> 1.4.3 (io.github.acme/files-mcp)"]
    words = calm.world.jira.issues[0].words
    assert "npm attestation" in words
    assert "https://github.com/acme/files-mcp" in words
    assert "None names this version" in words
    assert "laptop-7" in words
    assert "acme-bot" in words
    assert "It can be approved from 2026-" in words
    assert calm.world.slack.messages == []


async def test_a_release_whose_attestation_is_about_other_bytes_pages_and_opens_a_ticket(calm: Company) -> None:
    calm.world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER, forged=True)

    await calm.run()

    rules = {each.finding.rule: each.finding.severity for each in await calm.findings()}
    assert rules["signature-invalid"] is Severity.CRITICAL
    assert len(calm.world.jira.issues) == 1
    assert ["signature-invalid" in message.words for message in calm.world.slack.messages] == [True]


async def test_a_download_that_is_not_what_the_registry_announces_is_found(calm: Company) -> None:
    calm.world.pypi.publish("acme-fetch-mcp", "2.4.3", tampered=True)

    await calm.run()

    assert {each.finding.rule for each in await calm.findings()} >= {"digest-differs", "new-release"}


async def test_another_publisher_than_the_approval_demands_is_found(calm: Company) -> None:
    demanded = {
        "publisher": {"issuer": BUILDER.issuer, "repository": BUILDER.url, "workflow": ".github/workflows/release.yml"}
    }
    calm.approve(FILES, "1.4.2", approved=demanded)
    stranger = Identity(repository="mallory/files-mcp", repository_id="666")
    calm.world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=stranger)

    await calm.run()

    changed = await calm.findings("publisher-changed")
    assert [each.finding.about.version for each in changed if each.finding.about] == ["1.4.3"]


async def test_bytes_that_change_under_an_approved_version_are_found_and_stay_found(calm: Company) -> None:
    calm.world.npm.republish("@acme/files-mcp", "1.4.2")

    await calm.run()
    calm.later(hours=1)
    await calm.run()

    found = await calm.findings("republished")
    assert [each.occurrences for each in found] == [1]
    assert len([message for message in calm.world.slack.messages if "republished" in message.words]) == 1


async def test_a_tag_that_moves_under_an_approved_version_is_found(calm: Company) -> None:
    calm.world.github.move_tag("acme/forge-mcp", "v0.9.0")

    await calm.run()

    assert [each.finding.subject for each in await calm.findings("republished")] == [
        "pkg:github/acme/forge-mcp@v0.9.0 tag"
    ]


async def test_a_yank_of_the_approved_version_is_found_and_no_new_release(calm: Company) -> None:
    calm.world.pypi.yank("acme-fetch-mcp", "2.4.2", "leaks tokens")

    await calm.run()

    assert [each.finding.rule for each in await calm.findings()] == ["registry-status"]
    assert "leaks tokens" in calm.world.jira.issues[0].words


async def test_a_yank_that_is_taken_back_withdraws_its_review(calm: Company) -> None:
    calm.world.pypi.yank("acme-fetch-mcp", "2.4.2")
    await calm.run()
    calm.world.pypi.unyank("acme-fetch-mcp", "2.4.2")

    await calm.run()

    assert await calm.findings() == []
    assert [each.state for each in await calm.reviews()] == [State.WITHDRAWN]
    assert ["cause is gone" in remark for remark in calm.world.jira.issues[0].remarks] == [True]


async def test_a_package_that_is_gone_is_a_finding_and_not_a_calm_cycle(calm: Company) -> None:
    calm.world.npm.unpublish("@acme/files-mcp")

    await calm.run()

    assert [each.finding.subject for each in await calm.findings("registry-status")] == [
        "pkg:npm/%40acme/files-mcp unpublished"
    ]


async def test_a_quarantined_project_is_critical(calm: Company) -> None:
    calm.world.pypi.quarantine("acme-fetch-mcp", "malware")

    await calm.run()

    assert [each.finding.severity for each in await calm.findings("registry-status")] == [Severity.CRITICAL]


async def test_an_archived_and_a_moved_repository_are_reported(calm: Company) -> None:
    calm.world.github.archive("acme/forge-mcp")
    calm.world.github.move("acme/files-mcp", "newowner/files-mcp")

    await calm.run()

    subjects = {each.finding.subject for each in await calm.findings("registry-status")}
    assert subjects == {"pkg:github/acme/forge-mcp archived", "pkg:github/acme/files-mcp moved"}


async def test_an_approval_in_the_registry_file_closes_the_loop(calm: Company) -> None:
    calm.world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER)
    await calm.run()
    calm.approve(FILES, "1.4.3")
    calm.deploy("laptop-7", "pkg:npm/%40acme/files-mcp@1.4.3")

    report = await calm.run()

    assert report.exit_code == 0
    assert [each.state for each in await calm.reviews()] == [State.APPROVED]
    assert ["now pins 1.4.3" in remark for remark in calm.world.jira.issues[0].remarks] == [True]


async def test_a_newer_candidate_goes_on_in_the_ticket_that_nobody_has_taken_up(calm: Company) -> None:
    calm.world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER)
    await calm.run()
    calm.later(hours=1)
    calm.world.npm.publish("@acme/files-mcp", "1.4.4", attested_by=BUILDER)

    await calm.run()

    states = {each.candidate.purl.version: each.state for each in await calm.reviews()}
    assert states == {"1.4.3": State.SUPERSEDED, "1.4.4": State.TICKETED}
    assert len(calm.world.jira.issues) == 1


async def test_one_server_can_be_checked_alone(calm: Company) -> None:
    before = len(calm.world.requests)

    report = await calm.run(servers=[FETCH])

    assert [line.name for line in report.servers] == [FETCH]
    assert not [each for each in calm.world.requests[before:] if each.path.startswith("/npm")]


async def test_a_server_that_nobody_listed_is_an_error_with_the_nearest_name(calm: Company) -> None:
    report = await calm.run(servers=["io.github.acme/files-mpc"])

    assert report.exit_code == 2
    assert f"did you mean {FILES}?" in report.problems[0]
