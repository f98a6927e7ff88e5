"""`drift`: what is deployed, compared with what is approved, and what mends each difference."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from monitor import wiring
from monitor.commands.enforcement import Enforced, enforced, enforced_json, show_enforced
from monitor.commands.names import refuse_unknown
from monitor.commands.opening import open_settings, read_registry, recall
from monitor.commands.output import note, show_json, show_table
from monitor.commands.table import Column
from monitor.domain.comparison import Kind, Line, RegistryPlace, compare
from monitor.domain.finding import Finding, Severity
from monitor.domain.server import Entry
from monitor.domain.snapshot import Fleet
from monitor.domain.unknown import Reason, Unknown
from monitor.domain.waiver import Waiver
from monitor.ending import ExitCode, Stop
from monitor.jobs import recall as memory
from monitor.jobs.hosts import with_hosts
from monitor.ports.store import UnitOfWork
from monitor.rules.drift import RULE_OF
from monitor.settings import Settings

NOWHERE, NOBODY = "(nowhere)", "(nobody)"
KEYS: Mapping[str, Callable[[Line], str]] = {
    "server": lambda line: line.server,
    "host": lambda line: line.deployment.host if line.deployment else NOWHERE,
    "owner": lambda line: line.owner or NOBODY,
}
"""What differences can be counted by."""
HEADER = (
    Column("stands"),
    Column("server"),
    Column("host"),
    Column("client", gives_way=2),
    Column("what"),
    Column("to mend"),
    Column("owner", gives_way=1),
    Column("place", gives_way=3),
)


@dataclass(frozen=True, slots=True)
class Compared:
    """The comparison. `waived` are the lines that somebody answers for, by their index; `unread` the inventories that are missing."""

    lines: tuple[Line, ...]
    waived: frozenset[int]
    unread: tuple[Unknown, ...]
    partly: tuple[str, ...]
    """What the inventories that could be read left out."""
    never: bool
    """Whether no inventory was ever read: nothing of what is deployed is known."""
    enforced: tuple[Enforced, ...]
    """How the files stand by which hosts reject what is not approved; none where only some servers are asked for."""

    @property
    def drift(self) -> bool:
        """Whether anything differs that nobody answers for."""
        differs = any(line.drift and index not in self.waived for index, line in enumerate(self.lines))
        return differs or any(each.differs for each in self.enforced)


def show_drift(
    config: Path, *, servers: Sequence[str], hosts: Sequence[str], by: str | None, everything: bool, as_json: bool
) -> int:
    """Compare; exit code 1 if something differs, 3 if an inventory could not be read, or only a part of one."""
    compared = _compared(open_settings(config, only_store=True), servers, hosts)
    if as_json:
        show_json(_json(compared, by))
    elif compared.never:
        note("nothing is known of what is deployed: no inventory was read yet; `mcp-monitor run fleet` reads them")
    elif by:
        _show_counts(compared.lines, by)
    else:
        _show(compared, everything=everything)
        show_enforced(compared.enforced, everything=everything)
    for unknown in compared.unread:
        note(f"could not be read: {unknown}")
    for part in compared.partly:
        note(part)
    if compared.unread or compared.partly:
        return ExitCode.UNCHECKED
    return ExitCode.FINDINGS if compared.drift else ExitCode.QUIET


def _compared(settings: Settings, servers: Sequence[str], hosts: Sequence[str]) -> Compared:
    registry = read_registry(settings)
    for problem in registry.problems:
        note(f"{registry.path}, line {problem.line}: {problem.name}: {problem.message}")
    inventories = [source.name for source in wiring.inventories(settings, Path.home())]
    if not inventories:
        raise Stop("nothing to compare with: the configuration names no [[inventory]]", ExitCode.USAGE)
    now = wiring.utc_now()
    known, fleet, given = recall(settings, lambda unit: _recall(unit, registry.entries, inventories, now))
    configured = wiring.policy(settings.config)
    policy = replace(configured, waivers=(*configured.waivers, *given))
    place = RegistryPlace(Path(registry.path).name, {entry.server.name: entry.line for entry in registry.entries})
    snapshots = [memory.snapshot_of(known, entry, now) for entry in known.entries]
    every = sorted(compare(snapshots, fleet, place), key=_order)
    refuse_unknown(servers, {line.server for line in every} | {entry.server.name for entry in registry.entries})
    seen = {line.deployment.host for line in every if line.deployment} | {report.host for report in fleet.reports}
    refuse_unknown(hosts, seen, what="host")
    heard = [(name, known.health.get(memory.INVENTORY + name)) for name in inventories]
    partly = tuple(f"{name}: {each.detail}" for name, each in heard if each and each.detail and not each.failing_since)
    unread = tuple(_unread(known, inventories))
    never = not any(each and each.answered_at for _, each in heard)
    lines = tuple(
        line
        for line in every
        if (not servers or line.server in servers)
        and (not hosts or (line.deployment is not None and line.deployment.host in hosts))
        # What is seen nowhere may be where nobody could look.
        and not (line.kind is Kind.NOT_DEPLOYED and (unread or partly))
    )
    waived = frozenset(
        index
        for index, line in enumerate(lines)
        if (finding := _finding(line)) and policy.waiver(finding, now) is not None
    )
    files = () if servers else enforced(fleet, lambda finding: policy.waiver(finding, now) is not None)
    if hosts:
        files = tuple(each for each in files if each.it.host in hosts)
    return Compared(lines, waived, unread, partly, never, files)


def _order(line: Line) -> tuple[str, ...]:
    it = line.deployment
    where = (it.host, it.client, it.location, it.name) if it else ("",)
    return (str(line.kind is Kind.SHADOW), line.server, *where)


def _recall(
    unit: UnitOfWork, entries: Collection[Entry], inventories: Sequence[str], now: datetime
) -> tuple[memory.Recalled, Fleet, list[Waiver]]:
    known = memory.recall(unit, entries, inventories=inventories, strangers=True)
    fleet = known.fleet if isinstance(known.fleet, Fleet) else Fleet({}, ())
    return known, with_hosts(unit, fleet, known.health), unit.waivers(now)


def _unread(known: memory.Recalled, inventories: Sequence[str]) -> Iterator[Unknown]:
    yield from known.inventory_gaps
    for name in inventories:
        if memory.INVENTORY + name not in known.health:
            yield Unknown(Reason.NOT_ASKED, name, "never read; `mcp-monitor run fleet` reads it")


def _finding(line: Line) -> Finding | None:
    """The finding that the line is, as far as waivers ask."""
    rule = RULE_OF.get(line.kind)
    subject = line.deployment.key if line.deployment else line.server
    return Finding(rule, line.server, subject, Severity.INFO, line.words) if rule else None


def _show(compared: Compared, *, everything: bool) -> None:
    shown = [
        (index, line)
        for index, line in enumerate(compared.lines)
        if everything or (line.drift and index not in compared.waived) or line.kind is Kind.NOT_DEPLOYED
    ]
    rows = [_row(line, waived=index in compared.waived) for index, line in shown]
    show_table(HEADER, rows, empty="Nothing differs from what is approved.")
    indexes = {index for index, _ in shown}
    left = Counter(
        "waived" if index in compared.waived else line.kind.value
        for index, line in enumerate(compared.lines)
        if index not in indexes
    )
    if left:
        note(
            f"not shown: {', '.join(f'{count} {kind}' for kind, count in sorted(left.items()))}; --all shows everything"
        )


def _row(line: Line, *, waived: bool) -> tuple[str, ...]:
    it = line.deployment
    near = f"; nearest: {line.near.server.name} ({line.near.how})" if line.near else ""
    stands = f"{line.kind.value}, disabled" if it and it.disabled and line.kind is Kind.SHADOW else line.kind.value
    stands = "LOOKALIKE" if line.near and line.near.lookalike else stands
    stands += ", waived" if waived else ""
    where = (it.host, it.client) if it else ("", "")
    return (stands, line.server, *where, line.words + near, line.mend, line.owner, it.location if it else "")


def _counts(lines: Sequence[Line], by: str) -> dict[str, Counter[Kind]]:
    counted: dict[str, Counter[Kind]] = {}
    for line in lines:
        counted.setdefault(KEYS[by](line), Counter())[line.kind] += 1
    return dict(sorted(counted.items()))


def _show_counts(lines: Sequence[Line], by: str) -> None:
    counted = _counts(lines, by)
    kinds = [kind for kind in Kind if any(counts[kind] for counts in counted.values())]
    header = [Column(by), *(Column(kind.value) for kind in kinds)]
    rows = [[name, *(str(counts[kind]) for kind in kinds)] for name, counts in counted.items()]
    show_table(header, rows, empty="The registry lists no server, and nothing is known to be deployed.")


def _json(compared: Compared, by: str | None) -> dict[str, object]:
    found: dict[str, object] = {
        "drift": compared.drift,
        "lines": [_line_json(line, waived=index in compared.waived) for index, line in enumerate(compared.lines)],
        "enforcement": enforced_json(compared.enforced),
        "not_read": [*(str(unknown) for unknown in compared.unread), *compared.partly],
    }
    if by:
        groups = _counts(compared.lines, by)
        found |= {f"by_{by}": {name: {kind.value: n for kind, n in counts.items()} for name, counts in groups.items()}}
    return found


def _line_json(line: Line, *, waived: bool) -> dict[str, object]:
    it = line.deployment
    return {
        "stands": line.kind.value,
        "drift": line.drift,
        "waived": waived,
        "rule": RULE_OF.get(line.kind),
        "server": line.server,
        "owner": line.owner or None,
        "host": it.host if it else None,
        "client": it.client if it else None,
        "location": it.location if it else None,
        "name": it.name if it else None,
        "pinned": it.kind.value if it else None,
        "runs": str(it.runs) if it and it.runs else None,
        "on_the_disk": str(it.installed) if it and it.installed else None,
        "remote": it.remote if it else None,
        "disabled": bool(it and it.disabled),
        "redirects": list(it.redirects) if it else [],
        "approved": line.approved or None,
        "what": line.words,
        "mend": line.mend or None,
        "nearest": {"server": line.near.server.name, "how": line.near.how, "lookalike": line.near.lookalike}
        if line.near
        else None,
        "subject": it.key if it else line.server,
    }
