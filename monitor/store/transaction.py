"""One transaction as the parts of the unit of work see it, and the few statements that differ between SQLite and PostgreSQL.

StoreError
├── Unreachable     the database cannot be opened, read or written
├── WrongSchema     the database's schema is not one that this program knows
├── NeverCommitted  something was kept and nobody said what was done
└── Finished        something was asked after the commit
"""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import TypeVarTuple

from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Connection,
    Delete,
    Select,
    String,
    Table,
    Update,
    any_,
    func,
    insert,
    literal,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningUpdate

Ts = TypeVarTuple("Ts")

Values = Mapping[str, object]
"""A row to be written: column name -> value. All rows of one call name the same columns."""

WRITER = 0x6D637001
"""PostgreSQL's advisory lock of who keeps things."""


class StoreError(Exception):
    """The store's refusal; the text is one line for a person, with no secret in it."""

    usage = False
    """Whether the person at the keyboard has to do something else; otherwise the database is away, or the program at fault."""


class Unreachable(StoreError):
    """The database cannot be opened, read or written."""


class WrongSchema(StoreError):
    """The database's schema is not one that this program knows."""

    usage = True


class NeverCommitted(StoreError):
    """Something was kept, and the work ended without a commit: a fault of the program."""


class Finished(StoreError):
    """Something was asked of a unit of work after its commit: a fault of the program."""


class Transaction:
    """A connection in its transaction. `kept`: something was changed; `sealed`: the unit of work said what was done."""

    def __init__(self, connection: Connection) -> None:
        """Take a connection whose transaction has begun."""
        self._connection = connection
        self.postgresql = connection.dialect.name == "postgresql"
        self.kept = False
        self.sealed = False
        self._alone = False

    def rows(self, statement: Select[*Ts]) -> Sequence[tuple[*Ts]]:
        """Return every row that the statement selects."""
        return self._open().execute(statement).all()

    def change(self, statement: Update | Delete) -> int:
        """Update or delete; return how many rows."""
        self.alone()
        count = self._open().execute(statement).rowcount
        self.kept |= count > 0
        return count

    def changed(self, statement: ReturningUpdate[*Ts]) -> Sequence[tuple[*Ts]]:
        """Update; return what the statement says of each row, in no order."""
        self.alone()
        rows = self._open().execute(statement).all()
        self.kept |= bool(rows)
        return rows

    def add(self, table: Table, rows: Collection[Values]) -> int:
        """Insert those rows whose key (or other unique column) is not there; return how many."""
        if not rows:
            return 0
        self.alone()
        statement = self._insert(table).on_conflict_do_nothing().returning(*table.primary_key)
        count = len(self._open().execute(statement, [dict(row) for row in rows]).all())
        self.kept |= count > 0
        return count

    def append(self, table: Table, rows: Collection[Values]) -> None:
        """Insert the rows, in order; one that is there already is a fault."""
        self.alone()
        self._open().execute(insert(table), [dict(row) for row in rows])
        self.kept = True

    def put(
        self, table: Table, rows: Collection[Values], *, newer: str | None = None, fixed: Collection[str] = ()
    ) -> None:
        """Insert or update by primary key.

        With `newer`, a row is updated only by one whose column of that name is not less; `fixed` columns keep their first value.
        """
        if not rows:
            return
        wish = self._insert(table)
        statement = wish.on_conflict_do_update(
            index_elements=list(table.primary_key),
            set_={
                column.name: wish.excluded[column.name]
                for column in table.c
                if not column.primary_key and column.name not in fixed
            },
            where=None if newer is None else wish.excluded[newer] >= table.c[newer],
        )
        self.alone()
        self._open().execute(statement, [dict(row) for row in rows])
        self.kept = True

    def among(self, column: Column[str], values: Collection[str]) -> ColumnElement[bool]:
        """Say `column IN values` with one bound parameter, however many values there are (SQLite and PostgreSQL limit their number)."""
        if self.postgresql:
            return column == any_(literal(list(values), ARRAY(String)))
        listed = func.json_each(json.dumps(list(values))).table_valued("value")
        return column.in_(select(listed.c.value))

    def alone(self) -> None:
        """Wait until nobody else is keeping things, and be the only one to the end of the transaction.

        SQLite's transactions are alone from their beginning. On PostgreSQL this lock comes before that of any row, in every transaction
        that keeps something: two of them could else wait for each other's rows, and the audit chain has one head anyway.
        """
        if self.postgresql and not self._alone:
            self._open().execute(select(func.pg_advisory_xact_lock(WRITER)))
            self._alone = True

    def _insert(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        return postgresql.insert(table) if self.postgresql else sqlite.insert(table)

    def _open(self) -> Connection:
        if self.sealed:
            raise Finished("the unit of work was committed: nothing can be read or kept in it any more")
        return self._connection
