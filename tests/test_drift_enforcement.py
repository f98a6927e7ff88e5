"""`drift` on the files by which hosts reject what is not approved."""

import asyncio
import os
from hashlib import sha256
from pathlib import Path

import pytest

from connectors._host_report import write_report
from monitor.domain.deployment import HostPolicy, HostReport
from tests.company import Company
from tests.desk import Desk
from tests.world import World

FILES = "io.github.acme/files-mcp"
PLACE = "/etc/claude-code/managed-settings.json"
FOLDER = '\n[[inventory]]\nkind = "inventory-folder"\npath = "reports"\n'


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str], world: World, tmp_path: Path, logged: list[str]) -> Desk:
    """One approved server, of which one list was exported, and a folder for reports."""
    del logged  # the program sets up its own log
    company = Company(tmp_path, world, tells=False)
    world.npm.publish("@acme/files-mcp", "1.4.2", attested_by=None)
    company.approve(FILES, "1.4.2", package="pkg:npm/%40acme/files-mcp")
    company.deploy("laptop-7", "pkg:npm/%40acme/files-mcp@1.4.2")
    company.write()
    (tmp_path / "reports").mkdir()
    with company.config.open("a", encoding="utf-8") as file:
        file.write(FOLDER)
    return Desk(company, capsys)


def report(desk: Desk, host: str, *digests: str, client: str = "claude-code") -> None:
    """Let a host report its files; an empty digest is a file that is missing."""
    now = desk.world.clock()
    policies = tuple(HostPolicy(client, PLACE, digest) for digest in digests)
    data = write_report(HostReport(host, now, policies), (), collector="", problems=0, complete=True, users={})
    path = desk.folder / f"reports/{host}.jsonl"
    path.write_bytes(data)
    os.utime(path, (now.timestamp(), now.timestamp()))


def exported(desk: Desk) -> str:
    place = desk.folder / "managed-settings.json"
    desk("export", "allowlist", "--for", "claude-code", "--output", str(place))
    return sha256(place.read_bytes()).hexdigest()


def looked(desk: Desk) -> None:
    asyncio.run(desk.company.run(("releases", "fleet")))


def states(desk: Desk) -> list[tuple[object, object]]:
    found = desk("drift", "--json").json()["enforcement"]
    assert isinstance(found, list)
    return [(each["host"], each["state"]) for each in found]


def test_every_host_is_told_with_the_state_of_its_file(shell: Desk) -> None:
    looked(shell)
    digest = exported(shell)
    for host, found in {"a": digest, "b": "f" * 64, "c": ""}.items():
        report(shell, host, found)
    looked(shell)

    shown = shell("drift")

    assert states(shell) == [("a", "present"), ("b", "altered"), ("c", "absent")]
    assert shown.code == 1
    assert [line.split()[:3] for line in shown.out.splitlines() if PLACE in line] == [
        ["altered", "b", "claude-code"],
        ["absent", "c", "claude-code"],
    ]
    assert "enforcement, not shown: 1 present" in shown.err


def test_where_every_file_is_in_place_nothing_differs(shell: Desk) -> None:
    looked(shell)
    report(shell, "a", exported(shell))
    looked(shell)

    shown = shell("drift"), shell("drift", "--all")

    assert [each.code for each in shown] == [0, 0]
    assert [PLACE in each.out for each in shown] == [False, True]


def test_a_file_of_an_earlier_export_is_older(shell: Desk) -> None:
    looked(shell)
    report(shell, "a", exported(shell))
    shell.company.approve("io.github.acme/far", None, remote="https://mcp.acme.example/mcp")
    shell.company.registry["io.github.acme/far"]["approved"] = {"by": "rita@acme.example"}
    shell.company.write()
    with shell.company.config.open("a", encoding="utf-8") as file:
        file.write(FOLDER)
    exported(shell)
    looked(shell)

    assert states(shell) == [("a", "older")]


def test_a_client_for_which_nothing_was_exported_needs_no_file(shell: Desk) -> None:
    looked(shell)
    exported(shell)
    report(shell, "a", "", client="codex")
    looked(shell)

    assert states(shell) == []


def test_who_asks_for_one_server_is_told_of_no_hosts_files(shell: Desk) -> None:
    looked(shell)
    exported(shell)
    report(shell, "a", "")
    looked(shell)

    shown = shell("drift", "--server", FILES)

    assert (shown.code, PLACE in shown.out) == (0, False)
