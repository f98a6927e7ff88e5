"""Which versions a record names, as OSV's server decides it: listed versions, or a range."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from monitor.domain.advisory import Advisory, Affected, Event
from monitor.domain.purl import Purl
from monitor.domain.version_range import is_affected

TYPES = {"npm": "npm", "PyPI": "pypi"}


def reading(record: Mapping[str, object]) -> Advisory:
    """Return what the record says of versions; the rest of it is made up."""
    return Advisory(str(record["id"]), (), "", tuple(_affected(record)), None, None, datetime(2026, 1, 1, tzinfo=UTC))


def affects(advisory: Advisory, version: Purl) -> bool:
    """Whether the record names that version; without a version, that package."""
    if version.version is None:
        return any(entry.package == version for entry in advisory.affected)
    return is_affected(advisory, version) is True


def _affected(record: Mapping[str, object]) -> Iterator[Affected]:
    entries = record.get("affected")
    for entry in entries if isinstance(entries, list) else ():
        kind = TYPES.get(entry.get("package", {}).get("ecosystem"))  # an entry about a repository names no package
        if kind is None:
            continue
        name = entry["package"]["name"]
        package = Purl.npm(name) if kind == "npm" else Purl.pypi(name)
        ranges = tuple(
            tuple(Event(kind, bound) for event in span["events"] for kind, bound in event.items())
            for span in entry.get("ranges", ())
            if span["type"] != "GIT"
        )
        yield Affected(package, frozenset(entry.get("versions", ())), ranges)
