"""One refresh: what is new at the origin, fetched first, and then taken in."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from connectors._osv_mirror import comparing, index, problems
from connectors._osv_mirror.changes import Changes, begin
from connectors._osv_mirror.entry import micros
from connectors._osv_mirror.index import Cursor, NoCopy
from connectors._osv_mirror.origin import LIST, File, Origin
from monitor.ports.errors import Malformed, NotFound

MAX_SINGLE = 500
"""Records that are fetched one by one; where more have changed, the archive is less work."""
TOGETHER = 16
MAX_SINGLE_BYTES = 64 * 2**20
"""Of all these records, in memory."""
_BEGINNING = 0


@dataclass(slots=True)
class News:
    """What an ecosystem's origin has: an archive to compare with as a whole, or the records that changed since `cursor`.

    `listed` are those with the time that the list gives, `bodies` what was fetched of them, `bad` what could not be.
    """

    ecosystem: str
    cursor: Cursor | None  # None: nothing that this origin gave is known
    archive: File | None = None  # None: the single records are enough
    written: int | None = None  # None: the origin does not say when it was written; never in the future
    seen: int = _BEGINNING
    listed: dict[str, int] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)
    bad: dict[str, str] = field(default_factory=dict)


async def news(
    origin: Origin, folder: Path, ecosystem: str, cursor: Cursor | None, *, now: int, stack: AsyncExitStack
) -> News:
    """Fetch what is new of an ecosystem; an archive stays as long as the stack. Raises the four errors."""
    found = News(ecosystem, cursor)
    if cursor is not None and await _single(origin, folder, found, now):
        return found
    file = await stack.enter_async_context(origin.archive(ecosystem, folder))
    written = None if file.written_at is None else min(micros(file.written_at), now)
    return News(ecosystem, cursor, archive=file, written=written, listed=found.listed, bad=found.bad)


def take_in(folder: Path, place: str, found: Sequence[News], now: int) -> int:
    """Bring the index up to date in one transaction, and return how many records changed. Raises `Malformed`, OSError, sqlite3's errors."""
    with index.writing(folder) as connection:
        _forget_others(connection, [each.ecosystem for each in found])
        return sum(_take_in(connection, place, each, now) for each in found)


def _take_in(connection: sqlite3.Connection, place: str, found: News, now: int) -> int:
    ecosystem = found.ecosystem
    if found.archive is not None:
        compared = comparing.whole(connection, ecosystem, found.archive.path, now)
        held = index.known(connection, ecosystem, found.bad)
        behind = {
            advisory_id: detail
            for advisory_id, detail in found.bad.items()
            if advisory_id not in held or held[advisory_id].modified < found.listed.get(advisory_id, _BEGINNING)
        }
        problems.note(connection, ecosystem, behind, found.listed)
        cursor = Cursor(place, _youngest(connection, ecosystem, now), found.written, now, now)
    else:
        compared = comparing.single(connection, ecosystem, found.bodies, now)
        problems.clear(connection, ecosystem, [LIST])
        problems.note(connection, ecosystem, found.bad | compared.bad, found.listed)
        whole = now if found.cursor is None else found.cursor.whole
        cursor = Cursor(place, found.seen, found.written, now, whole)
    index.keep_cursor(connection, ecosystem, cursor)
    return compared.changed


async def _single(origin: Origin, folder: Path, found: News, now: int) -> bool:
    """Fetch what the list of modified records names; False: the archive has to tell."""
    assert found.cursor is not None  # noqa: S101 - the caller's
    start, reading = begin(found.cursor.seen, now)
    try:
        written_at = await origin.changes(found.ecosystem, start)
    except NotFound:
        if origin.near:  # whoever copies by hand may copy the archive alone
            return False
        raise
    changes = reading()
    changes.end()
    if changes.overflowed:
        return False
    # What the archive told stays known, though a list may be older: it is written when something changes.
    told = None if written_at is None else min(micros(written_at), now)
    found.written = None if told is None else max(found.cursor.written or _BEGINNING, told)
    found.seen = max(found.cursor.seen, changes.newest or _BEGINNING)
    found.listed = await asyncio.to_thread(_unknown, folder, found.ecosystem, changes)
    if changes.bad:
        found.bad[LIST] = f"{len(changes.bad)} lines are none, the first: {changes.bad[0]}"
    return len(found.listed) <= MAX_SINGLE and await _fetch(origin, found)


def _unknown(folder: Path, ecosystem: str, changes: Changes) -> dict[str, int]:
    """Return what is listed with a later time than the index knows, and has not been met as unreadable in that state."""
    try:
        with index.reading(folder) as connection:
            known = index.known(connection, ecosystem, changes.listed)
            met = problems.met(connection, ecosystem, changes.listed)
    except NoCopy:
        return changes.listed
    return {
        advisory_id: at
        for advisory_id, at in changes.listed.items()
        if (advisory_id not in known or at > known[advisory_id].modified) and met.get(advisory_id) != at
    }


async def _fetch(origin: Origin, found: News) -> bool:
    """Fetch the records, some at once; False: one is not there, or they are too large together, and the archive has to tell."""
    ids = list(found.listed)
    missing = False
    for start in range(0, len(ids), TOGETHER):
        some = ids[start : start + TOGETHER]
        for advisory_id, body in zip(
            some, await asyncio.gather(*(_record(origin, found.ecosystem, each) for each in some)), strict=True
        ):
            if isinstance(body, bytes):
                found.bodies[advisory_id] = body
            else:
                found.bad[advisory_id] = body.detail
                missing = missing or isinstance(body, NotFound)
        if missing or sum(map(len, found.bodies.values())) > MAX_SINGLE_BYTES:
            return False
    return True


async def _record(origin: Origin, ecosystem: str, advisory_id: str) -> bytes | Malformed | NotFound:
    """An answer that is none costs one record; an outage, or a refusal, costs the refresh."""
    try:
        return await origin.record(ecosystem, advisory_id)
    except (Malformed, NotFound) as error:
        return error


def _youngest(connection: sqlite3.Connection, ecosystem: str, now: int) -> int:
    """A record that pretends to come from the future does not move the cursor there."""
    row = connection.execute(
        "SELECT max(modified) FROM records WHERE ecosystem = ? AND modified <= ?", (ecosystem, now)
    ).fetchone()
    return _BEGINNING if row[0] is None else int(row[0])


def _forget_others(connection: sqlite3.Connection, ecosystems: Sequence[str]) -> None:
    """Drop the ecosystems that are no longer wanted."""
    for ecosystem in index.cursors(connection).keys() - set(ecosystems):
        keys = [key for (key,) in connection.execute("SELECT key FROM records WHERE ecosystem = ?", (ecosystem,))]
        index.drop(connection, keys)
        problems.clear(connection, ecosystem)
        connection.execute("DELETE FROM cursors WHERE ecosystem = ?", (ecosystem,))
