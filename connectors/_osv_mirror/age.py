"""How old a copy is: when it was compared, when its origin was written, and whether one ecosystem of the origin stands still."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from connectors._osv_mirror.entry import moment
from connectors._osv_mirror.index import Cursor

QUIET = timedelta(days=7)
"""An ecosystem may be without any change for so long: its list is written only when there is one. Those that are read change daily."""


def compared_at(cursors: Mapping[str, Cursor]) -> datetime:
    """Return when the whole copy was compared last."""
    return moment(min(each.compared for each in cursors.values()))


def late(place: str, cursors: Mapping[str, Cursor], now: datetime, stale_after: timedelta) -> str:
    """Say that the origin itself is a copy that nobody renews; empty: it is not, or does not tell.

    The youngest of its files counts: an ecosystem in which nothing happens for a day has an old list.
    """
    written = [each.written for each in cursors.values() if each.written is not None]
    if not written:
        return ""
    at = moment(max(written))
    return f"{place} was last written on {dated(at, now)}" if now - at > stale_after else ""


def standing_still(
    place: str, cursors: Mapping[str, Cursor], now: datetime, stale_after: timedelta
) -> Mapping[str, str]:
    """Say of which ecosystems the origin has had nothing new for `QUIET` longer than it may be old, while others go on.

    What counts is an ecosystem's own newest sign of life: the time of its files, or of its youngest record.
    """
    said = {}
    for ecosystem, cursor in cursors.items():
        at = moment(max(cursor.written or cursor.seen, cursor.seen))
        if now - at > stale_after + QUIET:
            said[ecosystem] = f"{ecosystem} in {place} has not changed since {dated(at, now)}"
    return said


def dated(at: datetime, now: datetime) -> str:
    """Write a time with how long ago it is."""
    return f"{at:%Y-%m-%d %H:%M} UTC ({(now - at) // timedelta(hours=1)} h ago)"
