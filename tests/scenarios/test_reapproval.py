"""From detection to the new pin, through the simulated Jira: who decides what there, and what becomes of it."""

from pathlib import Path

import pytest

from monitor.domain.review import State
from tests.company import Company
from tests.scenarios.conftest import BUILDER, FILES
from tests.world import World

DECIDING = """
[jira.statuses]
approved = ["Approved"]
rejected = ["Rejected"]
withdrawn = ["Cancelled"]
reopened = ["To Do"]

[people.ada]
jira = "acc-ada"

[people.grace]
jira = "acc-grace"

[people.bob]
jira = "acc-bob"

[reviews]
approvers = ["ada", "grace"]
approvers_needed = {{ 1 = {needed} }}
write = "{write}"
"""


def company_of(world: World, folder: Path, *, needed: int = 1, write: str = "none") -> Company:
    acme = Company(folder, world, settings=DECIDING.format(needed=needed, write=write))
    acme.approve(
        FILES, "1.4.2", package="pkg:npm/%40acme/files-mcp", repository="https://github.com/acme/files-mcp", tier=1
    )
    acme.deploy("laptop-7", "pkg:npm/%40acme/files-mcp@1.4.2")
    return acme


async def asked(acme: Company) -> Company:
    """Let 1.4.3 appear, and be old enough."""
    await acme.run()
    acme.later(hours=1)
    acme.world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER)
    await acme.run()
    assert len(acme.world.jira.issues) == 1
    acme.later(days=4)
    return acme


@pytest.fixture
async def acme(settled_world: World, tmp_path: Path) -> Company:
    return await asked(company_of(settled_world, tmp_path))


async def states(company: Company) -> dict[str, str]:
    return {each.candidate.purl.version or "": each.state.value for each in await company.reviews()}


async def turns(company: Company, *, times: int = 2) -> dict[str, str]:
    """Let some minutes pass, run, and return how each version stands."""
    for _ in range(times):
        company.later(minutes=5)
        await company.run()
    return await states(company)


async def test_an_approval_is_kept_answered_and_asked_for_no_more(acme: Company) -> None:
    jira = acme.world.jira
    (issue,) = jira.issues
    jira.transition(issue.key, "Approved", by="acc-ada")

    stand = await turns(acme)

    assert stand == {"1.4.3": "approved"}
    assert [("Approved by ada" in each) for each in issue.remarks] == [True]
    assert (len(jira.issues), issue.status_name) == (1, "Approved")


async def test_two_approvers_decide_one_after_the_other(settled_world: World, tmp_path: Path) -> None:
    acme = await asked(company_of(settled_world, tmp_path, needed=2))
    jira = acme.world.jira
    (issue,) = jira.issues
    jira.transition(issue.key, "Approved", by="acc-ada")

    once = await turns(acme)
    status = issue.status_name
    jira.transition(issue.key, "Approved", by="acc-grace")
    twice = await turns(acme)

    assert (once, status, twice) == ({"1.4.3": "in-review"}, "To Do", {"1.4.3": "approved"})
    assert "Approved by ada, grace" in issue.remarks[-1]


async def test_a_deciding_status_in_which_work_goes_on_is_left_for_the_second_approver(
    settled_world: World, tmp_path: Path
) -> None:
    acme = company_of(settled_world, tmp_path, needed=2)
    acme.settings = acme.settings.replace('approved = ["Approved"]', 'approved = ["In Review"]')
    await asked(acme)
    jira = acme.world.jira
    (issue,) = jira.issues
    jira.transition(issue.key, "In Review", by="acc-ada")

    await turns(acme)
    status = issue.status_name
    jira.transition(issue.key, "In Review", by="acc-grace")

    assert (status, await turns(acme)) == ("To Do", {"1.4.3": "approved"})


@pytest.mark.parametrize(
    ("by", "why"),
    [("acc-bob", "may not approve"), ("acc-eve", "nobody in [people]"), ("bot", "nobody's decision")],
)
async def test_what_does_not_count_is_answered_once(acme: Company, by: str, why: str) -> None:
    jira = acme.world.jira
    (issue,) = jira.issues
    jira.transition(issue.key, "Approved", by=by)

    stand = await turns(acme, times=3)

    assert stand == {"1.4.3": "ticketed"}
    assert [why in each for each in issue.remarks] == [True]


