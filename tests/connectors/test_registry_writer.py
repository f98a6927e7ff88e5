"""The registry file, written into: what arrives, what stays, and what is refused."""

import asyncio
import fcntl
import os
import stat
from pathlib import Path

import pytest

from connectors import registry_file
from monitor.domain.action import Deferred, Delivered, Delivery, Rejected, WritePin
from monitor.ports.errors import Denied, Unavailable
from tests.connectors.test_registry_edit import TEXT, entry_of, pin, write


def put(path: Path, change: WritePin) -> Delivery:
    return asyncio.run(registry_file.writer(path).write(change))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "registry.yaml"
    place.write_text(TEXT, "utf-8")
    place.chmod(0o640)
    return place


def test_a_decision_arrives_in_the_file_and_its_mode_stays(path: Path) -> None:
    delivery = put(path, write())

    assert delivery == Delivered(str(path))
    approval = entry_of(path.read_text("utf-8")).approval
    assert approval is not None
    assert approval.pin.purl == pin().purl
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(each.name for each in path.parent.iterdir()) == [".registry.yaml.lock", "registry.yaml"]


def test_a_decision_that_is_delivered_twice_changes_nothing_more(path: Path) -> None:
    put(path, write())
    before = path.stat()

    delivery = put(path, write())

    assert delivery == Delivered("unchanged")
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_link_is_followed_and_stays(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "linked" / "registry.yaml"
    link.parent.mkdir()
    link.symlink_to(path)

    delivery = put(link, write())

    assert isinstance(delivery, Delivered)
    assert link.is_symlink()
    assert "1.4.3" in path.read_text("utf-8")


def test_a_mark_of_the_byte_order_stays(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.encode())

    put(path, write())

    assert path.read_bytes().startswith(b"\xef\xbb\xbf# Ours.")


def test_what_cannot_be_written_is_rejected_with_the_place_and_left_alone(path: Path) -> None:
    delivery = put(path, write(before="pkg:npm/%40acme/files-mcp@1.4.1"))

    assert isinstance(delivery, Rejected)
    assert "registry.yaml: line 5: io.github.acme/files-mcp" in delivery.detail
    assert path.read_text("utf-8") == TEXT


def test_a_file_that_somebody_else_writes_is_waited_for(path: Path) -> None:
    with (path.parent / ".registry.yaml.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        delivery = put(path, write())

    assert isinstance(delivery, Deferred)
    assert path.read_text("utf-8") == TEXT


def test_of_many_that_write_at_once_each_arrives_or_waits(path: Path) -> None:
    async def many() -> list[Delivery]:
        return await asyncio.gather(*(registry_file.writer(path).write(write()) for _ in range(8)))

    deliveries = asyncio.run(many())

    assert all(isinstance(each, Delivered | Deferred) for each in deliveries)
    assert "version: 1.4.3" in path.read_text("utf-8")


def test_a_missing_file_is_rejected(tmp_path: Path) -> None:
    writer = registry_file.writer(tmp_path / "none.yaml")

    assert asyncio.run(writer.write(write())) == Rejected(f"{tmp_path / 'none.yaml'} does not exist")
    with pytest.raises(Unavailable, match="is no file"):
        asyncio.run(writer.probe())


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only to root")
def test_a_file_that_may_not_be_written_is_rejected_with_the_way_out(path: Path) -> None:
    path.chmod(0o440)

    delivery = put(path, write())

    assert isinstance(delivery, Rejected)
    assert 'write = "pull-request"' in delivery.detail
    with pytest.raises(Denied, match="may not be written"):
        asyncio.run(registry_file.writer(path).probe())


def test_bytes_that_are_no_text_are_rejected(path: Path) -> None:
    path.write_bytes(b"\xff")

    assert put(path, write()) == Rejected(f"{path}: not UTF-8")


def test_another_kind_of_registry_is_written_by_others(path: Path) -> None:
    writer = registry_file.writer(path, foreign="toolhive")

    delivery = asyncio.run(writer.write(write()))

    assert isinstance(delivery, Rejected)
    assert "written by toolhive" in delivery.detail
    with pytest.raises(Denied, match='write = "none"'):
        asyncio.run(writer.probe())


def test_the_doctor_says_where_decisions_go(path: Path) -> None:
    assert asyncio.run(registry_file.writer(path).probe()) == f"registry-file: decisions are written into {path}"
