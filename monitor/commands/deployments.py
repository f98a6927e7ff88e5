"""`deployments`: what runs where, now or at a time, from what is kept."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from monitor.commands.moments import moment
from monitor.commands.names import refuse_unknown
from monitor.commands.opening import open_settings, recall
from monitor.commands.output import note, show_json, show_table
from monitor.commands.table import Column
from monitor.domain.comparison import FLOATS
from monitor.domain.deployment import Deployment, PinKind, Stay
from monitor.domain.fleet import assign
from monitor.domain.launching import IMAGES
from monitor.domain.purl import Purl
from monitor.domain.server import Entry
from monitor.ending import ExitCode
from monitor.jobs.recall import INVENTORY
from monitor.ports.store import UnitOfWork

NO_SERVER, NOBODY = "(on no list)", "(nobody)"


@dataclass(frozen=True, slots=True)
class Placed:
    """A deployment, with the listed server that it is one of."""

    deployment: Deployment
    seen_at: datetime
    entry: Entry | None  # None: on no list
    stay: Stay | None = None  # None: asked about now

    @property
    def server(self) -> str:
        """The server's name."""
        return self.entry.server.name if self.entry else NO_SERVER

    @property
    def owner(self) -> str:
        """Who answers for it."""
        return (self.entry.server.owner if self.entry else "") or NOBODY


KEYS: Mapping[str, Callable[[Placed], str]] = {
    "server": lambda placed: placed.server,
    "host": lambda placed: placed.deployment.host,
    "owner": lambda placed: placed.owner,
}
"""What deployments can be counted by."""


def show_deployments(
    config: Path, *, servers: Sequence[str], hosts: Sequence[str], at: str | None, by: str | None, as_json: bool
) -> int:
    """List what is deployed, as last seen, or as it was at a time; or count it by server, host or owner."""
    when = moment(at, "--at")[0] if at else None
    settings = open_settings(config, only_store=True)
    kept = recall(settings, lambda unit: _kept(unit, when))
    malware, known_since = kept.malware, kept.known_since
    refuse_unknown(servers, kept.servers)
    refuse_unknown(hosts, kept.hosts, what="host")
    found = (
        each
        for each in kept.placed
        if (not servers or each.server in servers) and (not hosts or each.deployment.host in hosts)
    )
    shown = sorted(found, key=lambda each: _order(each.deployment))
    if by:
        _count(shown, by, as_json=as_json)
    elif as_json:
        show_json([_json(each, malware) for each in shown])
    else:
        _table(shown, malware)
    if when and (known_since is None or when < known_since):
        since = f"before {known_since:%Y-%m-%d %H:%M} UTC" if known_since else "at any time"
        note(f"not known: no inventory was read {since}")
        return ExitCode.UNCHECKED
    if not kept.read:
        note("not known: no inventory was read yet; `mcp-monitor run fleet` reads them")
        return ExitCode.UNCHECKED
    return ExitCode.QUIET


def _order(it: Deployment) -> tuple[str, ...]:
    return (it.host.casefold(), it.host, it.client, it.location, it.name)


@dataclass(frozen=True, slots=True)
class _Kept:
    placed: list[Placed]
    malware: set[Purl | None]
    servers: frozenset[str]
    """Names of all servers that are, or were then, in the registry."""
    hosts: frozenset[str]
    known_since: datetime | None  # None: asked about now, or no deployment was ever seen
    read: bool
    """Whether an inventory was ever read."""


def _kept(unit: UnitOfWork, when: datetime | None) -> _Kept:
    malware = {each.finding.about for each in unit.findings() if each.open and each.finding.rule == "malware"}
    if when is None:
        entries: Collection[Entry] = unit.entries().values()
        seen = [(deployment, seen_at, None) for deployment, seen_at in unit.deployments()]
        return _all(unit, _placed(entries, seen), malware, None)
    listed = (each for each in unit.entry_history() if each.since <= when)
    entries = [each.entry for each in listed if each.gone_at is None or each.gone_at > when]
    stays = [(stay.deployment, stay.seen_at, stay) for stay in unit.stays_at(when)]
    return _all(unit, _placed(entries, stays), malware, unit.inventories_since())


def _all(
    unit: UnitOfWork,
    placed: list[Placed],
    malware: set[Purl | None],
    known_since: datetime | None,
) -> _Kept:
    hosts = {each.deployment.host for each in placed} | {report.host for _, report in unit.hosts()}
    asked = (health for name, health in unit.health().items() if name.startswith(INVENTORY))
    read = bool(placed) or any(health.answered_at for health in asked)
    listed = frozenset(unit.entries()) | {each.server for each in placed} | {NO_SERVER}
    return _Kept(placed, malware, listed, frozenset(hosts), known_since, read)


def _placed(entries: Collection[Entry], seen: Sequence[tuple[Deployment, datetime, Stay | None]]) -> list[Placed]:
    fleet = assign((entry.server for entry in entries), (deployment for deployment, _, _ in seen))
    by_name = {entry.server.name: entry for entry in entries}
    owners = {id(each): by_name[name] for name, found in fleet.by_server.items() for each in found}
    return [Placed(deployment, at, owners.get(id(deployment)), stay) for deployment, at, stay in seen]


