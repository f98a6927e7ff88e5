"""The whole program against registries that nobody here wrote, real packages in them, and the real advisories about these."""

import pytest

from monitor.domain.finding import Severity, Tracked
from monitor.domain.provenance import Form, Verdict
from monitor.domain.purl import Purl
from monitor.domain.review import State
from monitor.domain.unknown import Reason
from monitor.report import Report
from tests.company import Company
from tests.real_registries.conftest import FILES, FILES_ON_NPM, GIT, REMOTE, TIME, sha256, sha512
from tests.real_registries.fetched import tarball, wheel
from tests.real_registries.servers import Index, Verdaccio

# A first run installs both servers, and another worker may wait for it.
pytestmark = [pytest.mark.real_registries, pytest.mark.timeout(900)]


def advised(found: list[Tracked]) -> dict[str, set[str]]:
    """Return which advisories name which version."""
    named: dict[str, set[str]] = {}
    for each in found:
        version, advisory = each.finding.subject.split(" ")
        named.setdefault(version, set()).add(advisory)
    return named


def blind(report: Report) -> set[tuple[str, Reason]]:
    """Return what could not be checked. devpi says nothing of what a version brings along, which is no failure."""
    found = {(unknown.source, unknown.reason) for unknown in report.unknowns}
    return {(source, reason) for source, reason in found if reason is not Reason.NOT_COVERED}


async def verdicts(company: Company, version: Purl) -> dict[tuple[Form, Verdict], set[str]]:
    """Return what was decided about a version's file, and for which digests."""
    kept = await company.app.store.run(lambda unit: unit.verifications([version.package]))
    return {(claim.form, claim.verdict): {str(digest) for digest in claim.digests} for claim in kept[version]}


async def test_a_first_look_is_a_baseline_that_knows_the_advisories_and_the_laptop_that_stayed_behind(
    company: Company,
) -> None:
    report = await company.run()

    assert (report.exit_code, report.problems, blind(report)) == (1, (), set())
    assert {line.name: (line.newest_seen, line.deployed, line.verification) for line in report.servers} == {
        REMOTE: ("0.1.15", "0.1.15 (1)", "unattested"),
        FILES: ("2025.3.28", "0.6.2 (1)", "unattested"),
        GIT: ("2025.7.1", "2025.7.1 (1)", "unattested"),
        TIME: ("2025.8.4", "2025.8.4 (1)", "unattested"),
    }
    assert {each.finding.rule for each in await company.findings()} == {
        "affected",
        "dependency-affected",
        "deployed-behind",
    }
    # Both versions of this server declare exactly one old version of the SDK; the other servers declare ranges.
    brought = [each.finding.subject.split(" ") for each in await company.findings("dependency-affected")]
    assert {(version, dependency) for version, _, dependency, _ in brought} == {
        ("pkg:npm/%40modelcontextprotocol/server-filesystem@0.6.2", "pkg:npm/%40modelcontextprotocol/sdk@1.0.1"),
        ("pkg:npm/%40modelcontextprotocol/server-filesystem@2025.3.28", "pkg:npm/%40modelcontextprotocol/sdk@0.5.0"),
    }
    assert advised(await company.findings("affected")) == {
        "pkg:npm/mcp-remote@0.1.15": {"GHSA-6xpm-ggf7-wc3p"},
        "pkg:npm/%40modelcontextprotocol/server-filesystem@0.6.2": {"GHSA-hc55-p739-j48w", "GHSA-q66q-fx2p-7w4m"},
        "pkg:npm/%40modelcontextprotocol/server-filesystem@2025.3.28": {"GHSA-hc55-p739-j48w", "GHSA-q66q-fx2p-7w4m"},
        # PYSEC-2026-1621 is the first of these three under another name.
        "pkg:pypi/mcp-server-git@2025.7.1": {"GHSA-5cgr-j3jf-jw3v", "PYSEC-2026-1622", "PYSEC-2026-1623"},
    }
    (behind,) = await company.findings("deployed-behind")
    assert "laptop-2" in behind.finding.summary
    assert ["CVE-2025-6514" in message.words for message in company.world.slack.messages] == [True]


async def test_nothing_new_is_a_calm_cycle(settled: Company) -> None:
    before = (len(settled.world.jira.issues), len(settled.world.slack.messages), await settled.findings())

    report = await settled.run()

    assert (report.problems, blind(report)) == ((), set())
    assert (len(settled.world.jira.issues), len(settled.world.slack.messages), await settled.findings()) == before


