"""The only place that orders versions: PEP 440 for PyPI, SemVer for npm and for the tags of GitHub that are SemVer.

Range libraries are not used: `SpecifierSet` and npm's `satisfies` hide pre-releases, and a pre-release of the fixed version is affected.
Algorithm: https://ossf.github.io/osv-schema/#evaluation (1.7.5).
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cmp_to_key, lru_cache
from typing import NamedTuple, TypeVar

import nodesemver
from packaging.utils import canonicalize_version
from packaging.version import InvalidVersion, Version

from monitor.domain.advisory import Advisory, Affected, Event
from monitor.domain.purl import Purl

MAX_LENGTH = 256
"""Characters. The SemVer grammar's regular expressions are quadratic on long input, and no registry takes longer versions."""

ADVISORY_TYPES = frozenset({"npm", "pypi"})
"""The package types whose advisories can be decided."""

_KINDS = ("introduced", "last_affected", "fixed", "limit")
"""In the order in which they take effect at one version."""
_LOWEST = "0"
"""As a bound: below every version, pre-releases of 0 too."""


class _SemVer(NamedTuple):
    """Sorts as SemVer demands: a release above its pre-releases, numbers below words, build metadata ignored."""

    major: int
    minor: int
    patch: int
    released: bool
    prerelease: tuple[tuple[bool, int, str], ...]


_Order = TypeVar("_Order", Version, _SemVer)


def compare(type_: str, a: str, b: str) -> int | None:
    """Return -1, 0 or 1 as `a` is below, equal to or above `b` in that purl type's order; None: one of them is no version there."""
    if type_ == "pypi":
        return _sign(_pep440(a), _pep440(b))
    return _sign(_semver(a), _semver(b)) if type_ in {"npm", "github"} else None


def is_prerelease(type_: str, version: str) -> bool:
    """Whether the version's own text marks it as one (PyPI: development releases too); what does not parse is not marked."""
    if type_ == "pypi":
        pep440 = _pep440(version)
        return pep440 is not None and pep440.is_prerelease
    semver = _semver(version)
    return semver is not None and not semver.released


def same_line(type_: str, a: str, b: str) -> bool:
    """Whether both stand in one release line: the same major version, pre-releases apart. What does not parse is in no line."""
    line = _line(type_, a)
    return line is not None and line == _line(type_, b)


def parse_constraint(type_: str, text: str) -> Callable[[str], bool | None]:
    """Read `>=1.2,<1.4`, `1.2.3` or several of them joined by `||`, and return what decides a version by it; None: it cannot be told.

    Operators: = == != < <= > >=. Raises ValueError with what was expected.
    """
    choices = [[_term(type_, term) for term in choice.split(",")] for choice in text.split("||")]

    def decide(version: str) -> bool | None:
        return _any(_all(_holds(type_, term, version) for term in terms) for terms in choices)

    return decide


def _term(type_: str, text: str) -> tuple[str, str]:
    read = re.fullmatch(r"(==|!=|<=|>=|=|<|>|)\s*([^\s<>=!~^*]+)", text.strip())
    if read is None or (not _parses(type_, read[2]) and read[1] not in ("", "=", "==")):
        raise ValueError(f"expected versions such as >=1.2.0,<1.4.0 or 1.2.3, got {text.strip()[:80]!r}")
    return read[1], read[2]


def _holds(type_: str, term: tuple[str, str], version: str) -> bool | None:
    operator, bound = term
    if operator in ("", "=", "==") and version == bound:
        return True
    order = compare(type_, version, bound)
    return None if order is None else order in _ORDERS[operator]


