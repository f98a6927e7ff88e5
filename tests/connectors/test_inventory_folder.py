import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors._host_report import write_report
from connectors._report_intake import OlderReport, keep_report
from connectors._whole_file import write_whole
from connectors.inventory_folder import build
from monitor.domain.deployment import Deployment, HostPolicy, HostReport, Inventory, PinKind
from monitor.domain.purl import Purl
from monitor.ports.errors import Unavailable
from monitor.ports.sources import DeploymentSource
from tests.nobody import as_nobody, open_folder

__all__ = ["open_folder"]

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
POLICY = HostPolicy("codex", "/etc/codex/requirements.toml", "b" * 64, NOW)


def report(host: str, at: datetime, *servers: str, complete: bool = True) -> bytes:
    deployments = [
        Deployment(host, "cursor", "/home/rita/.cursor/mcp.json", name, PinKind.NONE, Purl.npm("acme"))
        for name in servers
    ]
    about = HostReport(host, at, (POLICY,))
    return write_report(about, deployments, collector="test", problems=0, complete=complete, users={})


def drop(folder: Path, name: str, data: bytes, *, came: datetime = NOW) -> Path:
    path = folder / name
    write_whole(path, data)
    os.utime(path, (came.timestamp(), came.timestamp()))
    return path


def source(folder: Path) -> DeploymentSource:
    return build(folder, clock=lambda: NOW)


def servers(inventory: Inventory) -> set[tuple[str, str]]:
    return {(each.host, each.name) for each in inventory.deployments}


async def test_each_file_is_one_hosts_report(tmp_path: Path) -> None:
    drop(tmp_path, "a.jsonl", report("laptop-7", NOW, "files", "mail"))
    drop(tmp_path, "b.jsonl", report("laptop-9", NOW - timedelta(hours=1)))

    inventory = await source(tmp_path).inventory()

    assert servers(inventory) == {("laptop-7", "files"), ("laptop-7", "mail")}
    assert (inventory.complete, inventory.problems) == (True, ())
    assert set(inventory.reports) == {
        HostReport("laptop-7", NOW, (POLICY,)),
        HostReport("laptop-9", NOW - timedelta(hours=1), (POLICY,)),
    }


async def test_the_newest_report_of_a_host_replaces_its_last(tmp_path: Path) -> None:
    drop(tmp_path, "z.jsonl", report("laptop-7", NOW - timedelta(days=1), "old"))
    drop(tmp_path, "a.jsonl", report("laptop-7", NOW, "new"))

    inventory = await source(tmp_path).inventory()

    assert servers(inventory) == {("laptop-7", "new")}
    assert [each.reported_at for each in inventory.reports] == [NOW]


async def test_a_clock_that_is_ahead_neither_keeps_a_host_from_falling_silent_nor_hides_its_next_report(
    tmp_path: Path,
) -> None:
    drop(tmp_path, "a.jsonl", report("laptop-7", NOW + timedelta(days=900), "old"), came=NOW - timedelta(days=2))
    alone = await source(tmp_path).inventory()

    drop(tmp_path, "b.jsonl", report("laptop-7", NOW - timedelta(hours=1), "new"))
    both = await source(tmp_path).inventory()

    assert alone.reports[0].reported_at == NOW - timedelta(days=2)
    assert servers(both) == {("laptop-7", "new")}


async def test_a_file_that_is_half_there_is_a_problem_and_no_loss(tmp_path: Path) -> None:
    drop(tmp_path, "a.jsonl", report("laptop-7", NOW, "files", "mail", "chat")[:-200])
    drop(tmp_path, "b.jsonl", report("laptop-9", NOW, "files"))
    drop(tmp_path, "c.jsonl", b'{"schema": "mcp-inv')

    inventory = await source(tmp_path).inventory()

    assert {("laptop-7", "files"), ("laptop-9", "files")} <= servers(inventory)
    assert (inventory.complete, inventory.partial) == (False, frozenset({"laptop-7"}))
    assert {Path(problem.partition(":")[0]).name for problem in inventory.problems} == {"a.jsonl", "c.jsonl"}


