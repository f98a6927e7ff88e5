"""Attacks on who builds, and what honest projects do that looks like them."""

from dataclasses import replace

import pytest

from monitor.domain.finding import Severity
from tests.company import Company
from tests.scenarios.conftest import BUILDER, FETCH, FILES
from tests.world import Fault, Kind

NAME = "@acme/files-mcp"
TAGGED = replace(BUILDER, ref="refs/tags/v1.4.3")


async def rules(company: Company) -> set[str]:
    """The trust signals that are open after one full check."""
    await company.run()
    return {each.finding.rule for each in await company.findings() if each.finding.trust_signal}


def paged(company: Company) -> int:
    return len(company.world.slack.messages)


# --- attacks --------------------------------------------------------------------------------------------------------------


async def test_a_version_that_is_published_past_the_build_has_lost_its_provenance_and_wakes_nobody(
    calm: Company,
) -> None:
    calm.world.npm.publish(NAME, "1.4.3")

    assert await rules(calm) == {"provenance-lost"}
    assert (len(calm.world.jira.issues), paged(calm)) == (1, 0)
    assert "agree that this version is not" in calm.world.jira.issues[0].words


async def test_a_version_that_lost_its_provenance_at_pypi_is_found_for_all_its_files(calm: Company) -> None:
    calm.world.pypi.publish("acme-fetch-mcp", "2.4.3")

    assert await rules(calm) == {"provenance-lost"}


async def test_a_foreign_builder_on_a_foreign_branch_is_two_signals_and_pages(calm: Company) -> None:
    attacker = replace(
        BUILDER, repository="mallory/files-mcp", repository_id="666", ref="refs/heads/pwn", trigger="workflow_dispatch"
    )
    calm.world.npm.publish(NAME, "1.4.3", attested_by=attacker)

    assert await rules(calm) == {"publisher-changed", "ref-unusual"}
    assert paged(calm) == 1


async def test_the_projects_own_workflow_from_an_attackers_branch_is_unusual(calm: Company) -> None:
    calm.world.npm.publish(NAME, "1.4.3", attested_by=replace(BUILDER, ref="refs/heads/pwn"))

    assert await rules(calm) == {"ref-unusual"}
    assert (len(calm.world.jira.issues), paged(calm)) == (1, 0)


async def test_a_repository_that_was_registered_again_under_its_old_name_is_another_publisher(calm: Company) -> None:
    calm.world.npm.publish(NAME, "1.4.3", attested_by=replace(TAGGED, repository_id="666", owner_id="667"))

    assert await rules(calm) == {"publisher-changed"}


async def test_a_self_hosted_runner_is_unusual(calm: Company) -> None:
    calm.world.npm.publish(NAME, "1.4.3", attested_by=replace(TAGGED, runner_environment="self-hosted"))

    assert await rules(calm) == {"ref-unusual"}


async def test_one_bare_file_beside_attested_ones_is_partial(calm: Company) -> None:
    calm.world.pypi.publish("acme-fetch-mcp", "2.4.3", attested_by=BUILDER, kinds=("wheel",))
    calm.world.pypi.publish("acme-fetch-mcp", "2.4.3", kinds=("sdist",))

    assert await rules(calm) == {"provenance-partial"}


async def test_a_server_whose_provenance_is_required_is_held_although_it_never_had_any(calm: Company) -> None:
    calm.world.npm.publish("@acme/bare-mcp", "1.0.0")
    calm.approve("io.github.acme/bare-mcp", "1.0.0", package="pkg:npm/%40acme/bare-mcp", provenance="required")
    await calm.run()
    calm.later(hours=1)
    calm.world.npm.publish("@acme/bare-mcp", "1.0.1")

    assert await rules(calm) == {"provenance-missing"}


async def test_an_attestation_that_a_mirror_hides_is_not_lost_but_unknown(calm: Company) -> None:
    calm.world.npm.publish(NAME, "1.4.3", attested_by=TAGGED)
    calm.world.break_("npm", Fault(Kind.STATUS, status=404, only="/attestations/"))

    report = await calm.run()

    assert report.exit_code == 3
    assert await calm.findings("provenance-lost") == []


async def test_an_endpoint_that_is_silent_leaves_it_open_whether_provenance_is_lost(calm: Company) -> None:
    calm.world.npm.publish(NAME, "1.4.3")
    calm.world.break_("npm", Fault(Kind.OUTAGE, only="/attestations/"))
    blind = await calm.run()
    calm.world.mend("npm")

    assert blind.exit_code == 3
    assert await rules(calm) == {"provenance-lost"}


# --- what honest projects do ------------------------------------------------------------------------------------------------


async def test_a_manual_publish_once_is_held_and_its_approval_ends_the_matter(calm: Company) -> None:
    calm.world.npm.publish(NAME, "1.4.3")
    await calm.run()
    calm.approve(FILES, "1.4.3")
    calm.deploy("laptop-7", "pkg:npm/%40acme/files-mcp@1.4.3")

    assert await rules(calm) == set()


async def test_a_backport_on_an_old_major_is_no_signal(calm: Company) -> None:
    calm.world.npm.publish(NAME, "2.0.0", attested_by=TAGGED)
    await calm.run()
    calm.approve(FILES, "2.0.0")
    calm.deploy("laptop-7", "pkg:npm/%40acme/files-mcp@2.0.0")
    await calm.run()
    calm.world.npm.publish(NAME, "1.4.9")

    assert await rules(calm) == set()


async def test_a_prerelease_by_hand_is_no_signal(calm: Company) -> None:
    calm.world.npm.publish(NAME, "1.5.0-beta.1")

    assert await rules(calm) == set()


async def test_a_renamed_repository_with_the_same_numeric_id_is_no_signal(calm: Company) -> None:
    calm.world.npm.publish(NAME, "1.4.3", attested_by=replace(TAGGED, repository="acme/files-mcp-server"))

    assert await rules(calm) == set()


async def test_a_renamed_workflow_is_a_question_and_no_page(calm: Company) -> None:
    calm.world.npm.publish(NAME, "1.4.3", attested_by=replace(TAGGED, workflow="publish.yml"))

    assert await rules(calm) == {"publisher-changed"}
    assert [each.finding.severity for each in await calm.findings("publisher-changed")] == [Severity.HIGH]
    assert paged(calm) == 0


async def test_a_release_branch_of_a_new_major_is_no_signal(calm: Company) -> None:
    on_main = replace(BUILDER, ref="refs/heads/main")
    calm.world.pypi.publish("acme-fetch-mcp", "2.5.0", attested_by=on_main)
    await calm.run()
    calm.approve(FETCH, "2.5.0")
    calm.deploy("laptop-8", "pkg:pypi/acme-fetch-mcp@2.5.0")
    await calm.run()
    calm.world.pypi.publish("acme-fetch-mcp", "3.0.0", attested_by=replace(BUILDER, ref="refs/heads/release-3.x"))

    assert await rules(calm) == set()


@pytest.mark.parametrize("kind", ["npm", "pypi"])
async def test_the_next_tag_by_the_same_builder_is_no_signal(calm: Company, kind: str) -> None:
    if kind == "npm":
        calm.world.npm.publish(NAME, "1.4.3", attested_by=TAGGED)
    else:
        calm.world.pypi.publish("acme-fetch-mcp", "2.4.3", attested_by=TAGGED)

    assert await rules(calm) == set()
