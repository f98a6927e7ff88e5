"""What of the export could not be read: kept until it can be, so that it is not fetched again and again, and is shown."""

import sqlite3
from collections.abc import Collection, Mapping

from connectors._osv_mirror.index import as_json
from monitor.domain.text import one_line

MAX_KEPT = 1000
"""For an ecosystem; more are counted only."""
MAX_SHOWN = 20


def note(
    connection: sqlite3.Connection, ecosystem: str, found: Mapping[str, str], listed: Mapping[str, int] | None = None
) -> None:
    """Keep why records could not be read: by id, or by the name of a member that has none. `listed`: with which times they were listed."""
    held = connection.execute("SELECT count(*) FROM problems WHERE ecosystem = ?", (ecosystem,)).fetchone()[0]
    kept = list(found.items())[: max(0, MAX_KEPT - held)]
    connection.executemany(
        "INSERT OR REPLACE INTO problems (ecosystem, id, listed, detail) VALUES (?, ?, ?, ?)",
        ((ecosystem, name, (listed or {}).get(name), one_line(detail, 200)) for name, detail in kept),
    )


def clear(connection: sqlite3.Connection, ecosystem: str, ids: Collection[str] | None = None) -> None:
    """Forget the problems with these records; None: with all."""
    if ids is None:
        connection.execute("DELETE FROM problems WHERE ecosystem = ?", (ecosystem,))
    else:
        connection.executemany(
            "DELETE FROM problems WHERE ecosystem = ? AND id = ?", ((ecosystem, each) for each in ids)
        )


def met(connection: sqlite3.Connection, ecosystem: str, ids: Collection[str]) -> dict[str, int]:
    """Return which of these records could not be read, with the time with which they were listed then."""
    rows = connection.execute(
        "SELECT id, listed FROM problems WHERE ecosystem = ? AND listed IS NOT NULL AND id IN (SELECT value FROM json_each(?))",
        (ecosystem, as_json(ids)),
    )
    return dict(rows.fetchall())


def shown(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Return the first problems, each a sentence with its record."""
    rows = connection.execute("SELECT ecosystem, id, detail FROM problems ORDER BY ecosystem, id LIMIT ?", (MAX_SHOWN,))
    return tuple(f"{ecosystem}/{name}: {detail}" for ecosystem, name, detail in rows)
