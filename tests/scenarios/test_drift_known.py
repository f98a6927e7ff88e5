"""What `drift` and `deployments` say where nothing, or only a part, is known."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from connectors._host_report import write_report
from monitor.domain.deployment import Deployment, HostReport, PinKind
from monitor.domain.purl import Purl
from tests.company import Company
from tests.desk import Desk
from tests.world import World

FILES = "io.github.acme/files-mcp"
PACKAGE = "pkg:npm/%40acme/files-mcp"
FOLDER = '\n[[inventory]]\nkind = "inventory-folder"\npath = "reports"\n'


@pytest.fixture
def desk(capsys: pytest.CaptureFixture[str], world: World, tmp_path: Path, logged: list[str]) -> Desk:
    """One approved server on one laptop."""
    del logged  # the program sets up its own log
    company = Company(tmp_path, world, tells=False)
    world.npm.publish("@acme/files-mcp", "1.4.2", attested_by=None)
    company.approve(FILES, "1.4.2", package=PACKAGE)
    company.deploy("laptop-7", f"{PACKAGE}@1.4.2")
    company.write()
    return Desk(company, capsys)


def look(desk: Desk, jobs: Sequence[str] = ("releases", "fleet")) -> int:
    return asyncio.run(desk.company.run(jobs)).exit_code


def test_a_machine_is_not_told_that_a_server_is_deployed_nowhere_where_nobody_looked(desk: Desk) -> None:
    look(desk, ("releases",))

    printed = desk("drift", "--json")

    assert (printed.code, printed.json()["lines"]) == (3, [])


@pytest.mark.parametrize("command", ["drift", "deployments"])
def test_where_no_inventory_was_read_nothing_is_known(desk: Desk, command: str) -> None:
    look(desk, ("releases",))

    printed = desk(command)

    assert printed.code == 3
    assert "no inventory was read yet" in printed.err
    assert FILES not in printed.out


@pytest.mark.parametrize("command", ["drift", "deployments"])
@pytest.mark.parametrize(
    ("option", "wrong", "right"), [("--server", FILES[:-1], FILES), ("--host", "laptop-8", "laptop-7")]
)
def test_a_misspelt_name_is_no_all_clear(desk: Desk, command: str, option: str, wrong: str, right: str) -> None:
    look(desk)

    printed = desk(command, option, wrong)

    assert printed.code == 2
    assert f"did you mean {right}?" in printed.err


def test_one_hosts_drift_is_told_alone(desk: Desk) -> None:
    desk.company.deploy("laptop-8", f"{PACKAGE}@1.5.0")
    look(desk)

    codes = [desk("drift", "--host", host).code for host in ("laptop-7", "laptop-8")]

    assert codes == [0, 1]


def test_an_inventory_of_which_a_part_could_not_be_read_is_told_until_it_is_whole(desk: Desk) -> None:
    desk.company.inventory.append({})
    look(desk)
    partly = desk("drift")
    desk.company.inventory.pop()
    look(desk)

    wholly = desk("drift")

    assert (partly.code, "a part could not be read" in partly.err) == (3, True)
    assert (wholly.code, wholly.err.count("could not be read")) == (0, 0)


def test_a_host_that_is_no_more_is_forgotten_by_command_and_the_log_tells_who_did(desk: Desk) -> None:
    desk.company.write()
    with desk.company.config.open("a", encoding="utf-8") as file:
        file.write(FOLDER)
    (desk.folder / "reports").mkdir()
    kept = [report(desk, host) for host in ("laptop-8", "laptop-9")]
    look(desk)
    kept[0].unlink()

    unknown, forgotten = desk("deployments", "forget", "laptop-88"), desk("deployments", "forget", "laptop-8")

    assert (unknown.code, forgotten.code) == (2, 0)
    assert desk("drift", "--host", "laptop-8").code == 2
    events = asyncio.run(desk.company.app.store.run(lambda unit: unit.events("host.forgotten")))
    assert [(event.subject, event.actor != "mcp-monitor") for event in events] == [("laptop-8", True)]


def report(desk: Desk, host: str) -> Path:
    now = desk.world.clock()
    there = Deployment(host, "vscode", "mcp.json", "mcp", PinKind.EXACT, Purl.npm("@acme/files-mcp", "1.4.2"))
    data = write_report(HostReport(host, now), (there,), collector="", problems=0, complete=True, users={})
    path = desk.folder / f"reports/{host}.jsonl"
    path.write_bytes(data)
    os.utime(path, (now.timestamp(), now.timestamp()))
    return path


def test_what_floats_is_called_so_and_nothing_else_is(desk: Desk) -> None:
    desk.company.deploy("laptop-8", PACKAGE)
    for client in "cd":
        desk.company.deploy("laptop-9", "pkg:docker/acme/files@1.4.2", client=client, digest=f"sha256:{client * 64}")
    look(desk)

    listed = desk("deployments").out.splitlines()

    assert [("floats" in line) for line in listed if "laptop-" in line] == [False, True, False, False]
    assert [any(f"sha256:{letter * 12}" in line for line in listed) for letter in "cd"] == [True, True]


def test_what_is_listed_stands_in_the_order_of_hosts(desk: Desk) -> None:
    for host in ("zeta", "alpha", "Beta"):
        desk.company.deploy(host, f"{PACKAGE}@1.5.0")
    look(desk)

    shown = [desk("deployments").out, desk("drift").out]

    orders = [
        [name for line in out.splitlines() for name in ("alpha", "Beta", "zeta") if name in line] for out in shown
    ]
    assert orders[0] == ["alpha", "Beta", "zeta"]
    assert sorted(orders[1]) == ["Beta", "alpha", "zeta"]


def test_what_is_switched_off_is_counted_by_itself(desk: Desk) -> None:
    desk.company.deploy("laptop-8", f"{PACKAGE}@1.4.2", disabled=True)
    look(desk)

    out = desk("deployments", "--by", "server").out

    assert "1.4.2 (1), 1.4.2, disabled (1)" in out


def test_malware_is_found_behind_a_path_too(desk: Desk) -> None:
    desk.company.inventory.append(
        {"host": "a", "client": "b", "name": "c", "kind": "path", "installed": "pkg:npm/evil-mcp@6.6.6"}
    )
    desk.world.osv.malware("MAL-2026-6", Purl.npm("evil-mcp"), "6.6.6")
    look(desk)

    found = desk("findings", "--json").out

    assert "shadow-malware" in found
