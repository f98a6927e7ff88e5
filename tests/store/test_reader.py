import asyncio
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from monitor.ports.store import UnitOfWork
from monitor.store.reader import Reader
from monitor.store.transaction import Unreachable
from tests.databases import NOW, Opened
from tests.nobody import as_nobody, open_folder
from tests.store.keeping import DONE, keep

__all__ = ["open_folder"]


@pytest.fixture
def written(open_folder: Path, opened: Opened) -> str:
    """The URL of a database in which one server is enrolled, in a folder into which nobody but its owner may write."""
    url = f"sqlite:///{open_folder / 'monitor db #1.sqlite'}"
    store = opened(url)
    store.migrate()
    asyncio.run(keep(store, lambda unit: unit.enrol("check", ["a"], NOW)))
    store.close()
    return url


def events(unit: UnitOfWork) -> int:
    return len(unit.chain())


def files(url: str) -> set[str]:
    return {each.name for each in Path(url.removeprefix("sqlite:///")).parent.iterdir()}


async def test_who_may_not_write_can_read(written: str, open_folder: Path, opened: Opened) -> None:
    reader = opened(f"{written}?mode=ro")

    with as_nobody(open_folder):
        found, needed = reader.schema()
        seen = await reader.run(events)

    assert (found, seen) == (needed, 1)


async def test_who_may_not_write_can_read_what_was_written_a_moment_ago(
    written: str, open_folder: Path, opened: Opened
) -> None:
    writer, reader = opened(written), opened(f"{written}?mode=ro")
    await keep(writer, lambda unit: unit.enrol("check", ["b"], NOW))

    with as_nobody(open_folder):
        seen = await reader.run(events)

    assert seen == 2


def test_a_file_that_changes_under_a_reader_without_locks_is_refused(written: str, open_folder: Path) -> None:
    path = Path(written.removeprefix("sqlite:///"))
    reader = Reader(path, 1)
    with as_nobody(open_folder), reader.engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1 FROM audit")
    reader.verify()

    os.utime(path, ns=(1, 1))

    with pytest.raises(Unreachable, match="while it was read"):
        reader.verify()


def left_behind(url: str) -> None:
    """Leave what a killed writer leaves, without the index that the next one would make."""
    Path(f"{url.removeprefix('sqlite:///')}-wal").write_bytes(b"")


async def test_what_a_killed_writer_left_beside_the_file_is_not_passed_over(
    written: str, open_folder: Path, opened: Opened
) -> None:
    left_behind(written)
    reader = opened(f"{written}?mode=ro")

    with as_nobody(open_folder), pytest.raises(Unreachable, match="last writer was killed"):
        await reader.run(events)


async def test_a_reader_waits_for_no_writer(written: str, opened: Opened) -> None:
    reader, path = opened(f"{written}?mode=ro"), Path(written.removeprefix("sqlite:///"))

    with writing(path):
        seen = await asyncio.wait_for(reader.run(events), 5)

    assert seen == 1


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Hold the writer's place."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield
    connection.execute("ROLLBACK")
    connection.close()


async def test_a_reader_leaves_nothing_behind(written: str, opened: Opened) -> None:
    before = files(written)
    reader = opened(f"{written}?mode=ro")

    await reader.run(events)

    assert files(written) == before


async def test_a_reader_keeps_nothing(written: str, opened: Opened) -> None:
    reader = opened(f"{written}?mode=ro")

    with pytest.raises(Unreachable, match="readonly"):
        await reader.run(lambda unit: unit.commit(DONE))


@pytest.mark.parametrize("how", ["", "?mode=ro"])
def test_asking_for_the_schema_makes_no_database(how: str, tmp_path: Path, opened: Opened) -> None:
    store = opened(f"sqlite:///{tmp_path / 'monitor.db'}{how}")

    found, _ = store.schema()

    assert found == ""
    assert list(tmp_path.iterdir()) == []


async def test_several_readers_of_one_store_are_served(written: str, opened: Opened) -> None:
    reader = opened(f"{written}?mode=ro")

    seen = await asyncio.gather(*(reader.run(events) for _ in range(4)))

    assert seen == [1] * 4