async def test_a_file_that_is_nobodys_leaves_the_hosts_with_a_report_told_in_whole(tmp_path: Path) -> None:
    drop(tmp_path, "a.jsonl", report("laptop-7", NOW, "files"))
    drop(tmp_path, "b.jsonl", b"half")

    inventory = await source(tmp_path).inventory()

    assert (inventory.complete, inventory.partial) == (False, frozenset())


async def test_a_host_that_could_not_read_everything_is_told(tmp_path: Path) -> None:
    drop(tmp_path, "a.jsonl", report("laptop-7", NOW, "files", complete=False))

    inventory = await source(tmp_path).inventory()

    assert (inventory.complete, inventory.partial) == (True, frozenset({"laptop-7"}))
    assert inventory.problems == (f"{tmp_path / 'a.jsonl'}: laptop-7 could not read everything there",)


async def test_what_is_no_regular_file_is_a_problem_and_what_is_hidden_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    drop(tmp_path, ".a.jsonl", b"written beside")
    drop(tmp_path, "notes.txt", b"something else")

    inventory = await source(tmp_path).inventory()

    assert inventory.problems == (f"{tmp_path / 'pipe.jsonl'}: is not a regular file",)


async def test_a_file_that_changed_is_read_anew(tmp_path: Path) -> None:
    folder = source(tmp_path)
    drop(tmp_path, "a.jsonl", report("laptop-7", NOW - timedelta(hours=2), "old"))
    before = await folder.inventory()
    again = await folder.inventory()

    drop(tmp_path, "a.jsonl", report("laptop-7", NOW - timedelta(hours=1), "new"))

    assert before == again
    assert servers(await folder.inventory()) == {("laptop-7", "new")}


async def test_an_empty_folder_is_an_inventory_and_a_missing_one_is_none(tmp_path: Path) -> None:
    inventory = await source(tmp_path).inventory()

    assert (inventory.deployments, inventory.complete) == ((), True)
    with pytest.raises(Unavailable, match="no such folder"):
        await source(tmp_path / "none").inventory()


async def test_a_report_that_was_sent_is_read_from_the_folder(tmp_path: Path) -> None:
    keep_report(tmp_path, "laptops", report("laptop-7", NOW - timedelta(hours=1), "old"), NOW)
    taken = keep_report(tmp_path, "laptops", report("laptop-7", NOW, "new"), NOW)

    inventory = await source(tmp_path).inventory()

    assert (taken.host, taken.deployments, taken.problems, taken.complete) == ("laptop-7", 1, (), True)
    assert servers(inventory) == {("laptop-7", "new")}
    assert len([name for name in os.listdir(tmp_path) if not name.startswith(".")]) == 1  # noqa: PTH208 nothing waits here


def test_an_older_report_and_one_of_our_future_are_refused(tmp_path: Path) -> None:
    keep_report(tmp_path, "laptops", report("laptop-7", NOW, "new"), NOW)

    with pytest.raises(OlderReport, match="is here already"):
        keep_report(tmp_path, "laptops", report("laptop-7", NOW - timedelta(hours=1), "old"), NOW)
    with pytest.raises(ValueError, match="in the future"):
        keep_report(tmp_path, "laptops", report("laptop-7", NOW + timedelta(hours=1), "x"), NOW)


def test_no_host_name_leads_out_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    folder.mkdir()

    keep_report(folder, "../laptops", report("../../etc/passwd", NOW, "x"), NOW)

    assert [path.name for path in tmp_path.iterdir()] == ["reports"]
    assert json.loads(next(folder.glob("*.jsonl")).read_bytes().splitlines()[0])["host"] == "../../etc/passwd"


def test_a_report_of_a_clock_that_is_far_behind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="31 days ago: set the host's clock"):
        keep_report(tmp_path, "laptops", report("laptop-7", NOW - timedelta(days=31), "x"), NOW)


