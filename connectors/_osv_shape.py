"""The shape of an OSV record, and what it says of versions. Schema: https://ossf.github.io/osv-schema/ (1.7.5).

What is not known is kept as undecidable instead of being left out: an event or a kind of range of a later schema makes its range
undecidable, and so does more of either than is compared.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Annotated

import msgspec

from monitor.domain.advisory import Affected, Event
from monitor.domain.purl import Purl
from monitor.domain.text import one_line
from monitor.ports.errors import Malformed

NAME = "osv"
MAX_RECORD = 16 * 2**20
"""Bytes."""
MAX_VERSIONS = 20_000
MAX_EVENTS = 2_000
"""Of one record's packages that are covered: real ones have up to a thousand, and a hundred. A range counts as one event at least."""

Id = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,100}\Z")]
Time = Annotated[datetime, msgspec.Meta(tz=True)]
Text = Annotated[str, msgspec.Meta(max_length=1024)]

ECOSYSTEMS = {"npm": Purl.npm, "PyPI": Purl.pypi}
GIT = "GIT"
"""The type of ranges that say nothing about versions, and the ecosystem of records that name no package."""
_RANGES = frozenset({"SEMVER", "ECOSYSTEM"})


class Severity(msgspec.Struct):
    """A vector, or a word, of some kind."""

    type: Text
    score: Text


class Package(msgspec.Struct):
    """A package as the record spells it."""

    ecosystem: Text
    name: Text


class Bound(msgspec.Struct, omit_defaults=True):
    """One event; the schema forbids two keys in one, and some records have them."""

    introduced: Text | None = None
    fixed: Text | None = None
    last_affected: Text | None = None
    limit: Text | None = None


class Range(msgspec.Struct, omit_defaults=True):
    """One range. `repo` is the address of the repository whose commits a GIT range names."""

    type: Text
    events: list[Bound] = []
    repo: Text | None = None


class Entry(msgspec.Struct, omit_defaults=True):
    """One `affected` entry."""

    package: Package | None = None
    versions: list[Text] | None = None
    ranges: list[Range] | None = None
    severity: Annotated[list[Severity], msgspec.Meta(max_length=50)] | None = None


class Record(msgspec.Struct):
    """A record, as far as it is of use."""

    id: Id
    modified: Time
    published: Time | None = None
    withdrawn: Time | None = None
    aliases: Annotated[list[str], msgspec.Meta(max_length=1000)] | None = None
    summary: str = ""
    details: str = ""
    affected: Annotated[list[Entry], msgspec.Meta(max_length=5000)] | None = None
    severity: Annotated[list[Severity], msgspec.Meta(max_length=50)] | None = None
    database_specific: msgspec.Raw = msgspec.Raw(b"null")


# Made at import: msgspec looks a type up on its first use, and crashes the process where two threads do that at once.
RECORD = msgspec.json.Decoder(Record)

REFUSALS = (ValueError, OverflowError, RecursionError)
"""msgspec's errors, a package without a name, the year 0."""


def refused(error: Exception, source: str) -> Malformed:
    """Say why a record is none."""
    return Malformed(source, f"a record is none: {one_line(str(error), 200)}")


def utc(time: datetime) -> datetime:
    """Return the time in UTC. Raises OverflowError before the year 1 and after 9999."""
    return time.astimezone(UTC)


def covered(record: Record) -> list[tuple[Purl, Entry]]:
    """Return the entries about packages that are covered, with the package. Raises ValueError for a name that none could have."""
    return [
        (ECOSYSTEMS[entry.package.ecosystem](entry.package.name), entry)
        for entry in record.affected or ()
        if entry.package is not None and entry.package.ecosystem in ECOSYSTEMS
    ]


def excess(entries: Collection[Entry]) -> str:
    """What there is too much of to be compared with every version that is deployed; empty: nothing."""
    if sum(len(entry.versions or ()) for entry in entries) > MAX_VERSIONS:
        return f"more than {MAX_VERSIONS} versions"
    events = sum(max(1, len(each.events)) for entry in entries for each in entry.ranges or ())
    return f"more than {MAX_EVENTS} events" if events > MAX_EVENTS else ""


def undecidable(why: str) -> Entry:
    """Return what stands in place of an entry that is not compared."""
    return Entry(ranges=[Range(why)])


def affected(package: Purl, entry: Entry) -> Affected:
    """Return what the entry says of the package's versions."""
    ranges = tuple(_events(each) for each in entry.ranges or () if each.type != GIT)
    return Affected(package, frozenset(entry.versions or ()), ranges)


def bounds(event: Bound) -> dict[str, str]:
    """Return the version, or commit, by kind: both of two keys count, and empty is a kind that is not known."""
    kinds = {
        "introduced": event.introduced,
        "fixed": event.fixed,
        "last_affected": event.last_affected,
        "limit": event.limit,
    }
    return {kind: at for kind, at in kinds.items() if at is not None}


def _events(each: Range) -> tuple[Event, ...]:
    if each.type not in _RANGES:
        return (Event("unsupported", one_line(each.type, 50)),)
    return tuple(event for read in each.events for event in _event(read))


def _event(read: Bound) -> list[Event]:
    return [Event(kind, version) for kind, version in bounds(read).items()] or [Event("unsupported", "")]
