"""Burst days: one project that keeps many servers releases all of them at once."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.commands.identity import account_name
from monitor.domain.review import State
from tests.company import Company
from tests.desk import Desk
from tests.jobs.conftest import PEOPLE
from tests.world import Identity, World

SETTINGS = """
[jira.statuses]
approved = ["Approved"]
rejected = ["Rejected"]
withdrawn = ["Cancelled"]
reopened = ["To Do"]
"""
MALLORY = Identity(repository="mallory/other", repository_id="666")


def name(number: int) -> str:
    return f"io.github.acme/tool-{number}"


def package(number: int) -> str:
    return f"@acme/tool-{number}"


@pytest.fixture
async def acme(world: World, tmp_path: Path) -> Company:
    """Seven servers of one scope; the first look is over."""
    company = Company(tmp_path, world, settings=SETTINGS)
    for number in range(7):
        world.npm.publish(package(number), "1.0.0", attested_by=None)
        company.approve(name(number), "1.0.0", package=f"pkg:npm/%40acme/tool-{number}", tier=2)
        company.deploy(f"laptop-{number}", f"pkg:npm/%40acme/tool-{number}@1.0.0")
    company.policy(people=PEOPLE)
    world.clock.advance(days=10)
    await company.run()
    company.later(hours=2)
    return company


def release(company: Company, *numbers: int) -> None:
    for number in numbers:
        company.world.npm.publish(package(number), "1.1.0", attested_by=None)


async def stand(company: Company) -> list[str]:
    return sorted(f"{each.server[-1]} {each.state.value}" for each in await company.reviews())


async def test_five_servers_of_one_scope_have_one_ticket_that_lists_them(acme: Company) -> None:
    release(acme, 0, 1, 2, 3, 4)

    await acme.run()
    await acme.run()

    (issue,) = acme.world.jira.issues
    reviews = await acme.reviews()
    assert issue.summary == "Campaign: re-approve 5 servers of npm scope @acme"
    assert all(name(number) in issue.words for number in range(5))
    assert all(each.candidate.fingerprint in issue.words for each in reviews)
    assert len(issue.remarks) == 5
    assert {each.ticket for each in reviews} == {issue.key}


async def test_four_are_no_campaign(acme: Company) -> None:
    release(acme, 0, 1, 2, 3)

    await acme.run()

    assert len(acme.world.jira.issues) == 4


async def test_those_that_come_later_join_the_ticket(acme: Company) -> None:
    release(acme, 0, 1, 2, 3, 4)
    await acme.run()
    acme.later(minutes=15)
    release(acme, 5, 6)

    await acme.run()

    (issue,) = acme.world.jira.issues
    assert "7 servers" in issue.summary
    assert all(each.candidate.fingerprint in issue.words for each in await acme.reviews())
    assert any("More of the same campaign" in each and name(6) in each for each in issue.remarks)


async def test_one_that_comes_a_day_later_has_a_ticket_of_its_own(acme: Company) -> None:
    release(acme, 0, 1, 2, 3, 4)
    await acme.run()
    acme.later(days=1)
    release(acme, 5)

    await acme.run()

    assert len(acme.world.jira.issues) == 2


async def test_one_approval_in_the_ticket_counts_for_each_version_by_its_own_rules(acme: Company) -> None:
    acme.approve(name(0), None, tier=1)
    acme.policy(people=replace(PEOPLE, approvers_needed={1: 2}))
    release(acme, 0, 1, 2, 3, 4)
    await acme.run()
    (issue,) = acme.world.jira.issues
    acme.later(days=4)
    acme.world.jira.transition(issue.key, "Approved", by="acc-ada")

    await acme.run()
    once, status = await stand(acme), issue.status_name
    acme.later(minutes=5)
    acme.world.jira.transition(issue.key, "Approved", by="acc-grace")
    await acme.run()

    assert once == ["0 in-review", *(f"{number} approved" for number in range(1, 5))]
    assert status == "To Do"
    assert await stand(acme) == [f"{number} approved" for number in range(5)]


async def test_one_rejection_in_the_ticket_rejects_all_that_it_lists(acme: Company) -> None:
    release(acme, 0, 1, 2, 3, 4)
    await acme.run()
    acme.world.jira.transition(acme.world.jira.issues[0].key, "Rejected", by="acc-bob")

    await acme.run()

    assert await stand(acme) == [f"{number} rejected" for number in range(5)]


async def test_a_deleted_campaign_is_one_ticket_again(acme: Company) -> None:
    release(acme, 0, 1, 2, 3, 4)
    await acme.run()
    acme.later(minutes=5)
    acme.world.jira.delete(acme.world.jira.issues[0].key)

    await acme.run()
    await acme.run()

    (issue,) = acme.world.jira.issues
    assert "was deleted" in issue.words
    assert {each.ticket for each in await acme.reviews()} == {issue.key}


async def test_a_burst_that_pages_is_one_message(acme: Company) -> None:
    for number in range(5):
        acme.world.npm.publish(package(number), "1.1.0", attested_by=MALLORY, forged=True)

    await acme.run()

    (issue,) = acme.world.jira.issues
    (message,) = acme.world.slack.messages
    assert "5 servers" in message.words
    assert all(name(number) in message.words for number in range(5))
    assert "Campaign" in issue.summary


async def test_the_evidence_for_each_version_can_be_shown_at_the_keyboard(
    acme: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    release(acme, 0, 1, 2, 3, 4)
    await acme.run()
    desk = Desk(acme, capsys)

    shown = await asyncio.to_thread(desk, "review", "show", name(3), "--json")

    assert "tool-3 1.1.0" in str(shown.json()["evidence"])
    assert "tool-2" not in str(shown.json()["evidence"])


async def test_a_burst_too_large_for_one_ticket_is_several_each_of_which_decides_what_it_lists(
    world: World, tmp_path: Path
) -> None:
    company = Company(tmp_path, world, settings=SETTINGS)
    for number in range(50):
        world.npm.publish(package(number), "1.0.0", attested_by=None)
        company.approve(name(number), "1.0.0", package=f"pkg:npm/%40acme/tool-{number}", tier=2)
    company.deploy("laptop-7", "pkg:npm/%40acme/tool-7@1.0.0")
    company.policy(people=PEOPLE)
    world.clock.advance(days=10)
    await company.run()
    company.later(hours=2)
    release(company, *range(50))
    await company.run()
    first, *others = world.jira.issues
    company.later(days=4)

    world.jira.transition(first.key, "Approved", by="acc-ada")
    await company.run()

    listed = {each.server for each in await company.reviews() if each.candidate.fingerprint in first.words}
    assert {each.server for each in await company.reviews() if each.state is State.APPROVED} == listed
    assert 5 <= len(listed) < 50
    assert len(others) < 5


async def test_the_ticket_is_closed_when_the_last_of_its_versions_is_withdrawn(acme: Company) -> None:
    release(acme, 0, 1, 2, 3, 4)
    await acme.run()
    (issue,) = acme.world.jira.issues
    for numbers in ((0, 1, 2, 3), (4,)):
        acme.later(hours=2)
        for number in numbers:
            acme.world.npm.unpublish(package(number), "1.1.0")
        await acme.run()
        still_asking = issue.status_name == "To Do"
        assert still_asking is (4 not in numbers)

    over = [each for each in issue.remarks if "The cause is gone" in each]
    assert len(over) == 5
    assert name(0) in over[0]
    assert issue.status_name == "Cancelled"


async def test_the_ticket_is_closed_when_the_last_of_its_versions_is_decided_at_the_keyboard(
    acme: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    with acme.config.open("a", encoding="utf-8") as config:
        config.write(f'\n[people.rita]\naccount = "{account_name()}"\n')
    release(acme, 0, 1, 2, 3, 4)
    await acme.run()
    (issue,) = acme.world.jira.issues
    desk = Desk(acme, capsys)
    seen = []

    for review in await acme.reviews():
        pin = review.candidate.fingerprint
        said = await asyncio.to_thread(desk, "review", "reject", review.server, "--pin", pin, "--reason", "not now")
        assert said.code == 0, said.err
        await acme.run(["deliver"])
        seen.append(issue.status_name)

    assert seen == ["To Do"] * 4 + ["Cancelled"]


async def test_the_ticket_is_closed_when_its_servers_leave_the_registry(acme: Company) -> None:
    release(acme, 0, 1, 2, 3, 4)
    await acme.run()
    (issue,) = acme.world.jira.issues
    for number in range(5):
        del acme.registry[name(number)]
    acme.write()

    await acme.run()

    assert issue.status_name == "Cancelled"
