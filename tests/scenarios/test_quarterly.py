import asyncio
import os
import pwd
from pathlib import Path

import pytest

from monitor.domain.action import OpenTicket, RetireServer
from monitor.domain.document import plain
from monitor.domain.recertification import Standing
from tests.company import Company
from tests.desk import Desk, Printed
from tests.scenarios.conftest import FETCH, FILES
from tests.world import World

ME = pwd.getpwuid(os.getuid()).pw_name
SETTINGS = f"""
[people.ada]
jira = "acc-ada"
account = "{ME}"

[people.otto]
jira = "acc-otto"

[people.sam]
jira = "acc-sam"
slack = "U0SAM"

[jira.statuses]
approved = ["Approved"]
rejected = ["Rejected"]

[slack.mentions]
platform = ["sam"]

[reviews]
approvers = ["ada"]
hold = "1s"
"""


@pytest.fixture
def asking(settled_world: World, tmp_path: Path) -> Company:
    acme = Company(tmp_path, settled_world, settings=SETTINGS)
    acme.approve(FILES, "1.4.2", package="pkg:npm/%40acme/files-mcp", tier=1)
    acme.approve(FETCH, "2.4.2", package="pkg:pypi/acme-fetch-mcp", owner="research")
    acme.deploy("laptop-7", "pkg:npm/%40acme/files-mcp@1.4.2")
    return acme


async def questions(company: Company) -> dict[str, Standing]:
    found = await company.app.store.run(lambda unit: unit.recertifications())
    return {each.owner: each.standing for each in found}


async def test_each_owner_gets_one_ticket_a_quarter_however_often_the_job_runs(asking: Company) -> None:
    await asking.run()
    await asking.run(["quarterly", "deliver"])
    await asking.run(["quarterly", "deliver"])

    titles = sorted(issue.summary for issue in asking.world.jira.issues)
    assert [title.partition(":")[2] for title in titles] == [" 1 MCP servers of platform", " 1 MCP servers of research"]
    assert await questions(asking) == {"platform": Standing.OPEN, "research": Standing.OPEN}


async def test_the_ticket_says_what_is_used_and_what_was_never_seen(asking: Company) -> None:
    await asking.run()
    await asking.run(["quarterly"])

    waiting = await asking.app.store.run(lambda unit: unit.undelivered(asking.later(days=1)))

    actions = [each.action for each, _ in waiting]
    texts = {action.server: plain(action.body) for action in actions if isinstance(action, OpenTicket)}
    assert "on 1 host" in texts["servers of platform"]
    assert "never seen deployed" in texts["servers of research"]


