"""An approval becomes the pin: in the registry's file, or as a pull request to where it is kept."""

import json
from pathlib import Path

import pytest

from monitor.doctor import examine
from monitor.domain.action import ListServer, RetireServer, WritePin
from monitor.domain.audit import AuditEvent
from monitor.domain.purl import Purl
from monitor.domain.review import State
from monitor.domain.server import Approval, Pin
from monitor.ports.store import UnitOfWork
from monitor.report import Report
from monitor.runner import FULL, run
from monitor.settings import load
from tests.company import Company
from tests.scenarios.conftest import BUILDER, FILES
from tests.world import World

REGISTRY = """\
# The registry. Ask the platform team.
version: 1
servers:
  # Reads and writes files.
  - name: io.github.acme/files-mcp
    package: pkg:npm/%40acme/files-mcp   # the scope is ours
    repository: acme/files-mcp
    owner: platform
    approved:
      version: 1.4.2
      by: rita@acme.example   # on behalf of the board
      on: 2026-11-01

  - {name: io.github.acme/fetch-mcp, package: pkg:pypi/acme-fetch-mcp, owner: platform, approved: {version: 2.4.2, by: rita}}
"""
NEW = Purl.npm("@acme/files-mcp").at("1.4.3")


@pytest.fixture
def company(settled_world: World, tmp_path: Path) -> Company:
    """A company whose registry is written by hand, and into which decisions are written."""
    acme = Company(tmp_path, settled_world, settings='\n[reviews]\nwrite = "file"\n')
    acme.deploy("laptop-7", "pkg:pypi/acme-fetch-mcp@2.4.2")
    acme.app.store.migrate()
    (tmp_path / "registry.yaml").write_text(REGISTRY, "utf-8")
    return acme


async def look(company: Company) -> Report:
    """Run the program, and leave the registry as it is."""
    return await run(company.app, FULL)


async def deliver(company: Company) -> Report:
    return await run(company.app, ["deliver"])


def registry(company: Company) -> str:
    return (company.folder / "registry.yaml").read_text("utf-8")


def pin(
    company: Company, purl: Purl = NEW, *, key: str = "pin:1", before: str = "pkg:npm/%40acme/files-mcp@1.4.2"
) -> WritePin:
    approval = Approval(Pin(purl), "ada", company.world.clock(), None, "MCPSEC-7")
    return WritePin(key, FILES, approval, before, "registry-file")


async def decide(company: Company, action: WritePin | RetireServer | ListServer) -> None:
    def keep(unit: UnitOfWork) -> None:
        now = company.world.clock()
        unit.queue([action], now)
        unit.commit(AuditEvent(now, "test", "decided", FILES, {}))

    await company.app.store.run(keep)


async def test_an_approval_becomes_the_pin_and_the_next_look_is_quiet(company: Company) -> None:
    await look(company)
    company.world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER)
    noisy = await look(company)
    await decide(company, pin(company))
    await deliver(company)

    quiet = await look(company)

    assert (noisy.exit_code, quiet.exit_code) == (1, 0)
    at = f"{company.world.clock():%Y-%m-%dT%H:%M:%SZ}".replace("T00:00:00Z", "")
    assert registry(company) == REGISTRY.replace("version: 1.4.2", "version: 1.4.3").replace(
        "by: rita@acme.example ", "by: ada "
    ).replace("on: 2026-11-01", f"on: {at}\n      ticket: MCPSEC-7")


async def test_a_process_that_dies_between_writing_and_noting_it_changes_nothing_more(company: Company) -> None:
    await look(company)
    action = pin(company)
    # It was written, and nobody noted that: the action comes back.
    await company.app.writers["registry-file"].write(action)
    before = registry(company)
    await decide(company, action)

    report = await deliver(company)

    assert report.exit_code == 0
    assert registry(company) == before
    assert "1.4.3" in before


async def test_what_somebody_approved_by_hand_meanwhile_is_not_written_over(
    company: Company, logged: list[str]
) -> None:
    by_hand = REGISTRY.replace("version: 1.4.2", "version: 1.4.1")
    (company.folder / "registry.yaml").write_text(by_hand, "utf-8")
    await decide(company, pin(company))

    report = await deliver(company)

    assert registry(company) == by_hand
    assert "delivery.failed" in "".join(logged)
    assert ["1.4.1" in each and "1.4.3" in each for each in report.problems] == [True]


async def test_an_edit_elsewhere_in_the_file_is_kept(company: Company) -> None:
    edited = REGISTRY.replace("# The registry.", "# Our registry, edited a moment ago.")
    (company.folder / "registry.yaml").write_text(edited, "utf-8")
    await decide(company, pin(company))

    await deliver(company)

    assert registry(company).startswith("# Our registry, edited a moment ago.")
    assert "version: 1.4.3" in registry(company)


async def test_a_retired_server_that_still_runs_is_told(company: Company) -> None:
    old = {
        "host": "laptop-8",
        "client": "c",
        "location": "/mcp.json",
        "name": "mcp",
        "purl": str(NEW.package.at("1.4.2")),
    }
    (company.folder / "inventory.jsonl").write_text(json.dumps(old) + "\n", "utf-8")
    await look(company)
    await decide(company, RetireServer("retire:1", FILES, "ada", "nobody uses it", "registry-file"))
    await deliver(company)

    await look(company)

    found = [each for each in await company.findings() if each.open and each.finding.rule == "unapproved-version"]
    assert ["the server is retired" in each.finding.summary for each in found] == [True]


