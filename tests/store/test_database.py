import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from monitor.domain.health import SourceHealth
from monitor.ports.store import Store, UnitOfWork
from monitor.store.database import configure_sqlite, open_store
from monitor.store.transaction import Unreachable
from tests.databases import NOW, Opened, clock
from tests.store.keeping import claim, keep

FULL = 2
"""SQLite's number for: on the disk before a commit is answered."""


@pytest.mark.parametrize("url", ["mysql://example/db", "monitor.db", "", "oracle://x"])
def test_a_url_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="expected sqlite"):
        open_store(url, clock=clock)


async def test_a_database_in_memory_serves_threads_that_come_at_once(opened: Opened) -> None:
    store = opened("sqlite://")
    store.migrate()

    await keep(store, lambda unit: unit.enrol("check", ["a", "b"], NOW))

    assert await claim(store, "me") == ["a", "b"]


async def test_a_database_that_cannot_be_opened_says_which(tmp_path: Path, opened: Opened) -> None:
    store = opened(f"sqlite:///{tmp_path / 'missing' / 'monitor.db'}")

    with pytest.raises(Unreachable, match=r"missing/monitor\.db: unable to open database file"):
        await store.run(lambda unit: unit.chain())


def test_a_password_is_never_shown(opened: Opened) -> None:
    store = opened("postgresql://monitor:hunter2@127.0.0.1:1/monitor?connect_timeout=5")

    with pytest.raises(Unreachable) as caught:
        store.migrate()

    assert "hunter2" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)


async def test_a_database_without_a_schema_is_unreachable_and_not_a_riddle(empty_database: str, opened: Opened) -> None:
    store = opened(empty_database)

    with pytest.raises(Unreachable, match="findings"):
        await store.run(lambda unit: unit.findings())


async def test_one_that_is_alone_reads_what_nobody_changes_meanwhile(database: str, opened: Opened) -> None:
    first, second = opened(database), opened(database)
    alone, coming = threading.Event(), threading.Event()
    seen: list[list[str]] = []

    def look_twice(unit: UnitOfWork) -> None:
        unit.alone()
        unit.alone()
        alone.set()
        seen.append(list(unit.health()))
        coming.wait(10)
        seen.append(list(unit.health()))

    async def keep_meanwhile() -> None:
        await asyncio.to_thread(alone.wait, 10)
        coming.set()
        await keep(second, lambda unit: unit.keep_health([SourceHealth("npm", None, None)]))

    await asyncio.gather(first.run(look_twice), keep_meanwhile())

    assert seen == [[], []]
    assert list(await first.run(lambda unit: unit.health())) == ["npm"]


def test_what_sqlite_commits_survives_a_power_failure(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "monitor.db")

    configure_sqlite(connection, None)

    [(synchronous,)] = connection.execute("PRAGMA synchronous")
    connection.close()
    assert synchronous == FULL


def test_the_database_is_the_store_that_the_program_asks_for(opened: Opened) -> None:
    store: Store = opened("sqlite://")

    assert store.schema()[0] == ""