async def test_what_nobody_answers_has_to_be_reviewed_and_a_late_answer_ends_that(
    asking: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    await asking.run()
    await asking.run(["quarterly", "deliver"])
    asking.later(days=22)
    await asking.run(["owners", "releases"])
    due = [each.finding.server for each in await asking.findings("recertification-due")]

    said = await _desk(asking, capsys, "recertify", "keep", FILES)
    await asking.run(["releases"])

    assert set(due) == {FILES, FETCH}
    assert "ada keeps" in said
    assert [each.finding.server for each in await asking.findings("recertification-due")] == [FETCH]
    assert (await questions(asking))["platform"] is Standing.ANSWERED


async def test_what_is_retired_is_written_where_decisions_are_written(
    asking: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    asking.settings += 'write = "file"\n'
    await asking.run()
    await asking.run(["quarterly"])

    await _desk(asking, capsys, "recertify", "retire", FILES)

    waiting = await asking.app.store.run(lambda unit: unit.undelivered(asking.later(days=1)))
    retired = [each.action for each, _ in waiting if isinstance(each.action, RetireServer)]
    assert [(each.server, each.by) for each in retired] == [(FILES, "ada")]


@pytest.mark.parametrize(
    ("status", "standing"),
    [("Approved", Standing.ANSWERED), ("Rejected", Standing.ANSWERED), ("In Review", Standing.OPEN)],
)
async def test_the_ticket_answers_for_all_of_its_servers(asking: Company, status: str, standing: Standing) -> None:
    await asking.run()
    await asking.run(["quarterly", "deliver"])
    issue = next(each for each in asking.world.jira.issues if "platform" in each.summary)

    asking.world.jira.transition(issue.key, status, by="acc-ada")
    await asking.run(["owners", "deliver"])

    assert await questions(asking) == {"platform": standing, "research": Standing.OPEN}


async def test_servers_are_retired_by_who_approves_or_speaks_for_the_owner_and_by_nobody_else(asking: Company) -> None:
    asking.settings += 'write = "file"\n'
    await asking.run()
    await asking.run(["quarterly", "deliver"])
    issues = {each.summary.rpartition(" ")[2]: each.key for each in asking.world.jira.issues}

    for owner, by in (("platform", "acc-otto"), ("research", "acc-sam")):
        asking.world.jira.transition(issues[owner], "Rejected", by=by)
    await asking.run(["owners", "deliver"])
    refused = await questions(asking)
    asking.later(minutes=1)
    asking.world.jira.transition(issues["platform"], "To Do", by="acc-sam")
    asking.world.jira.transition(issues["platform"], "Rejected", by="acc-sam")
    await asking.run(["owners", "deliver"])

    assert set(refused.values()) == {Standing.OPEN}
    assert any("otto may not retire" in each for each in asking.world.jira.issue(issues["platform"]).remarks)
    assert await questions(asking) == {"platform": Standing.ANSWERED, "research": Standing.OPEN}


async def test_what_was_approved_after_the_question_is_not_retired_by_an_answer_to_it(
    asking: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    asking.settings += 'write = "file"\n'
    await asking.run()
    await asking.run(["quarterly", "deliver"])
    asking.later(days=2)
    asking.approve(FILES, "1.4.2", approved={"on": f"{asking.world.clock():%Y-%m-%d}"})
    asking.approve(FETCH, None, owner="platform")
    issue = next(each for each in asking.world.jira.issues if "platform" in each.summary)
    asking.world.jira.transition(issue.key, "Rejected", by="acc-ada")

    await asking.run(["owners", "deliver"])
    by_command = [await _printed(asking, capsys, "recertify", "retire", each) for each in (FILES, FETCH)]

    waiting = await asking.app.store.run(lambda unit: unit.undelivered(asking.later(days=1)))
    assert [each.action for each, _ in waiting if isinstance(each.action, RetireServer)] == []
    assert [each.code for each in by_command] == [2, 2]
    assert "approved after" in by_command[0].err
    assert any("not counted" in each for each in asking.world.jira.issue(issue.key).remarks)


async def test_an_approval_after_the_question_ends_what_nobody_answered(asking: Company) -> None:
    await asking.run()
    await asking.run(["quarterly", "deliver"])
    asking.later(days=22)
    await asking.run(["owners", "releases"])
    due = len(await asking.findings("recertification-due"))

    asking.approve(FILES, "1.4.2", approved={"on": f"{asking.world.clock():%Y-%m-%d}"})
    await asking.run(["releases"])

    assert due == 2
    assert [each.finding.server for each in await asking.findings("recertification-due")] == [FETCH]


async def test_a_deleted_ticket_is_opened_again_and_its_answer_counts(asking: Company) -> None:
    await asking.run()
    await asking.run(["quarterly", "deliver"])
    first = next(each for each in asking.world.jira.issues if "platform" in each.summary)
    asking.world.jira.delete(first.key)

    await asking.run(["owners", "deliver"])
    await asking.run(["owners", "deliver"])
    (again,) = (each for each in asking.world.jira.issues if "platform" in each.summary)
    asking.world.jira.transition(again.key, "Approved", by="acc-ada")
    await asking.run(["owners", "deliver"])

    assert "is gone" in again.words
    assert await questions(asking) == {"platform": Standing.ANSWERED, "research": Standing.OPEN}


async def test_who_is_unknown_answers_for_nothing_and_is_told_so_once(asking: Company) -> None:
    await asking.run()
    await asking.run(["quarterly", "deliver"])
    issue = next(each for each in asking.world.jira.issues if "platform" in each.summary)

    asking.world.jira.transition(issue.key, "Approved", by="acc-stranger")
    await asking.run(["owners", "deliver"])
    await asking.run(["owners", "deliver"])

    assert (await questions(asking))["platform"] is Standing.OPEN
    assert len([remark for remark in asking.world.jira.issue(issue.key).remarks if "was not counted" in remark]) == 1


async def _printed(company: Company, capsys: pytest.CaptureFixture[str], *arguments: str) -> Printed:
    return await asyncio.to_thread(Desk(company, capsys), *arguments)


async def _desk(company: Company, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    printed = await _printed(company, capsys, *arguments)
    assert printed.code == 0, printed.err
    return printed.out