async def test_a_decision_for_a_writer_that_is_gone_says_so(company: Company, logged: list[str]) -> None:
    action = pin(company)
    gone = WritePin(action.key, action.server, action.approval, action.before, "github-pull-request")
    await decide(company, gone)

    report = await deliver(company)

    assert "delivery.failed" in "".join(logged)
    assert ["github-pull-request is not configured any more" in each for each in report.problems] == [True]


async def decisions_line(company: Company) -> str:
    settings = load(company.config, company.environ)
    (line,) = [each async for each in examine(company.app, settings, said_by={}) if each.part == "decisions"]
    return f"{line.status}: {line.found}"


async def test_the_doctor_says_that_decisions_can_be_written(company: Company) -> None:
    assert (await decisions_line(company)).startswith("ok: registry-file: decisions are written into ")


# --- by proposal

PROPOSED = """
[people.grace]
github = "grace"

[people.ada]
github = "ada"

[reviews]
approvers = ["grace"]
write = "pull-request"

[reviews.repository]
name = "acme/registry"
path = "registry.yaml"
api = "{api}"
token_env = "REGISTRY_TOKEN"
"""
REPOSITORY = "acme/registry"


@pytest.fixture
async def proposing(settled_world: World, tmp_path: Path) -> Company:
    """A company without a tracker: its registry is kept at GitHub, a new version may be approved, and is proposed."""
    settled_world.github.create(REPOSITORY)
    settled_world.github.forge.put(REPOSITORY, "registry.yaml", REGISTRY.encode())
    settings = PROPOSED.format(api=settled_world.url("github"))
    acme = Company(tmp_path, settled_world, tells=False, settings=settings, secrets={"REGISTRY_TOKEN": "ghp_registry"})
    acme.deploy("laptop-7", "pkg:pypi/acme-fetch-mcp@2.4.2")
    acme.app.store.migrate()
    (tmp_path / "registry.yaml").write_text(REGISTRY, "utf-8")
    await look(acme)
    settled_world.npm.publish("@acme/files-mcp", "1.4.3", attested_by=BUILDER)
    await look(acme)
    settled_world.clock.advance(days=4)
    await look(acme)
    return acme


def pull(company: Company) -> None:
    """Bring the registry's file to what the repository has, as an organisation's own job does."""
    body = company.world.github.forge.file(REPOSITORY, "registry.yaml")
    (company.folder / "registry.yaml").write_bytes(body)


async def states(company: Company) -> dict[str, State]:
    return {each.candidate.purl.version or "": each.state for each in await company.reviews()}


async def test_a_merged_proposal_is_the_approval_and_the_next_look_is_quiet(proposing: Company) -> None:
    forge = proposing.world.github.forge
    (made,) = forge.proposals(REPOSITORY)
    before = await states(proposing)
    forge.review(REPOSITORY, made.number, by="grace")
    forge.merge(REPOSITORY, made.number)
    pull(proposing)
    await look(proposing)

    quiet = await look(proposing)

    assert before in ({"1.4.3": State.DETECTED}, {"1.4.3": State.TICKETED})
    assert await states(proposing) == {"1.4.3": State.APPROVED}
    assert quiet.exit_code == 0
    assert len(forge.proposals(REPOSITORY)) == 1
    assert "by: rita@acme.example" not in registry(proposing)
    assert "# Reads and writes files." in registry(proposing)


async def test_the_doctor_says_where_merged_proposals_count_for_nothing(proposing: Company) -> None:
    proposing.world.github.forge.demands_owners = False

    line = await decisions_line(proposing)

    assert line.startswith("ok: github-pull-request: decisions are proposed to acme/registry")
    assert "counts for no approval: main demands no review of code owners" in line


async def test_a_merge_that_nobody_of_the_approvers_reviewed_is_no_approval(proposing: Company) -> None:
    forge = proposing.world.github.forge
    forge.review(REPOSITORY, 1, by="ada")
    forge.merge(REPOSITORY, 1)

    await run(proposing.app, ["reviews"])

    assert State.APPROVED not in (await states(proposing)).values()


async def test_a_merge_that_nobody_reviewed_is_no_approval_when_the_registry_has_it(proposing: Company) -> None:
    proposing.world.github.forge.merge(REPOSITORY, 1)
    pull(proposing)

    reports = [await look(proposing) for _ in range(3)]

    assert ["nobody who may has approved it" in "".join(each.problems) for each in reports] == [True, True, True]
    assert State.APPROVED not in (await states(proposing)).values()


async def test_a_merge_that_nobody_reviewed_is_asked_about_when_a_look_saw_it_first(proposing: Company) -> None:
    proposing.world.github.forge.merge(REPOSITORY, 1)
    pull(proposing)
    await run(proposing.app, ["releases"])
    seen = await states(proposing)

    report = await look(proposing)
    await look(proposing)

    assert seen == {"1.4.3": State.APPROVED}
    assert "nobody who may has approved it" in "".join(report.problems)
    assert State.APPROVED not in (await states(proposing)).values()


async def test_a_merge_that_was_reviewed_stays_approved_when_a_look_saw_it_first(proposing: Company) -> None:
    forge = proposing.world.github.forge
    forge.review(REPOSITORY, 1, by="grace")
    forge.merge(REPOSITORY, 1)
    pull(proposing)
    await run(proposing.app, ["releases"])

    report = await look(proposing)

    assert await states(proposing) == {"1.4.3": State.APPROVED}
    assert report.problems == ()


async def test_a_proposal_that_is_closed_rejects_the_version(proposing: Company) -> None:
    proposing.world.github.forge.close(REPOSITORY, 1, by="grace")

    await run(proposing.app, ["reviews"])
    await look(proposing)

    assert await states(proposing) == {"1.4.3": State.REJECTED}
    assert len(proposing.world.github.forge.proposals(REPOSITORY)) == 1
