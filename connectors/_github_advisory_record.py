"""One advisory of GitHub's, from its global database or from a repository, read. Both have the same form but for a few names.

Shapes: `global-advisory` and `repository-advisory` of the OpenAPI description, https://github.com/github/rest-api-description.
What is not known is kept as undecidable instead of being left out: a range that cannot be read, and in a repository's own advisory a
package of another ecosystem, or no package, which is then about the repository itself.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated

import msgspec

from connectors._cvss import highest, rating, worded
from connectors._github_advisory_range import read_range, undecidable
from monitor.domain.advisory import Advisory, Affected
from monitor.domain.purl import Purl
from monitor.domain.text import one_line
from monitor.ports.errors import Malformed

MAX_SUMMARY = 300
MAX_ALIASES = 100
MAX_LINK = 16_384
MAX_RANGES = 500
"""Of one record that are read, each alternative for itself: real ones have a dozen. Those behind it are undecidable."""
ECOSYSTEMS = {"npm": "npm", "pypi": "pip"}
"""Purl types that are covered -> GitHub's words. Another word in a question is refused (422)."""
MALWARE = "malware"
PUBLISHED = "published"

_PACKAGES = {"npm": Purl.npm, "pip": Purl.pypi}
_OTHERS = frozenset({"rubygems", "maven", "nuget", "composer", "go", "rust", "erlang", "actions", "pub", "swift"})
_ID = re.compile(r"[!-~]{1,100}")
_NEXT = re.compile(r'<([^<>\s]+)>\s*;\s*rel="next"')

_Time = Annotated[datetime, msgspec.Meta(tz=True)]


class _Package(msgspec.Struct):
    ecosystem: str
    name: str | None = None


class _Vulnerability(msgspec.Struct):
    package: _Package | None = None
    vulnerable_version_range: str | None = None
    first_patched_version: str | None = None
    """In the global database."""
    patched_versions: str | None = None
    """In a repository."""


class _Scored(msgspec.Struct):
    vector_string: str | None = None


class _Severities(msgspec.Struct):
    cvss_v3: _Scored | None = None
    cvss_v4: _Scored | None = None


class _Identifier(msgspec.Struct):
    value: str


class _Record(msgspec.Struct):
    ghsa_id: Annotated[str, msgspec.Meta(pattern=r"^GHSA(?:-[0-9A-Za-z]{4,16}){3}\Z")]
    cve_id: str | None = None
    summary: str | None = None
    description: str | None = None
    severity: str | None = None
    type: str = ""
    state: str = PUBLISHED
    identifiers: Annotated[list[_Identifier], msgspec.Meta(max_length=MAX_ALIASES)] | None = None
    vulnerabilities: Annotated[list[_Vulnerability], msgspec.Meta(max_length=2000)] | None = None
    cvss: _Scored | None = None
    cvss_severities: _Severities | None = None
    created_at: _Time | None = None
    published_at: _Time | None = None
    updated_at: _Time | None = None
    closed_at: _Time | None = None
    withdrawn_at: _Time | None = None


class _Place(msgspec.Struct):
    repository_advisory_url: str | None = None


# Made at import: msgspec looks a type up on its first use, and crashes the process where two threads do that at once.
_RECORD = msgspec.json.Decoder(_Record)
_PAGE: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(
    Annotated[list[msgspec.Raw], msgspec.Meta(max_length=1000)]
)
_PLACE = msgspec.json.Decoder(_Place)


def parse_page(body: bytes, *, source: str) -> list[msgspec.Raw]:
    """Read a page of records, each for `parse_advisory`. Raises `Malformed`."""
    try:
        return _PAGE.decode(body)
    except (ValueError, RecursionError) as error:  # msgspec's errors, and bytes that are no text
        raise Malformed(source, f"an answer that is none: {one_line(str(error), 200)}") from error