def _table(placed: Sequence[Placed], malware: Collection[Purl | None]) -> None:
    loose = {"owner": 4, "seen": 3, "client": 2, "pinned": 1}
    names = ("host", "client", "name", "what", "version", "pinned", "seen", "owner", "location")
    header = [Column(name, loose.get(name, 0)) for name in names]
    rows = [_row(each, quarantined=each.deployment.runs in malware) for each in placed]
    show_table(header, rows, empty="Nothing is known to be deployed; `run fleet` looks.")


def _row(placed: Placed, *, quarantined: bool) -> tuple[str, ...]:
    it = placed.deployment
    what = str(it.runs.package) if it.runs else it.remote or it.note
    version = " ".join(part for part in ((it.purl and it.purl.version) or _loose(it), _digest(it)) if part)
    version = f"{version} QUARANTINED" if quarantined else version
    pinned = f"{it.kind.value}, disabled" if it.disabled else it.kind.value
    seen = f"{placed.seen_at:%Y-%m-%d %H:%M}"
    return (it.host, it.client, it.name, what, version, pinned, seen, placed.owner, it.location)


def _loose(deployment: Deployment) -> str:
    """What it asks for, and what lies on the disk for it. Empty: it names no version, and none floats."""
    if deployment.kind not in FLOATS:
        return (deployment.installed and deployment.installed.version) or ""
    asked = deployment.requested or "floats"
    return f"{asked} ({deployment.installed.version} on the disk)" if deployment.installed else asked


def _digest(deployment: Deployment) -> str:
    """The beginning of the digest of an image; two hosts with other bytes are not told in the same words."""
    digest = deployment.digest or deployment.installed_digest
    image = deployment.runs is not None and deployment.runs.type in IMAGES
    return f"{digest.algorithm}:{digest.hex[:12]}" if digest and image else ""


def _json(placed: Placed, malware: Collection[Purl | None]) -> dict[str, object]:
    it = placed.deployment
    runs = it.runs.version if it.runs else None
    found: dict[str, object] = {
        "host": it.host,
        "client": it.client,
        "location": it.location,
        "name": it.name,
        "pinned": it.kind.value,
        "package": str(it.runs.package) if it.runs else None,
        "version": it.purl.version if it.purl else None,
        "installed": it.installed.version if it.installed else None,
        "runs": runs,
        "requested": it.requested or None,
        "remote": it.remote,
        "digest": str(it.digest or it.installed_digest) if it.digest or it.installed_digest else None,
        "disabled": it.disabled,
        "note": it.note or None,
        "redirects": list(it.redirects),
        "server": placed.entry.server.name if placed.entry else None,
        "owner": (placed.entry.server.owner or None) if placed.entry else None,
        "quarantined": it.runs in malware,
        "seen_at": placed.seen_at.isoformat(),
    }
    if stay := placed.stay:
        found |= {"since": stay.since.isoformat(), "gone_at": stay.gone_at.isoformat() if stay.gone_at else None}
    return found


def _count(placed: Iterable[Placed], by: str, *, as_json: bool) -> None:
    groups: dict[str, list[Placed]] = {}
    for each in placed:
        groups.setdefault(KEYS[by](each), []).append(each)
    counted = [
        {
            by: name,
            "deployments": len(group),
            **({} if by == "host" else {"hosts": len({each.deployment.host for each in group})}),
            "servers": len({each.server for each in group if each.entry}),
            "unlisted": sum(each.entry is None for each in group),
            "versions": dict(sorted(Counter(_version(each.deployment) for each in group).items())),
        }
        for name, group in sorted(groups.items())
    ]
    if as_json:
        show_json(counted)
        return
    rows = [[_cell(value) for value in row.values()] for row in counted]
    header = [Column(name, gives_way=name == "versions") for name in (by, *COUNTED) if name != "hosts" or by != "host"]
    show_table(header, rows, empty="Nothing is known to be deployed; `run fleet` looks.")


COUNTED = ("deployments", "hosts", "servers", "unlisted", "versions")


def _version(deployment: Deployment) -> str:
    """What a count calls it: the version, or in words why there is none; what is switched off is counted by itself."""
    named = (
        (deployment.runs.version if deployment.runs else None) or _digest(deployment) or _UNVERSIONED[deployment.kind]
    )
    return f"{named}, disabled" if deployment.disabled else named


_UNVERSIONED = {
    PinKind.EXACT: "not known",
    PinKind.DIGEST: "by digest",
    PinKind.RANGE: "floats",
    PinKind.TAG: "floats",
    PinKind.NONE: "floats",
    PinKind.PATH: "a local file",
    PinKind.REMOTE: "remote",
    PinKind.UNKNOWN: "not known",
}


def _cell(value: object) -> str:
    return ", ".join(f"{name} ({count})" for name, count in value.items()) if isinstance(value, dict) else str(value)