def test_a_host_has_one_report_in_whatever_capitals_it_writes_its_name(tmp_path: Path) -> None:
    keep_report(tmp_path, "laptops", report("LAPTOP-7", NOW, "new"), NOW)

    with pytest.raises(OlderReport):
        keep_report(tmp_path, "laptops", report("laptop-7", NOW - timedelta(hours=1), "old"), NOW)


async def test_two_files_of_one_host_in_other_capitals_are_one_host(tmp_path: Path) -> None:
    drop(tmp_path, "a.jsonl", report("LAPTOP-7", NOW - timedelta(hours=1), "old"))
    drop(tmp_path, "b.jsonl", report("laptop-7", NOW, "new"))

    assert servers(await source(tmp_path).inventory()) == {("laptop-7", "new")}


def test_reports_of_one_host_that_come_at_once_leave_the_newest(tmp_path: Path) -> None:
    times = [NOW - timedelta(minutes=at) for at in range(40)]

    def send(at: datetime) -> None:
        with suppress(OlderReport):
            keep_report(tmp_path, "laptops", report("laptop-7", at, "x"), NOW)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, [*times, *reversed(times)]))

    [file] = tmp_path.glob("*.jsonl")
    assert json.loads(file.read_bytes().splitlines()[0])["collected_at"] == "2026-11-24T12:00:00Z"


def test_reports_of_hosts_that_are_no_more_make_room_and_strange_files_stay(tmp_path: Path) -> None:
    keep_report(tmp_path, "ci", report("runner-1", NOW, "x"), NOW)
    [old] = tmp_path.glob("*.jsonl")
    long_ago = (NOW - timedelta(days=31)).timestamp()
    strange = drop(tmp_path, "mine.jsonl", b"x", came=NOW - timedelta(days=300))
    os.utime(old, (long_ago, long_ago))

    keep_report(tmp_path, "ci", report("runner-2", NOW, "x"), NOW)

    assert not old.exists()
    assert strange.exists()


def test_hosts_that_somebody_makes_up_end_at_a_number(tmp_path: Path) -> None:
    for name in ("a", "b"):
        keep_report(tmp_path, "ci", report(name, NOW, "x"), NOW, most=2)

    with pytest.raises(OSError, match="2 other hosts"):
        keep_report(tmp_path, "ci", report("c", NOW, "x"), NOW, most=2)
    assert keep_report(tmp_path, "ci", report("a", NOW, "y"), NOW, most=2).host == "a"


async def test_a_host_whose_clock_is_far_behind_is_told(tmp_path: Path) -> None:
    drop(tmp_path, "a.jsonl", report("laptop-7", NOW - timedelta(days=2000), "x"))
    drop(tmp_path, "b.jsonl", report("laptop-9", NOW - timedelta(days=40)), came=NOW - timedelta(days=40))

    inventory = await source(tmp_path).inventory()

    assert inventory.complete
    assert inventory.problems == (
        f"{tmp_path / 'a.jsonl'}: laptop-7 says that this is of 2000 days ago, and is not counted: set its clock",
    )


async def test_a_report_that_we_may_not_read_is_told_with_what_helps(open_folder: Path) -> None:
    drop(open_folder, "a.jsonl", report("laptop-7", NOW, "x"))
    await source(open_folder).inventory()
    (open_folder / "a.jsonl").chmod(0)
    os.utime(open_folder / "a.jsonl", (0, 0))

    with as_nobody():
        inventory = await source(open_folder).inventory()

    assert inventory.problems == (
        f"{open_folder / 'a.jsonl'}: Permission denied; let the user of this program read it",
    )


async def test_the_hosts_of_a_fleets_own_folder_are_called_after_the_fleet(tmp_path: Path) -> None:
    drop(tmp_path, "a.jsonl", report("laptop-7", NOW, "files"))

    inventory = await build(tmp_path, clock=lambda: NOW, fleet="ci").inventory()

    assert servers(inventory) == {("ci/laptop-7", "files")}
    assert [each.host for each in inventory.reports] == ["ci/laptop-7"]