async def test_too_early_is_answered_with_the_date_and_counts_when_said_again(
    settled_world: World, tmp_path: Path
) -> None:
    acme = await asked(company_of(settled_world, tmp_path))
    jira = acme.world.jira
    acme.world.npm.publish("@acme/files-mcp", "1.4.4", attested_by=BUILDER)
    await acme.run()
    (issue,) = jira.issues
    acme.later(minutes=1)
    jira.transition(issue.key, "Approved", by="acc-ada")

    early = await turns(acme)
    status = issue.status_name
    acme.later(hours=73)
    jira.transition(issue.key, "Approved", by="acc-ada")
    late = await turns(acme)

    assert (early, status) == ({"1.4.3": "superseded", "1.4.4": "ticketed"}, "To Do")
    assert any("too early: it can be approved from 20" in each for each in issue.remarks)
    assert late["1.4.4"] == "approved"


async def test_a_decision_about_the_version_before_does_not_count_for_the_newer_one(acme: Company) -> None:
    jira = acme.world.jira
    (issue,) = jira.issues
    acme.world.npm.publish("@acme/files-mcp", "1.4.4", attested_by=BUILDER)
    jira.transition(issue.key, "Approved", by="acc-ada")
    await acme.run(["releases", "deliver"])

    stand = await turns(acme)

    assert stand == {"1.4.3": "superseded", "1.4.4": "ticketed"}
    assert any("Not counted: ada approves" in each for each in issue.remarks)


async def test_a_rejected_version_stays_unapproved(acme: Company) -> None:
    jira = acme.world.jira
    (issue,) = jira.issues
    jira.transition(issue.key, "Rejected", by="acc-bob")

    stand = await turns(acme, times=3)

    assert stand == {"1.4.3": "rejected"}
    assert (len(jira.issues), ["stays unapproved" in each for each in issue.remarks]) == (1, [True])


async def test_a_deleted_ticket_is_opened_again(acme: Company) -> None:
    jira = acme.world.jira
    old = jira.issues[0].key
    jira.delete(old)

    stand = await turns(acme)

    (again,) = jira.issues
    assert (stand, again.key != old) == ({"1.4.3": "ticketed"}, True)
    assert f"{old} was deleted" in again.words


async def test_a_moved_and_renamed_ticket_goes_on(acme: Company) -> None:
    jira = acme.world.jira
    jira.edit(jira.issues[0].key, summary="ours now", by="acc-grace")
    key = jira.move(jira.issues[0].key, "OPS")
    jira.transition(key, "Approved", by="acc-ada")

    stand = await turns(acme)

    (issue,) = jira.issues
    assert (stand, issue.summary) == ({"1.4.3": "approved"}, "ours now")
    assert [each.ticket for each in await acme.reviews()] == [key]


async def test_a_newer_version_gets_another_ticket_once_somebody_works_on_the_old_one(acme: Company) -> None:
    jira = acme.world.jira
    jira.transition(jira.issues[0].key, "In Review", by="acc-grace")
    await turns(acme, times=1)
    acme.world.npm.publish("@acme/files-mcp", "1.4.4", attested_by=BUILDER)

    stand = await turns(acme)

    old, new = jira.issues
    assert stand == {"1.4.3": "superseded", "1.4.4": "ticketed"}
    assert (old.status_name, new.links, "1.4.4" in new.summary) == ("Cancelled", [old.key], True)


async def test_the_approval_is_the_pin_and_the_next_run_is_quiet(settled_world: World, tmp_path: Path) -> None:
    acme = await asked(company_of(settled_world, tmp_path))
    jira = acme.world.jira
    jira.transition(jira.issues[0].key, "Approved", by="acc-ada")
    await turns(acme)
    acme.approve(FILES, "1.4.3")
    acme.deploy("laptop-7", "pkg:npm/%40acme/files-mcp@1.4.3")

    report = await acme.run()
    review = (await acme.reviews())[-1]

    assert report.exit_code == 0
    assert (review.state, len(jira.issues)) == (State.APPROVED, 1)


async def test_what_was_rejected_and_runs_nowhere_keeps_no_run_from_being_quiet(
    settled_world: World, tmp_path: Path
) -> None:
    acme = company_of(settled_world, tmp_path)
    acme.deploy("laptop-7", "pkg:npm/%40acme/files-mcp@1.4.2")
    await acme.run()
    acme.later(hours=1)
    acme.world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER)
    await acme.run()
    acme.world.jira.transition(acme.world.jira.issues[0].key, "Rejected", by="acc-ada")

    quiet = await acme.run()
    acme.deploy("laptop-8", "pkg:npm/%40acme/files-mcp@1.4.3")
    runs = await acme.run()

    assert (quiet.exit_code, runs.exit_code) == (0, 1)
