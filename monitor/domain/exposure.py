"""Who had a version, from when to when, and by which path: answered from what was seen at the time."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.domain.dependency import Resolved
from monitor.domain.deployment import Stay
from monitor.domain.purl import Purl
from monitor.domain.server import Listed

Question = Callable[[Purl], bool | None]
"""Whether a version (or what floats) is one that is asked about; None: it cannot be told."""

DECLARED = re.compile(r"(?:[^\s]+\s+npm:)?(?P<name>(?:@[^\s/@]+/)?[^\s\[(<>=!~;,@]+)")
"""The name of what is declared: `qs ^6.0.0`, `Requests[socks]>=2; …`, `other npm:qs@^6`."""


@dataclass(frozen=True, slots=True)
class Window:
    """A time, both ends included. None: without that end."""

    begin: datetime | None = None
    end: datetime | None = None

    def meets(self, since: datetime, until: datetime | None) -> bool:
        """Whether something that lasted from `since` until `until` (None: to this day) was there within the window."""
        return (self.end is None or since <= self.end) and (self.begin is None or until is None or until >= self.begin)


@dataclass(frozen=True, slots=True)
class Bringing:
    """A version of a server that is, or brings along, what is asked about. `path` is empty where it is the version itself."""

    version: Purl
    culprit: Purl
    path: tuple[str, ...]
    source: str
    certain: bool
    """False: whether it is one of the versions asked about cannot be told."""
    since: datetime | None = None  # None: from the beginning
    until: datetime | None = None  # None: to this day
    declared: str = ""
    """What is declared, where no source says at which version: untrusted text."""

    def within(self, since: datetime, until: datetime | None) -> tuple[datetime, datetime | None] | None:
        """Return when it was so of what lasted from `since` until `until`; None: never."""
        begin = max(since, self.since) if self.since else since
        end = min(until or self.until, self.until) if self.until else until
        bounded = self.since or self.until
        return None if bounded and end is not None and end <= begin else (begin, end)


@dataclass(frozen=True, slots=True)
class Exposure:
    """Somebody had it. `kind`: deployed, or approved."""

    kind: str
    where: str
    """Host and client, or the server's name in the registry."""
    place: str
    """The file, or who approved it."""
    bringing: Bringing
    since: datetime
    until: datetime | None  # None: to this day
    seen_at: datetime
    """When it was seen last."""
    disabled: bool = False


def bringing(
    asked: Question,
    packages: frozenset[Purl],
    stays: Iterable[Stay],
    listed: Iterable[Listed],
    resolved: Iterable[Resolved],
) -> Mapping[Purl, tuple[Bringing, ...]]:
    """Return, by version of a server (without one: whatever it floats to), why it is, or brings along, what is asked about."""
    deployed = {runs for stay in stays if (runs := stay.deployment.runs)}
    approved = {each.entry.approval.pin.purl for each in listed if each.entry.approval}
    found: dict[Purl, tuple[Bringing, ...]] = {}
    for purl in deployed | approved:
        if purl.package in packages and (answer := asked(purl)) is not False:
            found[purl] = (Bringing(purl, purl, (), "", certain=answer is True),)
    brought = _brought(asked, packages, resolved)
    for version, reasons in brought.items():
        found[version] = (*found.get(version, ()), *reasons)
    for floating in {purl for purl in deployed if purl.version is None}:
        found[floating] = (*found.get(floating, ()), *_perhaps(floating, brought))
    return found


def _brought(
    asked: Question, packages: frozenset[Purl], resolved: Iterable[Resolved]
) -> dict[Purl, tuple[Bringing, ...]]:
    """By version of a server. What is told by states that follow each other is one reason."""
    found: dict[Purl, dict[Purl, list[Bringing]]] = {}
    for state in resolved:
        reasons = found.setdefault(state.dependencies.of, {})
        for why in _reasons(asked, packages, state):
            spans = reasons.setdefault(why.culprit, [])
            if spans and (spans[-1].until is None or spans[-1].until == why.since or why.since is None):
                spans[-1] = replace(spans[-1], until=why.until)
            else:
                spans.append(why)
    return {of: tuple(why for spans in reasons.values() for why in spans) for of, reasons in found.items() if reasons}


def _reasons(asked: Question, packages: frozenset[Purl], state: Resolved) -> Iterator[Bringing]:
    known, since = state.dependencies, state.since if state.corrects else None
    for dependency in known.found:
        if dependency.purl.package in packages and (answer := asked(dependency.purl)) is not False:
            path = (known.of.label, *dependency.path)
            yield Bringing(known.of, dependency.purl, path, known.source, answer is True, since, state.gone_at)
    # Once a source tells the versions, it tells them of the time before as well.
    for text in known.unresolved if state.gone_at is None else ():
        if (package := _declared(known.of, text)) in packages:
            path = (known.of.label, package.label)
            yield Bringing(known.of, package, path, known.source, certain=False, declared=text)


def _declared(of: Purl, text: str) -> Purl | None:
    """Return the package that is declared; None: the text names none."""
    read = DECLARED.match(text)
    try:
        return read and (Purl.pypi(read["name"]) if of.type == "pypi" else Purl.npm(read["name"]))
    except ValueError:
        return None


def _perhaps(floating: Purl, brought: Mapping[Purl, tuple[Bringing, ...]]) -> Iterator[Bringing]:
    """Yield what a version of the package brings along, once for each package: nobody knows which version runs."""
    told: set[Purl] = set()
    for version, reasons in brought.items():
        for why in reasons:
            if version.package == floating and why.culprit.package not in told:
                told.add(why.culprit.package)
                yield replace(why, version=floating, certain=False, since=None, until=None)


def exposures(
    reasons: Mapping[Purl, tuple[Bringing, ...]], stays: Iterable[Stay], listed: Iterable[Listed], window: Window
) -> Iterator[Exposure]:
    """Yield who ran, and where the registry approved, one of these versions within the window."""
    for stay in stays:
        deployment = stay.deployment
        for why in reasons.get(deployment.runs, ()) if deployment.runs else ():
            span = why.within(stay.since, stay.gone_at)
            if span and window.meets(*span):
                where = f"{deployment.host} {deployment.client}"
                seen_at = min(stay.seen_at, span[1] or stay.seen_at)
                yield Exposure(
                    "deployed", where, deployment.location, why, *span, seen_at, disabled=deployment.disabled
                )
    for each in listed:
        approval = each.entry.approval
        for why in reasons.get(approval.pin.purl, ()) if approval else ():
            span = why.within(each.since, each.gone_at)
            if approval and span and window.meets(*span):
                by = f"{approval.approved_by} {approval.ticket}".strip()
                yield Exposure("approved", each.entry.server.name, by, why, *span, span[1] or span[0])