async def test_a_version_that_npm_publishes_is_downloaded_hashed_and_put_up_for_a_decision(
    settled: Company, npm: Verdaccio
) -> None:
    file = tarball("mcp-remote", "0.1.16")
    npm.publish(file)

    report = await settled.run()

    assert [each.finding.about for each in await settled.findings("new-release")] == [Purl.npm("mcp-remote", "0.1.16")]
    decided = await verdicts(settled, Purl.npm("mcp-remote", "0.1.16"))
    assert set(decided) == {(Form.REGISTRY_DIGEST, Verdict.VERIFIED), (Form.NPM_ATTESTATIONS, Verdict.UNATTESTED)}
    assert {sha256(file), sha512(file)} <= decided[Form.REGISTRY_DIGEST, Verdict.VERIFIED]
    ticket = settled.world.jira.issues[-1]
    assert ticket.summary == f"Re-approve mcp-remote 0.1.15 -> 0.1.16 ({REMOTE})"
    assert "None names this version" in ticket.words
    assert sha512(file) in ticket.words
    assert blind(report) == set()


async def test_of_versions_that_appear_together_on_an_index_without_times_the_highest_is_up_for_decision(
    settled: Company, pypi: Index
) -> None:
    fixed = wheel("mcp-server-git", "2025.12.18")
    pypi.upload(wheel("mcp-server-git", "2025.9.25"))
    pypi.upload(fixed)

    await settled.run()

    purl = Purl.pypi("mcp-server-git", "2025.12.18")
    assert [each.finding.about for each in await settled.findings("new-release")] == [purl]
    decided = await verdicts(settled, purl)
    assert {sha256(fixed), sha512(fixed)} <= decided[Form.REGISTRY_DIGEST, Verdict.VERIFIED]
    (ticket,) = [each for each in settled.world.jira.issues if each.summary.startswith("Re-approve")]
    assert ticket.summary == f"Re-approve mcp-server-git 2025.7.1 -> 2025.12.18 ({GIT})"
    assert "None names this version" in ticket.words
    assert "2025.9.25" in ticket.words


async def test_a_candidate_with_known_flaws_is_superseded_by_the_version_that_fixes_them(
    settled: Company, pypi: Index
) -> None:
    pypi.upload(wheel("mcp-server-git", "2025.9.25"))
    await settled.run()
    settled.later(hours=1)
    pypi.upload(wheel("mcp-server-git", "2025.12.18"))

    await settled.run()

    flawed, fixed = settled.world.jira.issues[-2:]
    assert "PYSEC-2026-1622" in flawed.words
    assert any("2025.12.18" in remark for remark in flawed.remarks)
    assert fixed.summary == f"Re-approve mcp-server-git 2025.7.1 -> 2025.12.18 ({GIT})"
    states = {each.candidate.purl.version: each.state for each in await settled.reviews() if each.server == GIT}
    assert (states["2025.9.25"], states["2025.12.18"]) == (State.SUPERSEDED, State.TICKETED)


async def test_approved_versions_that_leave_their_registry_are_noticed(
    settled: Company, npm: Verdaccio, pypi: Index
) -> None:
    npm.unpublish(FILES_ON_NPM, "2025.3.28")
    pypi.remove("mcp-server-git", "2025.7.1")

    await settled.run()

    assert {each.finding.subject for each in await settled.findings("registry-status")} == {
        "pkg:npm/%40modelcontextprotocol/server-filesystem@2025.3.28 gone",
        "pkg:pypi/mcp-server-git@2025.7.1 gone",
    }


async def test_a_deprecation_with_npm_reaches_the_ticket_of_the_approved_version(
    settled: Company, npm: Verdaccio
) -> None:
    npm.deprecate("mcp-remote", "0.1.15", "runs what a server tells it to")

    await settled.run()

    (deprecated,) = await settled.findings("registry-status")
    assert deprecated.finding.subject == "pkg:npm/mcp-remote@0.1.15 deprecated"
    (ticket,) = [each for each in settled.world.jira.issues if "mcp-remote" in each.summary]
    assert any("runs what a server tells it to" in remark for remark in ticket.remarks)


async def test_bytes_that_change_on_the_registrys_disk_are_found_and_page(settled: Company, npm: Verdaccio) -> None:
    npm.publish(tarball("mcp-remote", "0.1.16"))
    npm.tamper("mcp-remote", "mcp-remote-0.1.16.tgz")

    await settled.run()

    (differs,) = await settled.findings("digest-differs")
    assert (differs.finding.about, differs.finding.severity) == (Purl.npm("mcp-remote", "0.1.16"), Severity.CRITICAL)
    assert "digest-differs" in settled.world.slack.messages[-1].words


async def test_a_registry_that_is_down_is_not_an_all_clear(settled: Company, npm: Verdaccio, logged: list[str]) -> None:
    before = await settled.findings()
    npm.stop()

    report = await settled.run()

    assert report.exit_code == 3
    assert blind(report) == {("npm", Reason.UNAVAILABLE)}
    assert await settled.findings() == before
    assert logged
