"""The database: `monitor.ports.store.Store` on SQLite (a file, or `sqlite://` in memory) and PostgreSQL."""

import asyncio
import sqlite3
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from threading import Lock
from typing import TypeVar

from sqlalchemy import Connection, Engine, StaticPool, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from monitor.ports.sources import Clock
from monitor.ports.store import UnitOfWork
from monitor.store import schema
from monitor.store.reader import Reader
from monitor.store.transaction import NeverCommitted, Transaction, Unreachable
from monitor.store.unit_of_work import Unit

T = TypeVar("T")

BUSY_SECONDS = 30
"""How long a transaction waits for another process, and how long PostgreSQL lets one do nothing: longer means that something hangs."""

OLDEST_SQLITE = (3, 35, 0)
"""The first with RETURNING."""


def open_store(url: str, *, clock: Clock) -> "Database":
    """Open the store at `sqlite:///monitor.db`, `sqlite://` or `postgresql://user@host/name`; connects when first asked something.

    `sqlite:///monitor.db?mode=ro` is for somebody who only reads: no writer waits for him, and he needs no right to write.

    Raises ValueError for any other URL.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ValueError("not a database URL; expected sqlite:///file.db or postgresql://user@host/name") from None
    match parsed.get_backend_name():
        case "sqlite" if parsed.query.get("mode") == "ro":
            reader = Reader(Path(parsed.database or ""), BUSY_SECONDS)
            return Database(reader.engine, clock, read=reader.verify)
        case "sqlite":
            return Database(_sqlite(parsed), clock)
        case "postgresql":
            return Database(_postgresql(parsed), clock)
        case other:
            raise ValueError(f"no store for {other}: expected sqlite or postgresql")


class Database:
    """The store. Closes its connections when it is dropped, or by `close`."""

    def __init__(self, engine: Engine, clock: Clock, read: Callable[[], None] = lambda: None) -> None:
        """Take an engine whose connections are configured. `read` is called when something was read, and may refuse it."""
        self._engine = engine
        self._clock = clock
        self._read = read
        # SQLite has one writer at a time: within one process it is cheaper to queue than to poll the file's lock,
        # and a database in memory is a single connection.
        self._alone: AbstractContextManager[object] = Lock() if engine.dialect.name == "sqlite" else nullcontext()
        self.close = weakref.finalize(self, engine.dispose)

    async def run(self, work: Callable[[UnitOfWork], T]) -> T:
        """Run `work` in a worker thread inside one transaction, which is rolled back unless it commits.

        Raises `NeverCommitted` where something was kept without a commit, `Unreachable` where the database fails.
        """
        return await asyncio.to_thread(self._run, work)

    def _run(self, work: Callable[[UnitOfWork], T]) -> T:
        with self._alone, self._reached(), self._engine.connect() as connection, connection.begin() as begun:
            transaction = Transaction(connection)
            result = work(Unit(transaction, self._clock))
            self._read()
            if transaction.kept and not transaction.sealed:
                raise NeverCommitted("something was kept, and the work ended without saying what was done")
            if not transaction.sealed:
                begun.rollback()
            return result

    def migrate(self) -> str:
        """Bring the schema to this program's state; return what was done, for people. Several processes at once do it once.

        Raises `WrongSchema` where the database belongs to a newer program, `Unreachable` where it cannot be opened.
        """
        with self._alone, self._reached(), self._engine.begin() as connection:
            return schema.migrate(connection)

    def schema(self) -> tuple[str, str]:
        """Return the schema's revision as it is, and as this program needs it; the first is empty for a new database."""
        if self._missing():
            return "", schema.newest()
        with self._alone, self._reached(), self._engine.begin() as connection:
            return schema.revisions(connection)

    def _missing(self) -> bool:
        """Tell whether there is no SQLite file: looking for one must not make it."""
        if self._engine.dialect.name != "sqlite" or _in_memory(self._engine.url):
            return False
        try:
            Path(self._engine.url.database or "").stat()
        except FileNotFoundError:
            return True
        except OSError:
            return False  # it may be there: opening it will say what is wrong
        return False

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """The driver's errors stay inside the store; a URL is shown without its password."""
        try:
            yield
        except SQLAlchemyError as error:
            cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
            where = self._engine.url.render_as_string(hide_password=True)
            raise Unreachable(f"{where}: {' '.join(str(cause).split())[:500]}") from error


def _sqlite(url: URL) -> Engine:
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise ValueError(f"SQLite {sqlite3.sqlite_version} is too old: 3.35 or newer is needed")
    one_connection = {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
    engine = create_engine(url, **one_connection if _in_memory(url) else {})
    event.listen(engine, "connect", configure_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _in_memory(url: URL) -> bool:
    return url.database in (None, "", ":memory:")


def configure_sqlite(connection: sqlite3.Connection, record: object) -> None:
    """Prepare a new connection. Committed means on the disk: what is noted as taken must not be sent again after a power failure."""
    del record
    connection.isolation_level = (
        None  # The driver would begin late and end early; `_begin_immediate` begins, also before DDL.
    )
    for pragma in (f"busy_timeout={BUSY_SECONDS * 1000}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    """Whoever reads and then writes must not find that somebody wrote in between, so the writer's place is taken at once."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _postgresql(url: URL) -> Engine:
    wished = url.query.get("options", "")
    patience = f"-c lock_timeout={BUSY_SECONDS}s -c idle_in_transaction_session_timeout={BUSY_SECONDS}s"
    options = wished if isinstance(wished, str) else " ".join(wished)
    return create_engine(
        url.set(drivername="postgresql+psycopg").difference_update_query(["options"]),
        max_overflow=32,  # a connection for every worker thread that asyncio may start
        pool_pre_ping=True,  # a restarted server costs a reconnection, not a failed job
        connect_args={"options": f"{options} -c timezone=UTC {patience}", "application_name": "mcp-monitor"},
    )
