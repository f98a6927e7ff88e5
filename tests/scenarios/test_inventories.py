"""What others know of what runs: osquery, a cluster, tables and SBOMs, beside the organisation's own lines."""

import io
import json
import re
from pathlib import Path

import pytest

from connectors.inventory_csv import parse_table
from monitor.settings import load
from tests.company import Company

INVENTORIES = """
[[inventory]]
kind = "osquery"
path = "results.log"

[[inventory]]
kind = "kubernetes"
path = "pods.json"
cluster = "prod"

[[inventory]]
kind = "csv"
path = "fleet.csv"

[[inventory]]
kind = "sbom"
path = "sboms"
"""


def osquery(company: Company, version: str, host: str = "laptop-7") -> None:
    """Let the host's agent report what lies in its global node_modules."""
    path = "/usr/local/lib/node_modules/@acme/files-mcp"
    rows = [{"name": "@acme/files-mcp", "version": version, "path": path}, {"name": "npm", "version": "11.0.0"}]
    line = {"name": "pack/mcp/npm", "hostIdentifier": host, "action": "snapshot", "snapshot": rows}
    with (company.folder / "results.log").open("a", encoding="utf-8") as log:
        log.write(json.dumps(line) + "\n")


def cluster(company: Company, version: str) -> None:
    """Let a deployment of the cluster start that version."""
    pod = {
        "metadata": {
            "name": "files-7d9f-x2x4z",
            "namespace": "tools",
            "labels": {"pod-template-hash": "7d9f"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "files-7d9f", "controller": True}],
        },
        "spec": {
            "containers": [
                {"name": "main", "image": "node:22", "args": ["npx", "-y", f"@acme/files-mcp@{version}"]},
                {"name": "proxy", "image": "envoy:1"},
            ]
        },
    }
    (company.folder / "pods.json").write_text(json.dumps({"kind": "List", "items": [pod]}), "utf-8")


def table(company: Company, *rows: str) -> None:
    text = "host;name;purl\n" + "".join(row + "\n" for row in rows)
    (company.folder / "fleet.csv").write_text(text, "utf-8")


def sbom(company: Company, host: str, *purls: str) -> None:
    components = [{"type": "library", "name": purl, "purl": purl} for purl in purls]
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "metadata": {"component": {"type": "device", "name": host}},
        "components": components,
    }
    (company.folder / "sboms").mkdir(exist_ok=True)
    (company.folder / "sboms" / f"{host}.json").write_text(json.dumps(document), "utf-8")


@pytest.fixture
def surveyed(company: Company) -> Company:
    """The company with four more inventories, all of which agree with the registry."""
    company.write()
    with company.config.open("a", encoding="utf-8") as config:
        config.write(INVENTORIES)
    osquery(company, "1.4.2")
    cluster(company, "1.4.2")
    table(company, "laptop-5;fetch;pkg:pypi/acme-fetch-mcp@2.4.2")
    sbom(company, "server-2", "pkg:pypi/acme-fetch-mcp@2.4.2", "pkg:pypi/mcp@1.20.0")
    return company


async def places(company: Company, host: str) -> list[str]:
    """Return the inventories that see something on that host now, with what they see."""
    found = await company.app.store.run(lambda unit: unit.deployments())
    return sorted(f"{each.client} {each.runs}" for each, _ in found if each.host == host)


async def test_inventories_that_agree_with_the_registry_are_quiet(surveyed: Company) -> None:
    report = await surveyed.run()

    assert (report.exit_code, report.problems) == (0, ())
    assert await surveyed.findings() == []


async def test_a_host_that_two_inventories_see_is_two_places(surveyed: Company) -> None:
    await surveyed.run()

    assert await places(surveyed, "laptop-7") == [
        "claude-desktop pkg:npm/%40acme/files-mcp@1.4.2",
        "osquery pkg:npm/%40acme/files-mcp@1.4.2",
    ]


async def test_what_only_one_of_them_sees_is_found_with_its_host_and_mended(surveyed: Company) -> None:
    osquery(surveyed, "9.9.9")
    sbom(surveyed, "server-2", "pkg:npm/evil-mcp@1.0.0")
    await surveyed.run()
    drifted = await surveyed.findings("unapproved-version")
    shadows = await surveyed.findings("shadow-server")
    osquery(surveyed, "1.4.2")
    sbom(surveyed, "server-2")
    surveyed.later(hours=1)

    await surveyed.run()

    assert [each.finding.summary.partition(" runs")[0] for each in drifted] == ["laptop-7 (osquery)"]
    assert ["server-2" in each.finding.summary for each in shadows] == [True]
    assert await surveyed.findings("unapproved-version") == []
    assert await surveyed.findings("shadow-server") == []


async def test_a_workload_of_a_cluster_that_lags_is_named_with_its_place(surveyed: Company) -> None:
    cluster(surveyed, "1.4.1")

    await surveyed.run()

    assert [each.finding.summary.partition(" (")[0] for each in await surveyed.findings("deployed-behind")] == [
        "prod/tools/files"
    ]


async def test_a_row_that_cannot_be_read_lets_nothing_be_gone(surveyed: Company) -> None:
    table(surveyed, "laptop-5;fetch;pkg:pypi/acme-fetch-mcp@9.9.9")
    await surveyed.run()
    table(surveyed, "laptop-5;fetch", "laptop-6;fetch;pkg:pypi/acme-fetch-mcp@2.4.2")

    report = await surveyed.run()

    assert report.exit_code == 3
    assert ["fleet.csv: line 2" in problem for problem in report.problems] == [True]
    assert len(await surveyed.findings("unapproved-version")) == 1


async def test_a_log_that_is_gone_resolves_nothing(surveyed: Company, logged: list[str]) -> None:
    osquery(surveyed, "9.9.9")
    await surveyed.run()
    (surveyed.folder / "results.log").unlink()

    report = await surveyed.run()

    assert report.exit_code == 3
    assert len(await surveyed.findings("unapproved-version")) == 1
    assert logged


def test_what_the_document_shows_is_valid(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "inventory.md").read_text("utf-8")
    blocks = re.findall(r"```(toml|csv)\n(.*?)```", text, re.DOTALL)
    path, environ = tmp_path / "config.toml", dict.fromkeys(re.findall(r'"([A-Z][A-Z_]+)"', text), "secret")

    kinds = set[str]()
    for block in (block for kind, block in blocks if kind == "toml"):
        path.write_text(block, "utf-8")
        kinds |= {each.kind for each in load(path, environ).config.inventory}
    tables = [parse_table(io.BytesIO(block.encode()), "fleet.csv") for kind, block in blocks if kind == "csv"]

    assert kinds >= {"csv", "osquery", "kubernetes", "sbom"}
    assert [each.problems for each in tables] == [()]


async def test_an_inventory_that_is_missing_is_one_thing_that_could_not_be_checked(
    surveyed: Company, logged: list[str]
) -> None:
    (surveyed.folder / "fleet.csv").unlink()

    report = await surveyed.run()

    assert logged
    assert report.exit_code == 3
    assert [each.source for each in report.unknowns if "fleet.csv" in each.source] == [
        f"csv {surveyed.folder / 'fleet.csv'}"
    ]
