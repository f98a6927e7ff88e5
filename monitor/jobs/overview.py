"""The table of servers, from what is kept: for the end of a run, and for people who ask in between."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.domain.candidate import by_publication
from monitor.domain.deployment import Deployment
from monitor.domain.finding import Severity, Tracked
from monitor.domain.health import SourceHealth
from monitor.domain.snapshot import Looked, Snapshot
from monitor.domain.unknown import NOT_ASKED, Reason, Unknown
from monitor.jobs.recall import Recalled, snapshot_of
from monitor.wording import version_words

NAMED_BY_ADVISORIES = ("affected", "dependency-affected", "malware")


@dataclass(frozen=True, slots=True)
class ServerLine:
    """One server in words, ready for a table. The texts may hold what strangers wrote: escape them where they are shown."""

    name: str
    approved: str
    newest_seen: str
    deployed: str
    verification: str
    advisories: str
    findings: int
    worst: Severity | None  # None: no open finding
    unknowns: tuple[Unknown, ...]
    quarantined: tuple[str, ...] = ()
    """The versions that are malware, or bring it along, as long as the records stand."""


def overview(
    recalled: Recalled, taken_at: datetime, unknowns: Mapping[str, tuple[Unknown, ...]], *, database: str
) -> tuple[ServerLine, ...]:
    """Write one line for each server. `unknowns` are what this run could not check, by server; empty for a view without a run.

    `database` is the name of the configured advisory source that answers for all packages (empty: there is none): what another said,
    which knows a part of them or is configured no more, is no answer.
    """
    heard = recalled.health.get(database)
    return tuple(
        _line(snapshot_of(recalled, entry, taken_at), recalled, unknowns.get(entry.server.name, ()), heard)
        for entry in recalled.entries
    )


def _line(
    snapshot: Snapshot, recalled: Recalled, unknowns: tuple[Unknown, ...], database: SourceHealth | None
) -> ServerLine:
    name = snapshot.server.name
    open_now = [each for each in recalled.findings.get(name, {}).values() if each.open]
    return ServerLine(
        name=name,
        approved=(snapshot.approval.pin.purl.version or "") if snapshot.approval else _unapproved(snapshot),
        newest_seen=_newest(snapshot.package),
        deployed=_deployed(snapshot.deployments),
        verification=_verification(snapshot),
        advisories=_advisories(snapshot, open_now, database),
        findings=len(open_now),
        worst=max((each.finding.severity for each in open_now), key=lambda severity: severity.rank, default=None),
        unknowns=unknowns,
        quarantined=quarantined(open_now),
    )


def quarantined(open_now: Iterable[Tracked]) -> tuple[str, ...]:
    """Return the versions of one server that nobody may run: those with an open finding of malware."""
    versions = {
        each.finding.about.version or "" for each in open_now if each.finding.rule == "malware" and each.finding.about
    }
    return tuple(sorted(versions))


def _unapproved(snapshot: Snapshot) -> str:
    return "remote" if snapshot.server.remote else "none"


def _newest(package: Looked | Unknown) -> str:
    """The release that was published last, of whatever line."""
    if isinstance(package, Unknown):
        return "not covered" if package.reason is Reason.NOT_COVERED else "never seen"
    listed = {release.version for release in package.listing.releases}
    known = [each for version, each in package.known.items() if version in listed and not each.release.prerelease]
    return max(known, key=by_publication).release.version if known else package.listing.standing.value


def _deployed(deployments: tuple[Deployment, ...] | Unknown) -> str:
    if isinstance(deployments, Unknown):
        return "not covered"
    counted = Counter((runs.version if (runs := each.runs) else None) or each.kind.value for each in deployments)
    return ", ".join(f"{version} ({count})" for version, count in sorted(counted.items())) or "nowhere"


def _verification(snapshot: Snapshot) -> str:
    """Of the approved version; a version under review that fails stands in the findings."""
    if isinstance(snapshot.verifications, Unknown) or snapshot.approval is None:
        return "not covered" if snapshot.server.remote else "not looked at"
    return version_words(snapshot.verifications.get(snapshot.approval.pin.purl, ()))


def _advisories(snapshot: Snapshot, open_now: Sequence[Tracked], database: SourceHealth | None) -> str:
    """The advisory source is asked in each look at a server, so that a server that was never looked at was never asked about."""
    named = [each.finding for each in open_now if each.finding.rule in NAMED_BY_ADVISORIES]
    if named:
        return f"{len(named)} open"
    if snapshot.server.package is None or snapshot.server.package.type not in ("npm", "pypi"):
        return "not covered"
    if snapshot.package is NOT_ASKED:
        return "not asked"
    return "none known" if database and database.answered_at and not database.failing_since else "not known"
