"""What the index holds of one record: for each package, or repository, that it names what it says of its versions."""

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from connectors._osv_shape import (
    ECOSYSTEMS,
    GIT,
    RECORD,
    REFUSALS,
    Bound,
    Entry,
    Range,
    Record,
    covered,
    excess,
    refused,
    undecidable,
    utc,
)
from monitor.domain.purl import Purl

NAME = "osv_mirror"
FILE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,99}")
"""Ids that can be the name of a file: `<ID>.json`."""
GITHUB = re.compile(
    r"(?:https?|git|ssh)://(?:[^/@]{1,100}@)?github\.com/([^/?#]{1,100})/([^/?#]{1,100}?)(?:\.git)?/?",
    re.IGNORECASE,
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Commits:
    """A GIT range of a repository. `tags` are the versions that the record lists for it."""

    tags: list[str]
    events: list[Bound]


@dataclass(frozen=True, slots=True)
class Indexed:
    """A record for the index. `modified` in microseconds since 1970; `names`: (`type/label` of the package, packed), none if withdrawn.

    What is packed: a list of `Entry` for a package, of `Commits` for a repository on GitHub.
    """

    id: str
    modified: int
    names: tuple[tuple[str, bytes], ...]


# Made at import: msgspec looks a type up on its first use, and crashes the process where two threads do that at once.
PACK = msgspec.msgpack.Encoder()
ENTRIES = msgspec.msgpack.Decoder(list[Entry])
COMMITS = msgspec.msgpack.Decoder(list[Commits])
PURLS = {ecosystem: make("x").type for ecosystem, make in ECOSYSTEMS.items()}
"""The package type by ecosystem."""


def micros(time: datetime) -> int:
    """Return microseconds since 1970."""
    return (utc(time) - EPOCH) // MICROSECOND


def moment(microseconds: int) -> datetime:
    """Return the time, in UTC. Undoes `micros`."""
    return EPOCH + microseconds * MICROSECOND


def key(package: Purl) -> str:
    """Return the name under which the index holds a package."""
    return f"{package.type}/{package.label}"


def parse_entry(body: bytes, ecosystem: str) -> Indexed:
    """Read what the index holds of a record of that ecosystem's list. Raises `Malformed` for what is no record to `parse_record` either."""
    try:
        record = RECORD.decode(body)
        packages = _packages(record, ecosystem)
        repositories = _repositories(record)
        modified = micros(record.modified)
    except REFUSALS as error:
        raise refused(error, NAME) from error
    if record.withdrawn is not None:
        return Indexed(record.id, modified, ())
    named = [(key(package), PACK.encode(entries)) for package, entries in packages.items()]
    named += [(key(repository), PACK.encode(ranges)) for repository, ranges in repositories.items()]
    return Indexed(record.id, modified, tuple(named))


def _packages(record: Record, ecosystem: str) -> dict[Purl, list[Entry]]:
    kept = covered(record)
    too_much = excess([entry for _, entry in kept]) if kept else ""
    found = defaultdict[Purl, list[Entry]](list)
    for package, entry in kept:
        if PURLS.get(ecosystem) == package.type:
            ranges = [each for each in entry.ranges or () if each.type != GIT]
            found[package].append(
                undecidable(too_much) if too_much else Entry(None, entry.versions or None, ranges or None)
            )
    return found


def _repositories(record: Record) -> dict[Purl, list[Commits]]:
    """What is on GitHub; versions that stand beside a package are the package's, and no tags."""
    found = defaultdict[Purl, list[Commits]](list)
    for entry in record.affected or ():
        for each in entry.ranges or ():
            repository = _repository(each)
            if repository is not None:
                tags = entry.versions if entry.package is None or entry.package.ecosystem == GIT else None
                found[repository].append(Commits(tags or [], each.events))
    return found


def _repository(each: Range) -> Purl | None:
    """None: the range is none of commits, or its repository is elsewhere."""
    read = GITHUB.fullmatch(each.repo or "") if each.type == GIT else None
    return Purl.github(f"{read[1]}/{read[2]}") if read else None
