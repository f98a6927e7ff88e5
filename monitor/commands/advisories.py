"""`advisories`: what names the versions now, and who was asked when, from what is kept."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from monitor import wiring
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


def show_advisories(config: Path, *, servers: Sequence[str], as_json: bool) -> int:
    """List the open findings that come from advisories, and who was asked when."""
    settings = open_settings(config, only_store=True)
    found, health, lists, unresolved = recall(settings, partial(_kept, databases=wiring.databases(settings)))
    shown = worst_first([each for each in found if not servers or each.finding.server in servers])
    if as_json:
        sources = {each.source: _health_json(each) for each in health}
        days = {name: as_of.date().isoformat() for name, (as_of, _) in lists.items()}
        show_json(
            {
                "advisories": [finding_json(each) for each in shown],
                "sources": sources,
                "risks_as_of": days,
                "not_resolved": unresolved,
            }
        )
        return ExitCode.QUIET
    show_table(
        HEADER,
        [_row(each) for each in shown],
        empty="No advisory names a version that is approved, deployed or under review.",
    )
    for each in health:
        answered = f"answered {each.answered_at:%Y-%m-%d %H:%M} UTC" if each.answered_at else "never answered"
        say(f"{each.source}: {answered}" + (f"; now: {one_line(each.detail, 500)}" if each.failing_since else ""))
    for name, (as_of, _) in lists.items():
        say(f"{name}: of {as_of:%Y-%m-%d}")
    if not health:
        note("No advisory source was ever asked: mcp-monitor run")
    if unresolved:
        note(
            f"Not looked at: {sum(unresolved.values())} declared dependencies of no known version; name a lock file or an SBOM."
        )
    return ExitCode.QUIET


def _kept(
    unit: UnitOfWork, databases: Collection[str]
) -> tuple[list[Tracked], list[SourceHealth], dict[str, tuple[datetime, object]], dict[str, int]]:
    found = [each for each in unit.findings() if each.open and each.finding.rule in RULES]
    asked = [each for name, each in sorted(unit.health().items()) if name in databases]
    entries = unit.entries().values()
    pins = [entry.approval.pin.purl for entry in entries if entry.approval and sources_of(entry.server)]
    brought = unit.dependencies(pins).values()
    unresolved = {str(each.of): len(each.unresolved) for each in brought if each.unresolved}
    return found, asked, dict(unit.risk_lists()), unresolved


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
