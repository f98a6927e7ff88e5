"""`advisories`: what names the versions now, and who was asked when, from what is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from monitor import wiring_sources
from monitor.commands.names import refuse_unknown
from monitor.commands.opening import open_settings, recall
from monitor.commands.output import finding_json, note, say, show_json, show_table, worst_first
from monitor.commands.table import Column
from monitor.domain.finding import Tracked
from monitor.domain.health import SourceHealth
from monitor.domain.text import one_line
from monitor.ending import ExitCode
from monitor.jobs.overview import NAMED_BY_ADVISORIES
from monitor.jobs.recall import sources_of
from monitor.ports.store import UnitOfWork

RULES = (*NAMED_BY_ADVISORIES, "risk-changed")
HEADER = (
    Column("severity"),
    Column("server"),
    Column("what"),
    Column("fixed in"),
    Column("approved fix", gives_way=1),
    Column("deployed on", gives_way=2),
    Column("since", gives_way=3),
)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What the store knows. `asked` are the sources that are there to be asked, those that never were included."""

    found: tuple[Tracked, ...]
    servers: frozenset[str]
    asked: tuple[SourceHealth, ...]
    lists: Mapping[str, datetime]
    unresolved: Mapping[str, int]
    """By version, how many declared dependencies nobody looked at."""

    @property
    def silent(self) -> tuple[SourceHealth, ...]:
        """The sources without which nothing that is listed is all that there is."""
        return tuple(each for each in self.asked if each.failing_since or not each.answered_at)


def show_advisories(config: Path, *, servers: Sequence[str], as_json: bool) -> int:
    """List the open findings that come from advisories, and who was asked when; exit code 3 unless every source answered last."""
    settings = open_settings(config, only_store=True)
    has_token = bool(settings.secret("sources.github.token"))
    kept = recall(settings, partial(_kept, databases=wiring_sources.databases(settings), all_asked=has_token))
    refuse_unknown(servers, kept.servers)
    shown = worst_first([each for each in kept.found if not servers or each.finding.server in servers])
    if as_json:
        show_json(
            {
                "advisories": [finding_json(each) for each in shown],
                "sources": {each.source: _health_json(each) for each in kept.asked},
                "risks_as_of": {name: as_of.date().isoformat() for name, as_of in kept.lists.items()},
                "not_resolved": kept.unresolved,
            }
        )
    else:
        _show(kept, shown)
    for each in kept.silent:
        why = f"it failed last: {one_line(each.detail, 500)}" if each.failing_since else "it never answered"
        note(f"What {each.source} knows is missing here: {why}; mcp-monitor run advisories")
    if not kept.asked:
        note("No advisory source is configured: nobody was asked.")
    return ExitCode.UNCHECKED if kept.silent or not kept.asked else ExitCode.QUIET


def _show(kept: _Kept, shown: Sequence[Tracked]) -> None:
    everybody = bool(kept.asked) and not kept.silent
    none = "No advisory names a version that is approved, deployed or under review."
    unknown = "No advisory is known; not every source could be asked."
    show_table(HEADER, [_row(each) for each in shown], empty=none if everybody else unknown)
    for each in kept.asked:
        answered = f"answered {each.answered_at:%Y-%m-%d %H:%M} UTC" if each.answered_at else "never answered"
        say(f"{each.source}: {answered}" + (f"; now: {one_line(each.detail, 500)}" if each.failing_since else ""))
    for name, as_of in kept.lists.items():
        say(f"{name}: of {as_of:%Y-%m-%d}")
    if kept.unresolved:
        count = sum(kept.unresolved.values())
        note(f"Not looked at: {count} declared dependencies of no known version; name a lock file or an SBOM.")


def _kept(unit: UnitOfWork, *, databases: Sequence[str], all_asked: bool) -> _Kept:
    """`databases` begin with the one that answers for all packages; the others are asked with a token only."""
    findings, health, entries = unit.findings(), unit.health(), unit.entries().values()
    asked = [name for name in databases if all_asked or name == databases[0] or name in health]
    packages = {package for entry in entries for package in sources_of(entry.server)}
    pins = {entry.approval.pin.purl for entry in entries if entry.approval}
    pins |= {runs for each, _ in unit.deployments(packages) if (runs := each.runs)}
    brought = unit.dependencies(pins).values()
    return _Kept(
        found=tuple(each for each in findings if each.open and each.finding.rule in RULES),
        servers=frozenset({each.finding.server for each in findings} | {entry.server.name for entry in entries}),
        asked=tuple(health.get(name, SourceHealth(name, None, None)) for name in asked),
        lists={name: as_of for name, (as_of, _) in unit.risk_lists().items()},
        unresolved={str(each.of): len(each.unresolved) for each in brought if each.unresolved},
    )


def _row(tracked: Tracked) -> tuple[str, ...]:
    facts = {fact.label: fact.value for fact in tracked.finding.facts}
    return (
        tracked.finding.severity.value,
        tracked.finding.server,
        tracked.finding.summary,
        facts.get("fixed in", ""),
        facts.get("approved fix", ""),
        facts.get("deployed on", ""),
        f"{tracked.opened_at:%Y-%m-%d}",
    )


def _health_json(health: SourceHealth) -> dict[str, object]:
    return {
        "answered_at": health.answered_at.isoformat() if health.answered_at else None,
        "failing_since": health.failing_since.isoformat() if health.failing_since else None,
        "detail": health.detail or None,
    }
