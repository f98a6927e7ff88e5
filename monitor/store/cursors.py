"""How far something has been read that only grows: the audit chain by a SIEM's sink, a feed of changes."""

from sqlalchemy import select

from monitor.store.columns import key
from monitor.store.tables import cursors
from monitor.store.transaction import Transaction


class Cursors:
    """Rows of `cursors`."""

    def __init__(self, transaction: Transaction) -> None:
        """Work in that transaction."""
        self._in = transaction

    def cursor(self, name: str) -> int | None:
        """Return up to where it was read, None where it never was."""
        found = select(cursors.c.position).where(cursors.c.name == key(name))
        return next((position for (position,) in self._in.rows(found)), None)

    def keep_cursor(self, name: str, position: int) -> None:
        """Note up to where it is read now."""
        self._in.put(cursors, [{"name": key(name), "position": position}])
