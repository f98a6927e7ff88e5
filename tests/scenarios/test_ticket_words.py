"""What people say in tickets between two readings, and what others do to the tickets meanwhile."""

from dataclasses import replace
from pathlib import Path

import pytest

from connectors.jira import Jira
from tests.company import Company
from tests.scenarios.conftest import BUILDER
from tests.scenarios.test_reapproval import asked, company_of, states, turns
from tests.world import Fault, Kind, World

FETCH = "io.github.acme/fetch"


@pytest.fixture
async def acme(settled_world: World, tmp_path: Path) -> Company:
    return await asked(company_of(settled_world, tmp_path, needed=2))


def steps(acme: Company, *taken: tuple[str, str]) -> None:
    """Let people take the one ticket through these statuses, a minute each."""
    jira = acme.world.jira
    for by, status in taken:
        acme.later(minutes=1)
        jira.transition(jira.issues[0].key, status, by=f"acc-{by}")


async def with_service_desk(acme: Company) -> Company:
    """Let 1.4.3 appear in a ticket that is a request of a service desk; the hold is not over."""
    await acme.run()
    acme.later(hours=1)
    acme.world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER)
    await acme.run()
    acme.world.jira.service_desk = True
    tickets = acme.app.tickets
    assert isinstance(tickets, Jira)
    acme.replace(tickets=replace(tickets, approvals=True))
    acme.later(minutes=5)
    return acme


async def test_approvals_that_follow_each_other_between_two_readings_all_count(acme: Company) -> None:
    steps(acme, ("ada", "Approved"), ("grace", "To Do"), ("grace", "Approved"))

    stand = await turns(acme)

    assert stand == {"1.4.3": "approved"}
    assert "Approved by ada, grace" in acme.world.jira.issues[0].remarks[-1]


async def test_a_rejection_that_others_stepped_over_between_two_readings_stays(acme: Company) -> None:
    steps(acme, ("bob", "Rejected"), ("grace", "To Do"), ("ada", "Approved"), ("bob", "To Do"), ("grace", "Approved"))

    stand = await turns(acme, times=3)

    assert stand == {"1.4.3": "rejected"}
    assert "Rejected by bob" in acme.world.jira.issues[0].remarks[0]


async def test_a_word_in_a_ticket_that_is_open_again_when_it_is_read_counts(acme: Company) -> None:
    steps(acme, ("bob", "Rejected"), ("grace", "To Do"))

    assert await turns(acme) == {"1.4.3": "rejected"}


async def test_what_was_heard_once_is_not_heard_again(acme: Company) -> None:
    steps(acme, ("ada", "Approved"))
    await turns(acme, times=3)
    (issue,) = acme.world.jira.issues
    once = list(issue.remarks)

    stand = await turns(acme, times=3)

    assert (stand, issue.remarks) == ({"1.4.3": "in-review"}, once)


async def test_one_ticket_that_may_not_be_read_stops_no_other_decision(settled_world: World, tmp_path: Path) -> None:
    acme = company_of(settled_world, tmp_path)
    settled_world.pypi.publish("acme-fetch", "2.0.0")
    acme.approve(FETCH, "2.0.0", package="pkg:pypi/acme-fetch", tier=2)
    await acme.run()
    acme.later(hours=1)
    settled_world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER)
    settled_world.pypi.publish("acme-fetch", "2.0.1")
    await acme.run()
    acme.later(days=4)
    jira = settled_world.jira
    for issue in jira.issues:
        jira.transition(issue.key, "Approved", by="acc-ada")
    first, second = (issue.key for issue in jira.issues)
    settled_world.break_("jira", Fault(Kind.STATUS, only=f"/issue/{first}/changelog", status=403))

    report = await acme.run(["reviews", "deliver"])
    denied = {each.ticket: each.state.value for each in await acme.reviews()}
    settled_world.mend("jira")
    await acme.run(["reviews", "deliver"])

    assert (denied, report.exit_code) == ({first: "ticketed", second: "approved"}, 3)
    assert {each.state.value for each in await acme.reviews()} == {"approved"}


async def test_an_approval_of_the_service_desk_before_the_hold_was_over_does_not_count_after_it(
    settled_world: World, tmp_path: Path
) -> None:
    acme = await with_service_desk(company_of(settled_world, tmp_path))
    jira = acme.world.jira
    (issue,) = jira.issues
    jira.ask_approval(issue.key, "acc-ada", "acc-grace")
    jira.approve_request(issue.key, "acc-ada")
    acme.later(days=4)

    early = await turns(acme)
    jira.ask_approval(issue.key, "acc-ada")
    jira.approve_request(issue.key, "acc-ada")
    late = await turns(acme)

    assert (early, late) == ({"1.4.3": "ticketed"}, {"1.4.3": "approved"})
    assert "too early" in issue.remarks[0]
    assert "by a new approval step" in issue.remarks[0]


async def test_a_property_that_claims_that_the_next_version_was_shown_approves_nothing(
    settled_world: World, tmp_path: Path
) -> None:
    acme = company_of(settled_world, tmp_path)
    acme.settings += '\nhold = "0s"\n'
    await asked(acme)
    (issue,) = acme.world.jira.issues
    acme.world.jira.transition(issue.key, "Approved", by="acc-ada")
    acme.world.npm.publish("@acme/files-mcp", "1.4.4", attested_by=BUILDER)
    await acme.run(["releases"])
    (newer,) = [each for each in await acme.reviews() if each.candidate.purl.version == "1.4.4"]
    claimed = {"fp": newer.mark, "shows": [newer.candidate.fingerprint]}
    issue.properties["mcp.reval"] = claimed

    await acme.run(["reviews"])
    at_once = await states(acme)
    later = await turns(acme)

    assert at_once["1.4.4"] == later["1.4.4"] == "ticketed"


@pytest.mark.parametrize("value", [None, {"fp": "0000000000000000"}, {"shows": ["0000000000000000"]}])
async def test_a_property_that_is_lost_is_written_anew_and_what_was_said_counts(
    settled_world: World, tmp_path: Path, value: object
) -> None:
    acme = await asked(company_of(settled_world, tmp_path))
    (issue,) = acme.world.jira.issues
    whole = issue.properties["mcp.reval"]
    assert isinstance(whole, dict)
    if isinstance(value, dict):
        issue.properties["mcp.reval"] = whole | value
    else:
        del issue.properties["mcp.reval"]
    acme.world.jira.transition(issue.key, "Approved", by="acc-ada")

    stand = await turns(acme)

    assert stand == {"1.4.3": "approved"}
    assert ["Approved by ada" in each for each in issue.remarks] == [True]


async def test_what_was_said_of_a_text_that_others_had_rewritten_is_answered_with_that(
    settled_world: World, tmp_path: Path
) -> None:
    acme = await asked(company_of(settled_world, tmp_path))
    (issue,) = acme.world.jira.issues
    acme.world.jira.edit(issue.key, description="Nothing new, two people looked at it.", by="acc-mallory")
    acme.world.jira.transition(issue.key, "Approved", by="acc-ada")

    await turns(acme)

    assert "people had rewritten the ticket's description" in issue.remarks[-1]
    assert "mcp-monitor review show io.github.acme/files" in issue.remarks[-1]
