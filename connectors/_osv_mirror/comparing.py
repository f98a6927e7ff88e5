"""Bringing the index into the state of the export, within one transaction of the caller's."""

import os
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from connectors._osv_mirror import archive, index, problems
from connectors._osv_mirror.archive import BadMember, Member
from connectors._osv_mirror.entry import FILE_ID, NAME, parse_entry
from connectors._osv_mirror.index import Change, Known
from monitor.ports.errors import Malformed

CHUNK = 1000
"""Members that are compared in one set,"""
CHUNK_BYTES = 16 * 2**20
"""and how much they may have together."""
MAX_LOST = 100
MAX_LOST_SHARE = 0.1
"""More than both vanish, or become unreadable, only when the origin is broken: a copy that was cut off, an export that was reset."""


@dataclass(slots=True)
class Compared:
    """What came out of a comparison: how many records were put in or taken out, and which could not be read."""

    changed: int = 0
    good: int = 0
    refused: int = 0
    bad: dict[str, str] = field(default_factory=dict)
    """Of those that were refused, why: no more than are kept."""

    def refuse(self, name: str, why: str) -> None:
        """Count a record that could not be read."""
        self.refused += 1
        if len(self.bad) < problems.MAX_KEPT:
            self.bad[name] = why


def whole(connection: sqlite3.Connection, ecosystem: str, path: Path, at: int) -> Compared:
    """Compare the copy of an ecosystem with its archive: what is not in there is gone. Raises `Malformed`, and OSError.

    Members of the same length and checksum as in the index are not read.
    """
    compared = Compared()
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS present (key INTEGER PRIMARY KEY)")
    connection.execute("DELETE FROM present")
    file = os.open(path, os.O_RDONLY)
    try:
        for chunk in _chunks(file, compared):
            old = index.known(connection, ecosystem, chunk)
            changes = _changes(file, ecosystem, chunk, old, compared)
            keys = index.put(connection, ecosystem, changes, at)
            compared.changed += len(changes)
            # A record that cannot be read stands as it was: it is not gone.
            keys += [each.key for advisory_id, each in old.items() if advisory_id not in changes]
            connection.executemany("INSERT OR IGNORE INTO present (key) VALUES (?)", ((key,) for key in keys))
    finally:
        os.close(file)
    if not compared.good or _too_many(compared.refused, compared.good):
        detail = f"{compared.refused} of {compared.refused + compared.good} records in the archive of {ecosystem} cannot be read"
        raise Malformed(NAME, detail)
    compared.changed += _take_out_what_is_gone(connection, ecosystem)
    problems.clear(connection, ecosystem)
    problems.note(connection, ecosystem, compared.bad)
    return compared


def single(connection: sqlite3.Connection, ecosystem: str, bodies: Mapping[str, bytes], at: int) -> Compared:
    """Put in the records of those ids."""
    compared = Compared()
    changes = {}
    for advisory_id, body in bodies.items():
        try:
            changes[advisory_id] = _change(ecosystem, advisory_id, body, archive.deflated(body))
        except Malformed as error:
            compared.refuse(advisory_id, error.detail)
    index.put(connection, ecosystem, changes, at)
    compared.changed = len(changes)
    problems.clear(connection, ecosystem, changes)
    return compared


def _chunks(file: int, compared: Compared) -> Iterator[dict[str, Member]]:
    """Yield the members by id, in sets of bounded size; of two with one name the later counts."""
    chunk: dict[str, Member] = {}
    length = 0
    for member in archive.members(file):
        name, dot, kind = member.name.decode("ascii", "replace").rpartition(".")
        if (dot, kind) != (".", "json") or not FILE_ID.fullmatch(name):
            compared.refuse(member.shown, "is not the name of a record's file")
            continue
        chunk[name] = member
        length += member.size
        if len(chunk) >= CHUNK or length >= CHUNK_BYTES:
            yield chunk
            chunk, length = {}, 0
    yield chunk


def _changes(
    file: int, ecosystem: str, chunk: Mapping[str, Member], old: Mapping[str, Known], compared: Compared
) -> dict[str, Change]:
    changes = {}
    for advisory_id, member in chunk.items():
        known = old.get(advisory_id)
        if known is not None and (known.crc, known.size) == (member.crc, member.size):
            compared.good += 1
            continue
        try:
            content = archive.content(file, member)
            changes[advisory_id] = _change(ecosystem, advisory_id, content.body, content.deflated)
        except BadMember as error:
            compared.refuse(advisory_id, f"its file {error}")
        except Malformed as error:
            compared.refuse(advisory_id, error.detail)
    compared.good += len(changes)
    return changes


def _change(ecosystem: str, advisory_id: str, body: bytes, deflated: bytes) -> Change:
    entry = parse_entry(body, ecosystem)
    if entry.id != advisory_id:
        raise Malformed(NAME, f"its file holds {entry.id}")
    return Change(entry, zlib.crc32(body), len(body), deflated)


def _take_out_what_is_gone(connection: sqlite3.Connection, ecosystem: str) -> int:
    """Raises `Malformed` where too much would go: that is no state of the export."""
    gone = [
        key
        for (key,) in connection.execute(
            "SELECT key FROM records WHERE ecosystem = ? AND key NOT IN (SELECT key FROM present)", (ecosystem,)
        )
    ]
    left = connection.execute("SELECT count(*) FROM present").fetchone()[0]
    if _too_many(len(gone), left):
        detail = f"the archive of {ecosystem} lacks {len(gone)} of {left + len(gone)} records; if that is right, remove the index"
        raise Malformed(NAME, detail)
    index.drop(connection, gone)
    return len(gone)


def _too_many(lost: int, left: int) -> bool:
    return lost > max(MAX_LOST, MAX_LOST_SHARE * (left + lost))
