"""`servers`, `findings`: what is kept, shown."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from monitor import wiring, wiring_sources
from monitor.commands.names import refuse_unknown
from monitor.commands.opening import open_settings, read_registry, recall
from monitor.commands.output import (
    FINDING_HEADER,
    answer_json,
    finding_json,
    finding_row,
    line_json,
    note,
    show_json,
    show_lines,
    show_table,
    worst_first,
)
from monitor.domain.server import Entry
from monitor.ending import ExitCode
from monitor.jobs import recall as memory
from monitor.jobs.overview import overview
from monitor.report import still_unknown


def show_servers(config: Path, *, as_json: bool) -> int:
    """List the registry file's entries with what is known of each; the file's problems go to stderr."""
    settings = open_settings(config, only_store=True)
    registry = read_registry(settings)
    inventories = [source.name for source in wiring.inventories(settings, Path.home())]
    known = recall(settings, lambda unit: memory.recall(unit, registry.entries, inventories=inventories))
    unknowns = still_unknown(registry, known.health)
    lines = overview(known, wiring.utc_now(), unknowns, database=wiring_sources.main_database(settings))
    if as_json:
        entries = {entry.server.name: entry for entry in registry.entries}
        show_json([line_json(line) | _server_json(entries[line.name]) for line in lines])
    else:
        show_lines(lines)
    for problem in registry.problems:
        note(f"{registry.path}, line {problem.line}: {problem.name}: {problem.message}")
    return ExitCode.USAGE if registry.problems and not registry.entries else ExitCode.QUIET


def show_findings(config: Path, *, servers: Sequence[str], resolved: bool, as_json: bool) -> int:
    """List findings, worst first, with who answers for them."""
    settings, now = open_settings(config, only_store=True), wiring.utc_now()
    found, listed, given = recall(settings, lambda unit: (unit.findings(), unit.entries(), unit.waivers(now)))
    refuse_unknown(servers, {each.finding.server for each in found} | set(listed))
    configured = wiring.policy(settings.config)
    policy = replace(configured, waivers=(*configured.waivers, *given))
    tracked = [each for each in found if not servers or each.finding.server in servers]
    shown = worst_first([each for each in tracked if resolved or each.open])
    answers = [
        (policy.waiver(each.finding, now) or policy.acknowledgement(each.finding, now)) if each.open else None
        for each in shown
    ]
    if as_json:
        show_json(
            [
                finding_json(each) | {"answered": answer_json(answer)}
                for each, answer in zip(shown, answers, strict=True)
            ]
        )
    else:
        rows = [finding_row(each, answer) for each, answer in zip(shown, answers, strict=True)]
        show_table(FINDING_HEADER, rows, empty="No findings.")
    return ExitCode.QUIET


def _server_json(entry: Entry) -> dict[str, object]:
    server, approval = entry.server, entry.approval
    approved = approval and {
        "version": approval.pin.purl.version,
        "digests": sorted(map(str, approval.pin.digests)),
        "publisher": approval.pin.publisher.repository if approval.pin.publisher else None,
        "by": approval.approved_by,
        "at": approval.approved_at.isoformat() if approval.approved_at else None,
        "expires_at": approval.expires_at.isoformat() if approval.expires_at else None,
        "ticket": approval.ticket or None,
    }
    return {
        "name": server.name,
        "package": str(server.package) if server.package else None,
        "remote": server.remote,
        "repository": str(server.repository) if server.repository else None,
        "owner": server.owner,
        "tier": server.tier,
        "approval": approved,
        "line": entry.line,
    }
