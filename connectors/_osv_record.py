"""One OSV record, read. Schema: https://ossf.github.io/osv-schema/ (1.7.5).

What is not known is kept as undecidable instead of being left out: an event or a kind of range of a later schema makes its range
undecidable, an unknown kind of severity costs itself. Records of other ecosystems are read, without their packages.
"""

from datetime import UTC, datetime
from typing import Annotated

import msgspec

from connectors._cvss import highest, rating, worded
from monitor.domain.advisory import Advisory, Affected, Event
from monitor.domain.finding import Severity
from monitor.domain.purl import Purl
from monitor.domain.text import one_line
from monitor.ports.errors import Malformed

NAME = "osv"
MAX_SUMMARY = 300
MAX_VERSIONS = 20_000
MAX_EVENTS = 2_000
"""Of one record's packages that are covered: real ones have up to a thousand, and a hundred. A range counts as one event at least."""
MAX_ALIASES = 100
"""More names than that are no names of one flaw: the group would join what does not belong together."""

Id = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,100}\Z")]
Time = Annotated[datetime, msgspec.Meta(tz=True)]
_Text = Annotated[str, msgspec.Meta(max_length=1024)]

_ECOSYSTEMS = {"npm": Purl.npm, "PyPI": Purl.pypi}
_SILENT = "GIT"
"""The type of ranges that say nothing about versions."""
_RANGES = frozenset({"SEMVER", "ECOSYSTEM"})


class _Severity(msgspec.Struct):
    type: _Text
    score: _Text


class _Package(msgspec.Struct):
    ecosystem: _Text
    name: _Text


class _Event(msgspec.Struct):
    introduced: _Text | None = None
    fixed: _Text | None = None
    last_affected: _Text | None = None
    limit: _Text | None = None


class _Range(msgspec.Struct):
    type: _Text
    events: list[_Event] = []


class _Affected(msgspec.Struct):
    package: _Package | None = None
    versions: list[_Text] | None = None
    ranges: list[_Range] | None = None
    severity: Annotated[list[_Severity], msgspec.Meta(max_length=50)] | None = None


class _Record(msgspec.Struct):
    id: Id
    modified: Time
    published: Time | None = None
    withdrawn: Time | None = None
    aliases: Annotated[list[str], msgspec.Meta(max_length=1000)] | None = None
    summary: str = ""
    details: str = ""
    affected: Annotated[list[_Affected], msgspec.Meta(max_length=5000)] | None = None
    severity: Annotated[list[_Severity], msgspec.Meta(max_length=50)] | None = None
    database_specific: msgspec.Raw = msgspec.Raw(b"null")


class _Specific(msgspec.Struct):
    severity: str = ""


# Made at import: msgspec looks a type up on its first use, and crashes the process where two threads do that at once.
_RECORD = msgspec.json.Decoder(_Record)
_SPECIFIC = msgspec.json.Decoder(_Specific)


def parse_record(body: bytes) -> Advisory:
    """Read one record. Raises `Malformed` with the place for anything that is none: wrong shape, no id, no times, over a limit.

    One that names more versions or events than are compared is kept as undecidable, and its summary says so.
    """
    try:
        record = _RECORD.decode(body)
        kept = [entry for entry in record.affected or [] if entry.package and entry.package.ecosystem in _ECOSYSTEMS]
        score = _highest(record, kept)
        excess = _excess(kept)
        summary = record.summary or record.details
        return Advisory(
            id=record.id,
            aliases=tuple(alias for alias in record.aliases or () if _is_id(alias))[:MAX_ALIASES],
            summary=one_line(f"(it names {excess}, and is not compared) {summary}" if excess else summary, MAX_SUMMARY),
            affected=tuple(_affected(entry, excess) for entry in kept),
            severity=_word(record.database_specific) if score is None else rating(score),
            score=score,
            modified_at=utc(record.modified),
            published_at=None if record.published is None else utc(record.published),
            withdrawn_at=None if record.withdrawn is None else utc(record.withdrawn),
        )
    except (
        ValueError,
        OverflowError,
        RecursionError,
    ) as error:  # msgspec's errors, a package without a name, the year 0
        raise Malformed(NAME, f"a record is none: {one_line(str(error), 200)}") from error


def utc(time: datetime) -> datetime:
    """Return the time in UTC. Raises OverflowError before the year 1 and after 9999."""
    return time.astimezone(UTC)


def _excess(entries: list[_Affected]) -> str:
    """What there is too much of to be compared with every version that is deployed; empty: nothing."""
    if sum(len(entry.versions or ()) for entry in entries) > MAX_VERSIONS:
        return f"more than {MAX_VERSIONS} versions"
    events = sum(max(1, len(each.events)) for entry in entries for each in entry.ranges or ())
    return f"more than {MAX_EVENTS} events" if events > MAX_EVENTS else ""


def _affected(entry: _Affected, excess: str) -> Affected:
    assert entry.package is not None  # noqa: S101  (the caller kept only those)
    package = _ECOSYSTEMS[entry.package.ecosystem](entry.package.name)
    if excess:
        return Affected(package, frozenset(), ((Event("unsupported", excess),),))
    ranges = tuple(_events(each) for each in entry.ranges or () if each.type != _SILENT)
    return Affected(package, frozenset(entry.versions or ()), ranges)


def _events(ranges: _Range) -> tuple[Event, ...]:
    if ranges.type not in _RANGES:
        return (Event("unsupported", one_line(ranges.type, 50)),)
    return tuple(event for read in ranges.events for event in _event(read))


def _event(read: _Event) -> list[Event]:
    """The schema forbids two keys in one event, and some records have them: both count."""
    kinds = {
        "introduced": read.introduced,
        "fixed": read.fixed,
        "last_affected": read.last_affected,
        "limit": read.limit,
    }
    found = [Event(kind, version) for kind, version in kinds.items() if version is not None]
    return found or [Event("unsupported", "")]


def _highest(record: _Record, entries: list[_Affected]) -> float | None:
    """The highest score that applies to a package that is covered: an entry's own severity stands in place of the record's."""
    applicable = [entry.severity or record.severity or [] for entry in entries] or [record.severity or []]
    return highest((each.type, each.score) for severities in applicable for each in severities)


def _word(specific: msgspec.Raw) -> Severity | None:
    """GitHub's word; what other databases keep under that name is their own."""
    try:
        return worded(_SPECIFIC.decode(specific).severity)
    except msgspec.MsgspecError:
        return None


def _is_id(text: str) -> bool:
    return 0 < len(text) <= 100 and text.isascii() and text.isprintable() and " " not in text  # noqa: PLR2004  (as `Id`)
