"""Who had a version, from when to when, and by which path: answered from what was seen at the time."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from monitor.domain.dependency import Resolved
from monitor.domain.deployment import Stay
from monitor.domain.purl import Purl
from monitor.domain.server import Listed

Named = Callable[[Purl], bool | None]
"""Whether a version is one that is asked about; None: it cannot be told."""


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
    named: Named,
    packages: frozenset[Purl],
    stays: Iterable[Stay],
    listed: Iterable[Listed],
    resolved: Iterable[Resolved],
) -> Mapping[Purl, tuple[Bringing, ...]]:
    """Return, by version of a server (without one: whatever it floats to), why it is, or brings along, what is asked about."""
    found: dict[Purl, dict[Purl, Bringing]] = {}
    deployed = {runs for stay in stays if (runs := stay.deployment.runs)}
    approved = {each.entry.approval.pin.purl for each in listed if each.entry.approval}
    for purl in deployed | approved:
        if purl.package in packages:
            answer = None if purl.version is None else named(purl)
            if answer is not False:
                found.setdefault(purl, {})[purl] = Bringing(purl, purl, (), "", certain=answer is True)
    for each in resolved:
        of = each.dependencies.of
        for dependency in each.dependencies.found:
            answer = named(dependency.purl) if dependency.purl.package in packages else False
            if answer is not False:
                path = (of.label, *dependency.path)
                why = Bringing(of, dependency.purl, path, each.dependencies.source, certain=answer is True)
                found.setdefault(of, {}).setdefault(dependency.purl, why)
    return {version: tuple(reasons.values()) for version, reasons in found.items()}


def exposures(
    reasons: Mapping[Purl, tuple[Bringing, ...]], stays: Iterable[Stay], listed: Iterable[Listed], window: Window
) -> Iterator[Exposure]:
    """Yield who ran, and where the registry approved, one of these versions within the window."""
    for stay in stays:
        deployment = stay.deployment
        if (runs := deployment.runs) and window.meets(stay.since, stay.gone_at):
            where = f"{deployment.host} {deployment.client}"
            for why in reasons.get(runs, ()):
                span = (stay.since, stay.gone_at, stay.seen_at)
                yield Exposure("deployed", where, deployment.location, why, *span, disabled=deployment.disabled)
    for each in listed:
        approval, until = each.entry.approval, each.gone_at
        if approval and window.meets(each.since, until):
            for why in reasons.get(approval.pin.purl, ()):
                by = f"{approval.approved_by} {approval.ticket}".strip()
                span = (each.since, until, until or each.since)
                yield Exposure("approved", each.entry.server.name, by, why, *span)
