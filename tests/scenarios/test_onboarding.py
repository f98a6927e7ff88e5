import asyncio
import json
import os
import pwd
from datetime import timedelta
from pathlib import Path

import pytest

from connectors import registry_file
from monitor import wiring
from monitor.domain.document import plain
from monitor.domain.review import State
from monitor.domain.stage import Stage
from tests.company import Company
from tests.desk import Desk, Printed
from tests.scenarios.conftest import FILES
from tests.world import Identity, World

ME = pwd.getpwuid(os.getuid()).pw_name
NEW = "io.github.acme/notes-mcp"
SETTINGS = f"""
[people.rita]
jira = "acc-rita"
account = "{ME}"

[people.grace]
jira = "acc-grace"

[reviews]
approvers = ["grace", "rita"]
hold = "1h"
write = "file"

[jira.statuses]
approved = ["Approved"]
rejected = ["Rejected"]
"""
SUBMIT = ("--owner", "research", "--purpose", "keep notes", "--scope", "read wiki")
NOTES = (
    "--name",
    NEW,
    "--package",
    "pkg:npm/%40acme/notes-mcp",
    "--version",
    "1.0.0",
    "--repository",
    "acme/notes-mcp",
)
BUILDER = Identity(repository="acme/notes-mcp", workflow="release.yml", ref="refs/tags/v1.0.0")


