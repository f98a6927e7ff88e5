"""Reviews that come and go and come back: what the ticket shows, what an approval is worth then, and what reaches the registry."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.config import Schedule
from monitor.domain.decision import NEVER
from monitor.domain.finding import Severity
from monitor.domain.review import OPEN, Review
from monitor.domain.stage import Stage
from monitor.domain.waiver import Waiver
from monitor.jobs.decide import Terms, reopen_by
from monitor.runner import FULL, run
from monitor.scheduler import jobs_of
from tests.company import Company
from tests.scenarios.conftest import BUILDER, FILES
from tests.scenarios.test_onboarding import SUBMIT, Asking, asking
from tests.scenarios.test_reapproval import DECIDING, asked, company_of, states, turns
from tests.world import World

__all__ = ["asking"]
PACKAGE = "@acme/files-mcp"


@pytest.fixture
async def acme(settled_world: World, tmp_path: Path) -> Company:
    """A company that is asked about 1.4.3, and writes what is approved into its registry."""
    return await asked(company_of(settled_world, tmp_path, write="file"))


def ending(acme: Company, *, days: float = 10) -> None:
    """Let the approval of 1.4.2 run out in some days."""
    acme.approve(FILES, "1.4.2", approved={"expires": f"{acme.world.clock() + timedelta(days=days):%Y-%m-%d}"})


def pinned(acme: Company) -> dict[str, str]:
    """What the registry approves of the server."""
    (entry,) = json.loads((acme.folder / "registry.yaml").read_text("utf-8"))["servers"]
    return dict(entry["approved"])


def approve(acme: Company, *, by: str = "acc-ada", status: str = "Approved") -> None:
    """Bring the newest ticket there."""
    acme.world.jira.transition(acme.world.jira.issues[-1].key, status, by=by)


async def looks(acme: Company, *, times: int = 2) -> dict[str, str]:
    """Let some minutes pass, and run on the registry as it is by now."""
    for _ in range(times):
        acme.later(minutes=5)
        await run(acme.app, FULL)
    return await states(acme)


async def review_of(acme: Company, version: str) -> Review:
    return next(each for each in await acme.reviews() if each.candidate.purl.version == version)


async def reopen(acme: Company, version: str) -> None:
    review = await review_of(acme, version)
    await acme.app.store.run(lambda unit: reopen_by(unit, Terms.of(acme.app), review, by="grace", reason="a doubt"))


async def test_what_runs_already_is_renewed_at_any_time(settled_world: World, tmp_path: Path) -> None:
    acme = company_of(settled_world, tmp_path)
    ending(acme)
    await acme.run()
    acme.later(minutes=2)
    approve(acme)
    acme.later(minutes=2)
    await acme.run(["releases"])

    stand = await turns(acme)

    assert stand == {"1.4.2": "approved"}
    assert (await review_of(acme, "1.4.2")).approvable_from is None


async def test_a_renewal_is_written_with_its_new_end(settled_world: World, tmp_path: Path) -> None:
    settings = DECIDING.format(needed=1, write="file") + 'expires_after = { 1 = "90d" }\n'
    acme = Company(tmp_path, settled_world, settings=settings)
    acme.approve(
        FILES, "1.4.2", package="pkg:npm/%40acme/files-mcp", repository="https://github.com/acme/files-mcp", tier=1
    )
    acme.deploy("laptop-7", "pkg:npm/%40acme/files-mcp@1.4.2")
    await asked(acme)
    approve(acme)
    await looks(acme, times=3)
    first = pinned(acme)
    acme.later(days=80)
    await looks(acme)
    approve(acme, by="acc-grace")

    await looks(acme, times=3)

    assert (first["version"], pinned(acme)["version"], pinned(acme)["by"]) == ("1.4.3", "1.4.3", "grace")
    assert pinned(acme)["expires"] > first["expires"]
    assert await acme.findings("approval-expiring") == []


async def test_a_registry_that_was_rolled_back_by_hand_is_what_the_approval_replaces(acme: Company) -> None:
    (issue,) = acme.world.jira.issues
    acme.approve(FILES, "1.4.1")
    await turns(acme)
    shown = issue.words
    acme.world.jira.transition(issue.key, "Approved", by="acc-ada")

    await looks(acme, times=3)

    assert "1.4.1" in shown
    assert pinned(acme)["version"] == "1.4.3"


async def test_votes_given_beside_another_approved_version_start_anew(settled_world: World, tmp_path: Path) -> None:
    acme = await asked(company_of(settled_world, tmp_path, needed=2))
    (issue,) = acme.world.jira.issues
    approve(acme)
    await turns(acme)
    acme.approve(FILES, "1.4.1")
    await turns(acme)
    acme.world.jira.transition(issue.key, "Approved", by="acc-grace")

    stand = await turns(acme)

    assert stand["1.4.3"] == "in-review"
    assert [vote.by for vote in (await review_of(acme, "1.4.3")).votes] == ["grace"]
    assert any("votes start anew" in each for each in issue.remarks)


async def test_a_version_that_comes_and_goes_is_shown_each_time(acme: Company) -> None:
    npm, jira = acme.world.npm, acme.world.jira
    npm.publish(PACKAGE, "1.4.4", attested_by=BUILDER)
    await turns(acme)
    kept = dict(npm.packages[PACKAGE].versions)
    npm.unpublish(PACKAGE, "1.4.4")
    await turns(acme)
    between = jira.issues[-1].summary
    npm.packages[PACKAGE].versions.update(kept)
    npm.tag(PACKAGE, "1.4.4")
    await turns(acme)
    acme.later(days=5)
    approve(acme)

    stand = await turns(acme)

    assert ("1.4.3" in between, "1.4.4" in jira.issues[-1].summary) == (True, True)
    assert stand["1.4.4"] == "approved"


async def test_a_cause_that_goes_a_second_time_closes_the_ticket_again(acme: Company) -> None:
    (issue,) = acme.world.jira.issues
    until = acme.world.clock() + timedelta(days=100)
    seen = []

    for waived in (True, False, True):
        acme.policy(waivers=(Waiver("new-release", "*", "*", "x", "y", until),) if waived else ())
        await turns(acme, times=3)
        seen.append(issue.status_name)

    assert seen == ["Cancelled", "To Do", "Cancelled"]


async def test_what_a_person_asked_anew_stays_asked(acme: Company) -> None:
    approve(acme, status="Rejected")
    await turns(acme)
    acme.world.npm.publish(PACKAGE, "1.4.4", attested_by=BUILDER)
    await turns(acme)
    await reopen(acme, "1.4.3")

    await turns(acme)

    assert (await review_of(acme, "1.4.3")).state in OPEN
    assert (await review_of(acme, "1.4.3")).asked_by == "grace"


async def test_an_approved_version_that_is_asked_about_anew_stays_asked_until_it_is_decided(acme: Company) -> None:
    approve(acme)
    await looks(acme, times=3)
    await reopen(acme, "1.4.3")
    await looks(acme)
    asked_now = await review_of(acme, "1.4.3")
    approve(acme, by="acc-grace", status="Rejected")

    stand = await looks(acme)

    assert (asked_now.state in OPEN, stand["1.4.3"]) == (True, "rejected")
    (finding,) = await acme.findings("approval-rejected")
    assert finding.finding.severity is Severity.HIGH
    assert "rejected by grace" in finding.finding.summary
    assert "The registry approves it still" in acme.world.jira.issues[-1].remarks[-1]


async def test_other_bytes_under_the_approved_version_wait_as_a_new_version_does(
    settled_world: World, tmp_path: Path
) -> None:
    acme = company_of(settled_world, tmp_path, write="file")
    await acme.run()
    acme.later(days=5)
    await acme.run()
    acme.world.npm.republish(PACKAGE, "1.4.2")
    await acme.run()
    seen_at = acme.world.clock()
    acme.later(minutes=1)
    approve(acme)
    early = await turns(acme)
    acme.later(days=4)
    approve(acme)

    late = await turns(acme)

    assert (early, late) == ({"1.4.2": "ticketed"}, {"1.4.2": "approved"})
    assert (await review_of(acme, "1.4.2")).bytes_at == seen_at


async def test_nobody_is_asked_about_a_server_that_is_retired(settled_world: World, tmp_path: Path) -> None:
    acme = company_of(settled_world, tmp_path)
    await acme.run()
    acme.approve(FILES, None, stage=Stage.RETIRED.value)
    acme.registry[FILES].pop("approved")
    acme.world.npm.publish(PACKAGE, "1.4.3", attested_by=BUILDER)

    await turns(acme, times=3)

    assert await acme.findings("new-release") == []
    assert not any("1.4.3" in issue.summary for issue in acme.world.jira.issues)
    assert "1.4.3" not in await states(acme)


async def test_a_package_that_no_source_lists_is_approved_by_two_when_it_has_waited(asking: Asking) -> None:
    acme = asking.company
    await acme.run()
    submitted = await asking(
        "submit", "--name", "io.github.acme/x", "--package", "pkg:nuget/Notes", "--version", "1.0.0", *SUBMIT
    )
    await acme.run()

    (review,) = await acme.reviews()

    assert submitted.code == 0
    assert review.approvable_from is not None
    assert review.approvable_from < NEVER
    assert (review.approvable_from - review.opened_at, review.approvers_needed) == (acme.app.policy.hold.usual, 2)


async def test_a_decision_counts_though_a_newer_version_appears_before_it_is_read(acme: Company) -> None:
    approve(acme)
    acme.later(minutes=2)
    acme.world.npm.publish(PACKAGE, "1.4.4", attested_by=BUILDER)

    await acme.run(jobs_of(Schedule(), "releases"))

    assert (await states(acme))["1.4.3"] == "approved"
