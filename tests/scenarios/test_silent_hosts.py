"""Hosts that report by themselves: those that stop doing so, and those that enforce something else than what was exported."""

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from monitor.domain.audit import AuditEvent
from monitor.domain.deployment import Deployment, HostPolicy, HostReport, Inventory, PinKind
from monitor.domain.purl import Purl
from monitor.ports.errors import Unavailable
from tests.company import Company

MCP = Purl.npm("@acme/files-mcp", "1.4.2")


@dataclass
class Folder:
    """A folder into which hosts put their reports: host -> when it did."""

    name: str = "reports"
    reports: dict[str, datetime] = field(default_factory=dict)
    readable: bool = True
    policies: dict[str, HostPolicy] = field(default_factory=dict)
    """Host -> the file by which it rejects what is not approved."""
    empty: set[str] = field(default_factory=set)
    """Hosts on which nothing is deployed."""
    partial: set[str] = field(default_factory=set)
    """Hosts that could not read everything."""
    nobodys: tuple[str, ...] = ()
    """Files of which cannot be told whose they are."""

    async def inventory(self) -> Inventory:
        """Return what lies there."""
        if not self.readable:
            raise Unavailable(self.name, "no such folder")
        reports = tuple(HostReport(host, at, self._policies(host)) for host, at in self.reports.items())
        deployed = tuple(
            Deployment(host, "vscode", "mcp.json", "mcp", PinKind.EXACT, MCP)
            for host in self.reports
            if host not in self.empty
        )
        problems = (*self.nobodys, *self.partial)
        return Inventory(
            self.name, deployed, problems, not self.nobodys, reports=reports, partial=frozenset(self.partial)
        )

    def _policies(self, host: str) -> tuple[HostPolicy, ...]:
        return (self.policies[host],) if host in self.policies else ()


@pytest.fixture
def folder(calm: Company) -> Folder:
    """Two laptops have reported into it."""
    now = calm.world.clock()
    made = Folder(reports={"laptop-1": now, "laptop-2": now})
    calm._app = replace(calm.app, deployments=(*calm.app.deployments, made))  # noqa: SLF001  one more inventory
    return made


async def silent(company: Company) -> list[str]:
    return [each.finding.subject for each in await company.findings("host-silent")]


async def deployed(company: Company) -> set[str]:
    return {each.host for each, _ in await company.app.store.run(lambda unit: unit.deployments())}


async def audited(company: Company, verb: str) -> list[str]:
    chain = await company.app.store.run(lambda unit: unit.chain())
    events = [json.loads(link.line) for link in chain]
    return [event["subject"] for event in events if event["verb"] == verb]


async def test_a_host_that_falls_silent_is_found_and_found_to_be_back(calm: Company, folder: Folder) -> None:
    await calm.run(["fleet"])
    folder.reports["laptop-2"] = calm.later(days=4)
    await calm.run(["fleet"])
    gone_quiet = await silent(calm)
    folder.reports["laptop-1"] = calm.later(hours=1)

    await calm.run(["fleet"])

    assert gone_quiet == ["laptop-1"]
    assert await silent(calm) == []


async def test_how_long_a_host_may_be_silent_is_the_organisations_decision(calm: Company, folder: Folder) -> None:
    calm.policy(host_silent_after=timedelta(days=5))
    calm.later(days=4)

    await calm.run(["fleet"])

    assert await silent(calm) == []
    assert folder.reports


async def test_what_ran_on_a_silent_host_is_still_taken_for_what_runs(calm: Company, folder: Folder) -> None:
    await calm.run(["fleet"])
    calm.later(days=4)

    await calm.run(["fleet"])

    assert set(folder.reports) <= await deployed(calm)


async def test_a_host_that_is_no_more_is_forgotten_once_although_its_report_lies_there(
    calm: Company, folder: Folder
) -> None:
    await calm.run(["fleet"])
    folder.reports["laptop-2"] = calm.later(days=31)

    await calm.run(["fleet"])
    await calm.run(["fleet"])

    assert await audited(calm, "host.forgotten") == ["laptop-1"]
    assert await silent(calm) == []
    assert "laptop-1" not in await deployed(calm)


async def test_a_host_whose_report_was_taken_away_is_silent_until_it_is_forgotten(
    calm: Company, folder: Folder
) -> None:
    await calm.run(["fleet"])
    del folder.reports["laptop-1"]
    folder.reports["laptop-2"] = calm.later(days=4)
    await calm.run(["fleet"])
    missed = await silent(calm)
    folder.reports["laptop-2"] = calm.later(days=27)

    await calm.run(["fleet"])

    assert missed == ["laptop-1"]
    assert await silent(calm) == []