def parse_advisory(
    body: bytes | msgspec.Raw, *, source: str, database: str, repository: Purl | None = None
) -> Advisory:
    """Read one record. `repository`: the one that published it, which is what an entry without a package is about.

    Raises `Malformed` with the place. A record that is no longer published is withdrawn.
    """
    try:
        record = _RECORD.decode(body)
        score = highest(_vectors(record))
        updated, published = record.updated_at, record.published_at
        modified = updated or published or record.created_at
        if modified is None:
            raise Malformed(source, f"{record.ghsa_id} has no time")
        over = record.withdrawn_at
        if over is None and record.state != PUBLISHED:
            over = record.closed_at or modified
        return Advisory(
            id=record.ghsa_id,
            aliases=_aliases(record),
            summary=one_line(record.summary or record.description or "", MAX_SUMMARY),
            affected=tuple(_affected(record.vulnerabilities or [], repository)),
            severity=worded(record.severity or "") if score is None else rating(score),
            score=score,
            modified_at=_utc(modified),
            published_at=None if published is None else _utc(published),
            withdrawn_at=None if over is None else _utc(over),
            malicious=record.type == MALWARE,
            database=database,
        )
    except (ValueError, OverflowError, RecursionError) as error:  # msgspec's errors, the year 0
        raise Malformed(source, f"a record is none: {one_line(str(error), 200)}") from error


def repository_of(body: bytes) -> str | None:
    """Read from a record of the global database where the repository published it; None: nowhere."""
    try:
        return _PLACE.decode(body).repository_advisory_url
    except (ValueError, RecursionError):
        return None


def next_page(headers: Mapping[str, str]) -> str | None:
    """Return the address of the next page; None: there is none."""
    found = _NEXT.search(headers.get("link", "")[:MAX_LINK])
    return found[1] if found else None


def _affected(entries: list[_Vulnerability], repository: Purl | None) -> Iterator[Affected]:
    if not entries and repository:
        yield Affected(repository, frozenset(), (undecidable("it names no package"),))
    left = MAX_RANGES
    for entry in entries:
        text = entry.vulnerable_version_range or ""
        package = _package(entry.package)
        if package and left <= 0:
            yield Affected(package, frozenset(), (undecidable(f"more than {MAX_RANGES} ranges"),))
        elif package:
            ranges = read_range(package.type, text, entry.first_patched_version or entry.patched_versions or "")
            left -= len(ranges)
            yield Affected(package, frozenset(), ranges)
        elif repository:
            named = f"{entry.package.ecosystem} {entry.package.name or ''}" if entry.package else "no package"
            yield Affected(_other(entry.package) or repository, frozenset(), (undecidable(f"{named} {text}"),))


def _package(named: _Package | None) -> Purl | None:
    """None: no package of an ecosystem that is covered."""
    build = _PACKAGES.get(named.ecosystem) if named else None
    if build is None or named is None:
        return None
    try:
        return build(named.name or "")
    except ValueError:  # a name that no registry could hold
        return None


def _other(named: _Package | None) -> Purl | None:
    """A package of another ecosystem that GitHub knows. None: not even that."""
    if named is None or named.ecosystem not in _OTHERS:
        return None
    try:
        return Purl(named.ecosystem, None, named.name or "")
    except ValueError:
        return None


def _vectors(record: _Record) -> Iterator[tuple[str, str]]:
    severities = record.cvss_severities or _Severities()
    for kind, scored in (("CVSS_V3", severities.cvss_v3), ("CVSS_V4", severities.cvss_v4)):
        if scored and scored.vector_string:
            yield kind, scored.vector_string
    if record.cvss and record.cvss.vector_string:
        kinds = {"CVSS:4": "CVSS_V4", "CVSS:3": "CVSS_V3"}
        yield kinds.get(record.cvss.vector_string[:6], "CVSS_V2"), record.cvss.vector_string


def _aliases(record: _Record) -> tuple[str, ...]:
    named = (record.cve_id, *(each.value for each in record.identifiers or ()))
    return tuple(dict.fromkeys(name for name in named if name and name != record.ghsa_id and _ID.fullmatch(name)))


def _utc(time: datetime) -> datetime:
    return time.astimezone(UTC)
