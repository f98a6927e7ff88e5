import pytest

from monitor.domain.unknown import Reason
from tests.company import Company
from tests.scenarios.conftest import BUILDER
from tests.world import Fault, Kind


@pytest.mark.parametrize("part", ["npm", "pypi", "github", "osv"])
async def test_an_outage_is_not_an_all_clear(calm: Company, part: str, logged: list[str]) -> None:
    calm.world.break_(part, Fault(Kind.OUTAGE))

    report = await calm.run()

    assert report.exit_code == 3
    assert any(unknown.source == part for unknown in report.unknowns)
    assert await calm.findings() == []
    assert logged is not None


async def test_a_source_that_answers_nonsense_is_malformed_and_resolves_nothing(
    calm: Company, logged: list[str]
) -> None:
    calm.world.npm.republish("@acme/files-mcp", "1.4.2")
    await calm.run()
    calm.world.break_("npm", Fault(Kind.HTML))

    report = await calm.run()

    assert {unknown.reason for unknown in report.unknowns if unknown.source == "npm"} == {Reason.MALFORMED}
    assert len(await calm.findings("republished")) == 1
    assert logged


async def test_a_source_that_is_silent_for_a_day_is_a_finding_and_recovers(calm: Company, logged: list[str]) -> None:
    calm.world.break_("npm", Fault(Kind.OUTAGE))
    await calm.run()
    calm.later(hours=25)
    await calm.run()
    silent = await calm.findings("source-unknown")
    calm.world.mend("npm")

    report = await calm.run()

    assert [each.finding.subject for each in silent] == ["npm"]
    assert (report.exit_code, await calm.findings("source-unknown")) == (0, [])
    assert logged


async def test_a_download_that_fails_is_done_in_the_next_look(calm: Company) -> None:
    calm.world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER)
    calm.world.break_("npm", Fault(Kind.OUTAGE, only=".tgz"))
    blind = await calm.run()
    calm.world.mend("npm")

    report = await calm.run()

    assert (blind.exit_code, report.exit_code) == (3, 1)
    assert "could not check" not in {line.verification for line in report.servers}


async def test_a_rate_limit_is_kept_over_a_restart(calm: Company, logged: list[str]) -> None:
    calm.world.break_("github", Fault(Kind.RATE_LIMIT, seconds=3600))
    await calm.run(["releases"])
    calm.world.mend("github")
    again = Company(calm.folder, calm.world, registry=calm.registry, inventory=calm.inventory)
    before = len(calm.world.asked("github"))

    report = await again.run(["releases"])

    assert report.exit_code == 3
    assert len(calm.world.asked("github")) == before
    calm.later(hours=2)
    assert (await again.run(["releases"])).exit_code == 0
    assert logged


async def test_jira_that_accepts_and_then_fails_gets_no_second_ticket(calm: Company, logged: list[str]) -> None:
    calm.world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER)
    calm.world.break_("jira", Fault(Kind.ACCEPTED_THEN_ERROR, only="POST", times=1))
    await calm.run()
    calm.later(minutes=10)

    report = await calm.run(["deliver"])

    assert len(calm.world.jira.issues) == 1
    assert [each.ticket for each in await calm.reviews()] == [calm.world.jira.issues[0].key]
    assert report.problems == ()
    assert logged


async def test_jira_that_is_down_for_a_day_gets_its_ticket_the_day_after(calm: Company, logged: list[str]) -> None:
    calm.world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER)
    calm.world.break_("jira", Fault(Kind.OUTAGE))
    for _ in range(24):
        report = await calm.run()
        assert report.exit_code == 3
        calm.later(hours=1)
    calm.world.mend("jira")

    await calm.run()

    assert len(calm.world.jira.issues) == 1
    assert logged


async def test_a_required_field_that_nobody_configured_is_named_and_the_ticket_is_not_lost(
    calm: Company, logged: list[str]
) -> None:
    calm.world.jira.required["customfield_10042"] = "Data class"
    calm.world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER)
    report = await calm.run()
    calm.world.jira.required.clear()
    calm.later(hours=2)

    await calm.run()

    assert any("customfield_10042" in problem for problem in report.problems)
    assert len(calm.world.jira.issues) == 1
    assert logged


async def test_a_message_that_is_refused_for_a_day_is_given_up_with_a_finding(calm: Company, logged: list[str]) -> None:
    calm.world.slack.archived.add("C0ALERTS")
    calm.deploy("laptop-3", "pkg:npm/evil-mcp@1.0.0")
    await calm.run()
    calm.later(hours=25)
    await calm.run()

    await calm.run(["health"])

    assert len(await calm.findings("undeliverable")) == 1
    assert logged
