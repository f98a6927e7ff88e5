"""The index of the copy: one SQLite file. Who reads it sees the copy as it was before, or as it is after, a refresh.

Bodies stand apart from what is searched, so that looking through all records does not read them.
"""

import os
import sqlite3
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from connectors._osv_mirror.entry import Indexed

FILE = "osv.sqlite"
NEW = ".new-"
"""How the name of an index begins that is being made."""
_APPLICATION, _VERSION = 0x4F53564D, 1
_CACHE_KB = 32_768
_WAIT_SECONDS = 30
_SCHEMA = f"""
    PRAGMA application_id = {_APPLICATION};
    PRAGMA user_version = {_VERSION};
    CREATE TABLE cursors (ecosystem TEXT PRIMARY KEY, origin TEXT, seen INTEGER, written INTEGER, compared INTEGER, whole INTEGER);
    CREATE TABLE records (key INTEGER PRIMARY KEY, ecosystem TEXT, id TEXT, modified INTEGER, crc INTEGER, size INTEGER, taken INTEGER);
    CREATE UNIQUE INDEX records_by_id ON records (id, ecosystem);
    CREATE TABLE bodies (key INTEGER PRIMARY KEY, body BLOB);
    CREATE TABLE names (package TEXT, key INTEGER, affected BLOB);
    CREATE INDEX names_by_package ON names (package);
    CREATE INDEX names_by_key ON names (key);
    CREATE TABLE problems (ecosystem TEXT, id TEXT, listed INTEGER, detail TEXT, PRIMARY KEY (ecosystem, id));
"""  # times are microseconds since 1970


class NoCopy(Exception):
    """There is no index that can be used. The message ends a sentence that begins with "there is"."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far an ecosystem's copy reaches, in microseconds since 1970.

    `seen`: the youngest modification that was compared; `written`: when the origin wrote what was compared (None: it does not say).
    """

    origin: str
    seen: int
    written: int | None
    compared: int
    whole: int


@dataclass(frozen=True, slots=True)
class Known:
    """What the index holds of a record."""

    key: int
    modified: int
    crc: int
    size: int


@dataclass(frozen=True, slots=True)
class Change:
    """A record to be put in. `crc` and `size` (bytes) are of its body, `deflated` is the body as a raw deflate stream."""

    entry: Indexed
    crc: int
    size: int
    deflated: bytes


@contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """Open the index for one look. Raises `NoCopy`, and sqlite3's errors."""
    with closing(_opened(folder)) as connection:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("BEGIN")
        yield connection


@contextmanager
def writing(folder: Path) -> Iterator[sqlite3.Connection]:
    """Open the index for one transaction, or make one that takes its place when it is whole. Raises sqlite3's errors, and OSError."""
    try:
        connection = _opened(folder)
    except NoCopy:
        with _made(folder) as made:
            yield made
        return
    with closing(connection):
        connection.execute("PRAGMA synchronous = NORMAL")
        with _transaction(connection):
            yield connection
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def remove(folder: Path) -> None:
    """Remove the index, and what unfinished ones left behind."""
    _forget(folder / FILE)


def _opened(folder: Path) -> sqlite3.Connection:
    path = folder / FILE
    if not path.exists():
        raise NoCopy("no copy yet")
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=_WAIT_SECONDS
    )
    try:
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
        found = tuple(
            connection.execute(f"PRAGMA {pragma}").fetchone()[0] for pragma in ("application_id", "user_version")
        )
    except sqlite3.Error:
        connection.close()
        raise
    if found != (_APPLICATION, _VERSION):
        connection.close()
        raise NoCopy(f"no copy that this version reads in {path}")
    return connection


@contextmanager
def _made(folder: Path) -> Iterator[sqlite3.Connection]:
    """Without a journal: what is not finished is thrown away."""
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=NEW)
    path = Path(name)
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = OFF")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
            connection.executescript(_SCHEMA)
            with _transaction(connection):
                yield connection
        os.fsync(descriptor)
        remove(folder)
        path.replace(folder / FILE)
        with closing(sqlite3.connect(folder / FILE)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
    finally:
        os.close(descriptor)
        _forget(path)


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:  # whatever it was, nothing of the transaction may stay
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _forget(path: Path) -> None:
    """A database's file, and its log, which would be taken for that of another under its name."""
    for each in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        each.unlink(missing_ok=True)


# --- what is in it


def cursors(connection: sqlite3.Connection) -> dict[str, Cursor]:
    """Return how far the copy of each ecosystem reaches."""
    rows = connection.execute("SELECT ecosystem, origin, seen, written, compared, whole FROM cursors")
    return {ecosystem: Cursor(*rest) for ecosystem, *rest in rows}


def known(connection: sqlite3.Connection, ecosystem: str, ids: Collection[str]) -> dict[str, Known]:
    """Return what the index holds of those records, by id."""
    rows = connection.execute(
        "SELECT id, key, modified, crc, size FROM records"
        " WHERE id IN (SELECT value FROM json_each(?)) AND ecosystem = ?",
        (as_json(ids), ecosystem),
    )
    return {advisory_id: Known(*rest) for advisory_id, *rest in rows}


def as_json(texts: Collection[str]) -> str:
    """Return the texts as one parameter, for `IN (SELECT value FROM json_each(?))`."""
    return msgspec.json.encode(list(texts)).decode()


def put(connection: sqlite3.Connection, ecosystem: str, changes: Mapping[str, Change], at: int) -> list[int]:
    """Put records in, by id, in place of older states of them, and return their keys. `at` is now."""
    old = known(connection, ecosystem, changes)
    _delete(connection, "names", [each.key for each in old.values()])
    unused = connection.execute("SELECT coalesce(max(key), 0) + 1 FROM records").fetchone()[0]
    keys = {
        advisory_id: old[advisory_id].key if advisory_id in old else unused + n for n, advisory_id in enumerate(changes)
    }
    connection.executemany(
        "INSERT OR REPLACE INTO records (key, ecosystem, id, modified, crc, size, taken) VALUES (?, ?, ?, ?, ?, ?, ?)",
        ((keys[i], ecosystem, i, change.entry.modified, change.crc, change.size, at) for i, change in changes.items()),
    )
    connection.executemany(
        "INSERT OR REPLACE INTO bodies (key, body) VALUES (?, ?)",
        ((keys[i], change.deflated) for i, change in changes.items()),
    )
    connection.executemany(
        "INSERT INTO names (package, key, affected) VALUES (?, ?, ?)",
        ((package, keys[i], packed) for i, change in changes.items() for package, packed in change.entry.names),
    )
    return list(keys.values())


def drop(connection: sqlite3.Connection, keys: Sequence[int]) -> None:
    """Take records out."""
    for table in ("names", "bodies", "records"):
        _delete(connection, table, keys)


def _delete(connection: sqlite3.Connection, table: str, keys: Sequence[int]) -> None:
    connection.executemany(f"DELETE FROM {table} WHERE key = ?", ((key,) for key in keys))  # noqa: S608 - a table of ours


def keep_cursor(connection: sqlite3.Connection, ecosystem: str, cursor: Cursor) -> None:
    """Keep how far an ecosystem's copy reaches now."""
    connection.execute(
        "INSERT OR REPLACE INTO cursors (ecosystem, origin, seen, written, compared, whole) VALUES (?, ?, ?, ?, ?, ?)",
        (ecosystem, cursor.origin, cursor.seen, cursor.written, cursor.compared, cursor.whole),
    )