async def test_a_folder_that_lost_every_report_is_no_empty_fleet(calm: Company, folder: Folder) -> None:
    await calm.run(["fleet"])
    folder.reports.clear()

    report = await calm.run(["fleet"])

    assert report.exit_code == 3
    assert {"laptop-1", "laptop-2"} <= await deployed(calm)


async def test_a_folder_that_cannot_be_read_makes_no_host_silent_and_none_forgotten(
    calm: Company, folder: Folder, logged: list[str]
) -> None:
    await calm.run(["fleet"])
    folder.readable = False
    calm.later(days=40)

    report = await calm.run(["fleet"])

    assert (report.exit_code, await silent(calm), await audited(calm, "host.forgotten")) == (3, [], [])
    assert logged


async def test_a_host_that_reports_to_one_of_two_folders_is_not_silent(calm: Company, folder: Folder) -> None:
    other = Folder(name="other", reports={"laptop-1": calm.later(days=4)})
    folder.reports["laptop-2"] = other.reports["laptop-1"]
    calm._app = replace(calm.app, deployments=(*calm.app.deployments, other))  # noqa: SLF001  one more inventory

    await calm.run(["fleet"])

    assert await silent(calm) == []


async def test_a_host_that_told_a_part_keeps_what_it_had_and_the_others_do_not(calm: Company, folder: Folder) -> None:
    await calm.run(["fleet"])
    folder.empty, folder.partial = {"laptop-1", "laptop-2"}, {"laptop-1"}
    calm.later(hours=1)

    await calm.run(["fleet"])

    assert {"laptop-1", "laptop-2"} & await deployed(calm) == {"laptop-1"}


async def test_an_older_report_is_no_news_while_the_newer_one_cannot_be_read(calm: Company, folder: Folder) -> None:
    await calm.run(["fleet"])
    folder.reports["laptop-1"] -= timedelta(hours=2)
    folder.empty, folder.nobodys = {"laptop-1", "laptop-2"}, ("half a file",)
    calm.later(hours=1)

    await calm.run(["fleet"])

    assert {"laptop-1", "laptop-2"} & await deployed(calm) == {"laptop-1"}


async def test_a_host_whose_file_is_not_the_exported_one_is_found_and_mended(calm: Company, folder: Folder) -> None:
    exported = AuditEvent(calm.world.clock(), "rita", "allowlist.exported", "claude-code", {"sha256": "ab"})
    await calm.app.store.run(lambda unit: unit.commit(exported))
    folder.policies = {host: HostPolicy("claude-code", "/etc/managed.json", "ab") for host in folder.reports}
    folder.policies["laptop-2"] = HostPolicy("claude-code", "/etc/managed.json", "forged")
    await calm.run(["fleet"])
    differing = await calm.findings("policy-not-enforced")
    folder.policies["laptop-2"] = folder.policies["laptop-1"]
    calm.later(hours=1)

    await calm.run(["fleet"])

    assert [each.finding.subject for each in differing] == ["laptop-2 claude-code /etc/managed.json"]
    assert await calm.findings("policy-not-enforced") == []


async def test_a_newer_report_that_says_nothing_of_policies_takes_back_none(calm: Company, folder: Folder) -> None:
    exported = AuditEvent(calm.world.clock(), "rita", "allowlist.exported", "claude-code", {"sha256": "ab"})
    await calm.app.store.run(lambda unit: unit.commit(exported))
    folder.policies["laptop-2"] = HostPolicy("claude-code", "/etc/managed.json", "forged")
    other = Folder(name="another agent", reports={"laptop-2": calm.later(hours=1)})
    calm._app = replace(calm.app, deployments=(*calm.app.deployments, other))  # noqa: SLF001  one more inventory

    await calm.run(["fleet"])

    differing = await calm.findings("policy-not-enforced")
    assert [each.finding.subject for each in differing] == ["laptop-2 claude-code /etc/managed.json"]


async def test_a_host_that_reports_in_other_capitals_is_not_silent(calm: Company, folder: Folder) -> None:
    await calm.run(["fleet"])
    del folder.reports["laptop-1"]
    folder.reports |= {"LAPTOP-1": calm.later(days=4), "laptop-2": calm.later(days=0)}

    await calm.run(["fleet"])

    assert await silent(calm) == []