_ORDERS = {"": (0,), "=": (0,), "==": (0,), "!=": (-1, 1), "<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (0, 1)}
"""How the version may stand to the bound: below, equal, above."""


def _all(answers: Iterable[bool | None]) -> bool | None:
    """Join by "and": one no decides, else one undecided leaves it undecided."""
    found = set(answers)
    return False if False in found else None if None in found else True


def is_affected(advisory: Advisory, purl: Purl) -> bool | None:
    """Whether the record's `affected` names the version; `withdrawn_at` is not looked at.

    None: it cannot be decided (the version or a bound does not parse, or a range is of a form that is not known), and must not be
    shown as clean.
    """
    if purl.type not in ADVISORY_TYPES or purl.version is None:
        return None
    package, version = purl.package, purl.version
    return _any(_named(entry, purl.type, version) for entry in advisory.affected if entry.package == package)


def _named(entry: Affected, type_: str, version: str) -> bool | None:
    """`versions` or any range, by equality of text and, where both parse, by order."""
    if version in entry.versions:
        return True
    normal = _normal(type_, version)
    if normal is None:
        return None
    if normal in _listed(type_, entry.versions):
        return True
    return _any(_within(events, type_, version) for events in entry.ranges)


@lru_cache(maxsize=16)
def _listed(type_: str, versions: frozenset[str]) -> frozenset[str]:
    """What of a record's list can be read: once for all the versions that are compared with it. Few are kept, since lists may be long."""
    return frozenset(normal for text in versions if (normal := _normal(type_, text)) is not None)


def _normal(type_: str, text: str) -> str | None:
    """The one text of all versions that are equal; None: it is no version.

    Text, and not what was read: numbers can be chosen so that the hashes of thousands of versions are one.
    """
    if type_ == "pypi":
        pep440 = _pep440(text)
        return None if pep440 is None else canonicalize_version(pep440)
    semver = _semver(text)
    if semver is None:
        return None
    words = ".".join(word for _, _, word in semver.prerelease)
    return f"{semver.major}.{semver.minor}.{semver.patch}-{words}"


def _within(events: Sequence[Event], type_: str, version: str) -> bool | None:
    """Walk one range's events in order of version: each that is not above the version sets or clears."""
    if not all(_readable(type_, event) for event in events):
        return None
    limits = [event.version for event in events if event.kind == "limit"]
    if limits and not any(limit == "*" or _bounds(type_, limit, version) > 0 for limit in limits):
        return False
    affected = False
    for event in _sorted(type_, [event for event in events if event.kind != "limit"]):
        against = _bounds(type_, event.version, version)
        if event.kind == "last_affected":
            affected = affected and against >= 0
        elif against <= 0:
            affected = event.kind == "introduced"
    return affected


def _sorted(type_: str, events: list[Event]) -> list[Event]:
    """By version, and at ties in the order in which the kinds take effect."""
    at_ties = sorted(events, key=lambda event: _KINDS.index(event.kind))

    def order(a: Event, b: Event) -> int:
        return _bounds(type_, a.version, b.version)

    return sorted(at_ties, key=cmp_to_key(order))


def _readable(type_: str, event: Event) -> bool:
    if event.kind not in _KINDS:
        return False
    return event.version == _LOWEST or (event.kind, event.version) == ("limit", "*") or _parses(type_, event.version)


def _bounds(type_: str, bound: str, other: str) -> int:
    """Compare a bound to a version or to another bound, both of which can be read."""
    if bound == _LOWEST:
        return 0 if other == _LOWEST else -1
    return compare(type_, bound, other) or 0


def _any(answers: Iterable[bool | None]) -> bool | None:
    """Join by "or": one yes decides, else one undecided leaves it undecided."""
    found = set(answers)
    return True if True in found else None if None in found else False


def _parses(type_: str, version: str) -> bool:
    return compare(type_, version, version) is not None


def _line(type_: str, version: str) -> tuple[int, int, bool] | None:
    """Epoch (PyPI), major version, and whether it is a pre-release."""
    if type_ == "pypi":
        pep440 = _pep440(version)
        return None if pep440 is None else (pep440.epoch, pep440.major, pep440.is_prerelease)
    semver = _semver(version)
    return None if semver is None else (0, semver.major, not semver.released)


def _sign(a: _Order | None, b: _Order | None) -> int | None:
    return None if a is None or b is None else (a > b) - (a < b)


@lru_cache(maxsize=1 << 14)
def _pep440(text: str) -> Version | None:
    try:
        return Version(text) if len(text) <= MAX_LENGTH else None
    except InvalidVersion:
        return None


@lru_cache(maxsize=1 << 14)
def _semver(text: str) -> _SemVer | None:
    if len(text) > MAX_LENGTH or not text.isascii():
        return None
    try:
        read = nodesemver.make_semver(text, loose=False)
    except ValueError:
        return None
    words = tuple((isinstance(part, str), 0 if isinstance(part, str) else part, str(part)) for part in read.prerelease)
    return _SemVer(read.major, read.minor, read.patch, released=not words, prerelease=words)
