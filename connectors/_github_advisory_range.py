"""The ranges of GitHub's advisories in OSV's events.

GitHub writes `>= 1.0, < 2.0.1` (a comma is "and") where it has reviewed a record; in a repository's own advisory the range is whatever
its author wrote. Only what has one meaning is read: one lower and one upper bound, or one version, several such joined by `||`. All else
makes an undecidable range, which names no version and clears none.
A bound with fewer numbers than SemVer has is read as npm itself reads it: `<= 2` is all of 2.x, unless 2.1.0 is said to be patched.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cmp_to_key

from monitor.domain.advisory import Event
from monitor.domain.text import one_line
from monitor.domain.version_range import compare

MAX_TEXT = 1000
"""Characters of a range, and of the patched versions beside it."""
MAX_ALTERNATIVES = 50

Range = tuple[Event, ...]

_COMPARATOR = re.compile(r"(>=|<=|<|>|==?) ?([0-9A-Za-z.+!_-]{1,100})")
_AND = re.compile(r" ?, ?| (?=[<>=])")
_PATCHED = re.compile(r"(?:>=|==?)? ?([0-9A-Za-z.+!_-]{1,100})(?: and (?:above|later|newer|up))?")
_PARTIAL = re.compile(r"v?([0-9]{1,9})(?:\.([0-9]{1,9}))?")
_SEMVER = re.compile(r"v?([0-9]{1,15}\.[0-9]{1,15}\.)([0-9]{1,15})(-[0-9A-Za-z.-]+)?(?:\+.*)?")
_LOWEST = "0"


@dataclass(frozen=True, slots=True)
class _Upper:
    """An upper bound. Fixed versions are those above `version`, or also `version` itself where the bound does not include it."""

    version: str
    included: bool
    event: Event


def undecidable(text: str) -> Range:
    """Return a range of which nothing can be decided; it shows the text."""
    return (Event("unsupported", one_line(text, 100)),)


def read_range(type_: str, text: str, patched: str) -> tuple[Range, ...]:
    """Read a range of versions of that purl type; the alternatives are joined by "or". `patched` names fixed versions, as text, too.

    A patched version within the range contradicts it, and is left out: the range decides. Never empty, never raises.
    """
    if not text.strip() or len(text) > MAX_TEXT:
        return (undecidable(text.strip() or "no range is given"),)
    alternatives = " ".join(text.split()).split("||")  # what follows is quadratic in runs of spaces
    if len(alternatives) > MAX_ALTERNATIVES:
        return (undecidable(text),)
    fixes = tuple(_fixes(type_, patched[:MAX_TEXT]))
    return tuple(_interval(type_, each.strip(), fixes) or undecidable(each.strip() or text) for each in alternatives)


def _interval(type_: str, text: str, fixes: tuple[str, ...]) -> Range | None:
    """None: it has no meaning, or more than one."""
    lowers: list[str | None] = []
    uppers: list[_Upper | None] = []
    for part in _AND.split(text):
        read = _COMPARATOR.fullmatch(part)
        if read is None:
            return None
        operator, version = read.groups()
        if operator in {">=", ">"}:
            lowers.append(_lower(type_, version, included=operator == ">="))
        elif operator in {"<=", "<"}:
            uppers.append(_upper(type_, version, included=operator == "<="))
        else:
            lowers.append(_lower(type_, version, included=True))
            uppers.append(_upper(type_, version, included=True))
    if len(lowers) > 1 or len(uppers) > 1 or None in lowers or None in uppers:
        return None
    lower = (lowers or [_LOWEST])[0]
    upper = uppers[0] if uppers else None
    if lower is None or (upper and not _below(type_, lower, upper)):
        return None
    return (Event("introduced", lower), *(_end(type_, upper, fixes) if upper else ()))


def _lower(type_: str, text: str, *, included: bool) -> str | None:
    """The lowest version from there on. None: it cannot be said."""
    if text == _LOWEST:
        return _LOWEST  # also for `> 0`, which means every version
    if included:
        return text if _parses(type_, text) else _filled(type_, text)
    if type_ != "npm":
        after = f"{text}.post0.dev0"  # PEP 440: below every version above it, but for those with a local label
        return after if "+" not in text and _parses(type_, after) else None
    read = _SEMVER.fullmatch(text)
    if read is None:
        return None
    core, patch, prerelease = read.groups()
    after = f"{core}{patch}{prerelease}.0" if prerelease else f"{core}{int(patch) + 1}-0"
    return after if _parses(type_, after) else None


def _upper(type_: str, text: str, *, included: bool) -> _Upper | None:
    if text == _LOWEST and type_ != "npm":
        return None  # as a bound it would be below every version
    if _parses(type_, text):
        return _Upper(text, included, Event("last_affected" if included else "limit", text))
    filled = _filled(type_, text)
    if filled is None:
        return None
    return _Upper(filled, included, Event("limit", _after_line(text) if included else filled))


def _filled(type_: str, text: str) -> str | None:
    """`1.2` as `1.2.0`, for npm. None: it is no such version."""
    read = _PARTIAL.fullmatch(text) if type_ == "npm" else None
    return f"{read[1]}.{read[2] or 0}.0" if read else None


def _after_line(text: str) -> str:
    """The lowest version behind `1.x`, or `1.2.x`."""
    read = _PARTIAL.fullmatch(text)
    assert read is not None  # noqa: S101  (it was filled)
    return f"{int(read[1]) + 1}.0.0-0" if read[2] is None else f"{read[1]}.{int(read[2]) + 1}.0-0"


def _below(type_: str, lower: str, upper: _Upper) -> bool:
    if lower == _LOWEST:
        return True
    order = compare(type_, lower, upper.version)
    return order is not None and (order < 0 or (order == 0 and upper.included))


def _end(type_: str, upper: _Upper, fixes: tuple[str, ...]) -> Iterator[Event]:
    """The bound, and the lowest fixed version that is not within it. `limit` ends a range without promising a fix."""
    least = 1 if upper.included else 0
    fix = next((each for each in fixes if (compare(type_, each, upper.version) or 0) >= least), None)
    if fix is None or (compare(type_, fix, upper.event.version) or 0) > 0:
        yield upper.event
    if fix is not None:
        yield Event("fixed", fix)


def _fixes(type_: str, patched: str) -> list[str]:
    """What can be read of the patched versions, the lowest first."""
    found: list[str] = []
    for part in re.split(r",|\|\|", " ".join(patched.split()))[:MAX_ALTERNATIVES]:
        read = _PATCHED.fullmatch(part.strip())
        version = read[1] if read else ""
        known = version if _parses(type_, version) else _filled(type_, version)
        if known is not None:
            found.append(known)

    def order(one: str, other: str) -> int:
        return compare(type_, one, other) or 0

    return sorted(found, key=cmp_to_key(order))


def _parses(type_: str, version: str) -> bool:
    return compare(type_, version, version) is not None