@pytest.fixture
def asking(settled_world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> "Asking":
    """A company with one listed server, in whose world another one was published two months ago."""
    settled_world.github.create("acme/notes-mcp")
    settled_world.npm.publish("@acme/notes-mcp", "1.0.0", attested_by=BUILDER)
    settled_world.clock.advance(days=60)
    acme = Company(tmp_path, settled_world, settings=SETTINGS)
    acme.approve(FILES, "1.4.2", package="pkg:npm/%40acme/files-mcp")
    acme.deploy("laptop-7", "pkg:npm/%40acme/files-mcp@1.4.2")
    return Asking(acme, capsys)


class Asking:
    """The company, and somebody at its keyboard."""

    def __init__(self, company: Company, capsys: pytest.CaptureFixture[str]) -> None:
        self.company = company
        self.desk = Desk(company, capsys)

    async def __call__(self, *arguments: str) -> Printed:
        """Run a command."""
        return await asyncio.to_thread(self.desk, *arguments)

    async def stage(self) -> Stage:
        """Return where the first submission stands."""
        found = await self.company.app.store.run(lambda unit: unit.submissions())
        return found[0].stage


async def test_a_server_that_is_asked_for_gets_its_ticket_with_the_evidence(asking: Asking) -> None:
    await asking.company.run()
    printed = await asking("submit", *NOTES, *SUBMIT)
    assert printed.code == 0, printed.err

    await asking.company.run()

    issue = asking.company.world.jira.issues[-1]
    assert issue.summary == f"Onboard {NEW}: @acme/notes-mcp 1.0.0"
    last = await asking.company.app.store.run(lambda unit: unit.said_last(unit.reviews([NEW])[0].mark))
    assert last is not None
    text = plain(last.body)
    assert "rita asks for it: keep notes" in text
    assert "read wiki" in text
    assert "acme/notes-mcp" in text
    assert await asking.stage() is Stage.IN_REVIEW
    assert await asking.company.findings("identity-mismatch") == []


async def test_an_approval_lists_it_and_who_asked_does_not_approve(asking: Asking) -> None:
    await asking.company.run()
    await asking("submit", *NOTES, *SUBMIT)
    await asking.company.run()
    world, key = asking.company.world, asking.company.world.jira.issues[-1].key

    world.jira.transition(key, "Approved", by="acc-rita")
    await asking.company.run(["reviews", "deliver"])
    own = [review.state for review in await asking.company.reviews()]
    world.jira.transition(key, "To Do", by="acc-rita")
    world.jira.transition(key, "Approved", by="acc-grace")
    await asking.company.run(["reviews", "deliver"])

    listed = {
        each.server.name: each for each in registry_file.build(asking.company.folder / "registry.yaml").read().entries
    }
    assert State.APPROVED not in own
    approval = listed[NEW].approval
    assert approval is not None
    assert (approval.pin.purl.version, approval.approved_by, listed[NEW].server.owner) == ("1.0.0", "grace", "research")
    assert await asking.stage() is Stage.APPROVED


async def test_a_later_ticket_of_a_listed_server_leaves_its_submission_approved(asking: Asking) -> None:
    await asking.company.run()
    await asking("submit", *NOTES, *SUBMIT)
    await asking.company.run()
    asking.company.later(hours=2)
    asking.company.world.jira.transition(asking.company.world.jira.issues[-1].key, "Approved", by="acc-grace")
    await asking.company.run(["reviews", "deliver"])
    asking.company.approve(NEW, "1.0.0", package="pkg:npm/%40acme/notes-mcp", repository="acme/notes-mcp")
    await asking.company.run()
    asking.company.world.npm.publish("@acme/notes-mcp", "1.1.0", attested_by=BUILDER)

    await asking.company.run()

    assert "1.1.0" in asking.company.world.jira.issues[-1].summary
    assert await asking.stage() is Stage.APPROVED


async def test_a_rejection_ends_it_and_it_may_be_asked_for_again(asking: Asking) -> None:
    await asking.company.run()
    await asking("submit", *NOTES, *SUBMIT)
    await asking.company.run()

    asking.company.world.jira.transition(asking.company.world.jira.issues[-1].key, "Rejected", by="acc-grace")
    await asking.company.run(["reviews", "deliver"])

    rejected = await asking.stage()
    again = await asking("submit", *NOTES, *SUBMIT)
    for _ in range(3):
        asking.company.later(hours=2)
        await asking.company.run()
    asking.company.world.jira.transition(asking.company.world.jira.issues[-1].key, "Approved", by="acc-grace")
    await asking.company.run(["reviews", "deliver"])

    assert rejected is Stage.REJECTED
    assert again.code == 0, again.err
    assert "which was rejected" in again.out
    assert len(asking.company.world.jira.issues) == 2
    assert await asking.stage() is Stage.APPROVED


async def test_a_text_that_a_registry_cannot_hold_in_a_line_is_refused(asking: Asking) -> None:
    await asking.company.run()

    printed = await asking("retire", FILES, "--reason", "gone\nstage: approved")

    assert printed.code == 2
    assert "expected one line" in printed.err


async def test_what_somebody_else_builds_is_no_match_and_cannot_be_approved(asking: Asking) -> None:
    world = asking.company.world
    world.npm.publish(
        "@acne/notes-mcp", "1.0.0", attested_by=Identity(repository="evil/x", workflow="r.yml", ref="refs/tags/v1.0.0")
    )
    await asking.company.run()
    await asking("submit", "--name", NEW, "--package", "pkg:npm/%40acne/notes-mcp", "--version", "1.0.0", *SUBMIT)
    await asking.company.run()
    asking.company.later(hours=2)

    world.jira.transition(world.jira.issues[-1].key, "Approved", by="acc-grace")
    await asking.company.run(["reviews", "deliver"])

    found = await asking.company.findings("identity-mismatch")
    assert {fact.label for fact in found[0].finding.facts} == {"built by", "first published"}
    assert await asking.stage() is Stage.IN_REVIEW
    assert any("identity-mismatch" in remark for remark in world.jira.issues[-1].remarks)


@pytest.mark.parametrize(
    ("waived_by", "approvers", "code", "words"),
    [
        ("rita", '["grace", "rita"]', 2, "rita submitted"),
        ("grace", '["rita"]', 2, "is waived by those who approve"),
        ("grace", '["grace", "rita"]', 0, "is waived by grace"),
    ],
    ids=["who asked for it", "no approver", "another approver"],
)
async def test_what_holds_an_approval_is_waived_by_another_approver_than_who_asked(
    asking: Asking, waived_by: str, approvers: str, code: int, words: str
) -> None:
    world = asking.company.world
    world.npm.publish("@acme/young-mcp", "1.0.0", attested_by=None)
    await asking.company.run()
    young = ("--name", NEW, "--package", "pkg:npm/%40acme/young-mcp", "--version", "1.0.0")
    await asking("submit", *young, *SUBMIT)
    await asking.company.run()
    found = await asking.company.findings("identity-mismatch")
    config = asking.company.config
    text = config.read_text("utf-8").replace('approvers = ["grace", "rita"]', f"approvers = {approvers}")
    account = f'account = "{ME}"\n'
    text = text.replace(account, "").replace(f"[people.{waived_by}]\n", f"[people.{waived_by}]\n{account}")
    config.write_text(text, "utf-8")
    tomorrow = f"{wiring.utc_now() + timedelta(days=1):%Y-%m-%d}"

    printed = await asking("waive", found[0].finding.fingerprint, "--reason", "a wrapper", "--until", tomorrow)
    own_work = await asking("acknowledge", found[0].finding.fingerprint, "--reason", "I ask them")

    assert printed.code == code
    assert words in printed.out + printed.err
    assert own_work.code == 0


async def test_the_same_submission_twice_is_one_and_another_form_is_refused(asking: Asking) -> None:
    asking.company.write()
    await asking("migrate")
    first = await asking("submit", *NOTES, *SUBMIT)
    again = await asking("submit", *NOTES, *SUBMIT)
    other = await asking("submit", *NOTES[:-1], "acme/other", *SUBMIT)

    assert (first.code, again.code, other.code) == (0, 0, 2)
    assert "submitted already by rita" in again.out
    assert json.loads((await asking("submissions", "--json")).out)[0]["stage"] == "submitted"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--name", FILES, "--package", "pkg:npm/other", "--version", "1.0.0"), "is listed already"),
        (("--name", NEW, "--package", "pkg:npm/%40acme/files-mcp", "--version", "1.0.0"), "is listed already"),
        (("--name", NEW, "--package", "pkg:npm/x", "--version", "latest"), "version"),
        (("--name", "no name", "--package", "pkg:npm/x", "--version", "1.0.0"), "name"),
        (("--name", NEW, "--version", "1.0.0"), "expected either package or remote"),
    ],
    ids=[
        "a listed name",
        "a listed package",
        "a version that moves",
        "no name of a server",
        "neither package nor remote",
    ],
)
async def test_what_cannot_be_listed_is_refused_with_the_reason(
    asking: Asking, arguments: tuple[str, ...], words: str
) -> None:
    asking.company.write()
    await asking("migrate")

    printed = await asking("submit", *arguments, *SUBMIT)

    assert printed.code == 2
    assert words in printed.err


async def test_a_manifest_says_what_is_asked_for(asking: Asking) -> None:
    asking.company.write()
    await asking("migrate")
    manifest = asking.company.folder / "server.json"
    package = {
        "registryType": "npm",
        "identifier": "@acme/notes-mcp",
        "version": "1.0.0",
        "transport": {"type": "stdio"},
    }
    document = {"name": NEW, "description": "notes", "version": "1.0.0", "packages": [package]}
    manifest.write_text(json.dumps(document), "utf-8")

    printed = await asking("submit", str(manifest), *SUBMIT)

    assert printed.code == 0, printed.err
    assert "pkg:npm/%40acme/notes-mcp@1.0.0" in printed.out


async def test_a_server_is_retired_by_an_approver(asking: Asking) -> None:
    await asking.company.run()

    printed = await asking("retire", FILES, "--reason", "nobody uses it")
    await asking.company.run(["deliver"])

    assert printed.code == 0, printed.err
    entry = registry_file.build(asking.company.folder / "registry.yaml").read().entries[0]
    assert (entry.server.stage, entry.approval) == (Stage.RETIRED, None)
