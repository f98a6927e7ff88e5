"""Reading an SQLite file that others write at the same time, or that this user may not write: nothing is locked, made or changed.

SQLite puts its locks for a file in WAL mode beside it (`-wal`, `-shm`). Where it may not, and nobody else has, only an "immutable"
connection can read, which knows of no writers; so the file is compared before and after (https://www.sqlite.org/wal.html#read_only_databases).
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, Engine, NullPool, create_engine, event

from monitor.store.transaction import Unreachable

Stamp = tuple[int, int, int]


class Reader:
    """Opens an SQLite file for reading, one connection at a time."""

    def __init__(self, path: Path, busy_seconds: int) -> None:
        """Read that file; wait so long for whoever brings it up to date after a crash."""
        self._path = path.absolute()
        self._busy_ms = busy_seconds * 1000
        self._unlocked: Stamp | None = None  # None: the connection takes part in SQLite's locks
        self.engine: Engine = create_engine(f"sqlite:///{self._path}", creator=self._connect, poolclass=NullPool)
        event.listen(self.engine, "begin", _begin)

    def verify(self) -> None:
        """Raise `Unreachable` where somebody wrote what an immutable connection was reading."""
        if self._unlocked is not None and self._unlocked != self._stamp():
            raise Unreachable(f"{self._path}: somebody wrote it while it was read; ask again")

    def _connect(self) -> sqlite3.Connection:
        self._unlocked = None
        try:
            return self._opened("mode=rw")  # where that is not allowed, SQLite opens it for reading
        except sqlite3.OperationalError:
            if not self._path.is_file():
                raise
            if Path(f"{self._path}-wal").exists():
                raise Unreachable(
                    f"{self._path}: its last writer was killed, and what it wrote is beside the file: "
                    "only who may write there can read it"
                ) from None
        self._unlocked = self._stamp()
        return self._opened("immutable=1")

    def _opened(self, how: str) -> sqlite3.Connection:
        uri = f"{self._path.as_uri()}?{how}"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        try:
            for pragma in (f"busy_timeout={self._busy_ms}", "query_only=ON"):
                connection.execute(f"PRAGMA {pragma}")
            with closing(connection.execute("SELECT 1 FROM sqlite_master")) as asked:
                asked.fetchone()
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _stamp(self) -> Stamp:
        known = self._path.stat()
        return known.st_ino, known.st_size, known.st_mtime_ns


def _begin(connection: Connection) -> None:
    """What is read in one transaction is of one moment; writers go on."""
    connection.exec_driver_sql("BEGIN")
