"""Results on stdout: a table for a terminal, aligned lines for a pipe, JSON for a machine. No untrusted text reaches a terminal raw."""

import json
import sys
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitor.domain.finding import Severity, Tracked
from monitor.domain.text import one_line
from monitor.domain.unknown import Reason, Unknown
from monitor.jobs.overview import ServerLine

LONGEST_CELL = 300
STYLES = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.INFO: "dim",
}


def show_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str) -> None:
    """Write a table to stdout; `empty` is the sentence for no rows."""
    lines = [[one_line(cell, LONGEST_CELL) for cell in row] for row in rows]
    if not lines:
        say(empty)
    elif sys.stdout.isatty():
        table = Table(*header, header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
        for line in lines:
            table.add_row(*(Text(cell, style=_style(cell)) for cell in line))
        Console().print(table)
    else:
        widths = [max(map(len, column)) for column in zip(header, *lines, strict=True)]
        for line in (list(header), *lines):
            say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)))


def show_json(value: object) -> None:
    """Write one JSON document to stdout; escapes keep control characters off a terminal."""
    say(json.dumps(value, indent=2, ensure_ascii=True, default=str))


def say(line: str) -> None:
    """Write one line to stdout."""
    sys.stdout.write(line.rstrip() + "\n")


def note(line: str) -> None:
    """Write one line to stderr."""
    sys.stderr.write(one_line(line, 1000) + "\n")


def finding_row(tracked: Tracked) -> tuple[str, ...]:
    """Return the cells of one finding; `FINDING_HEADER` names them."""
    finding = tracked.finding
    state = "open" if tracked.resolved_at is None else f"resolved {tracked.resolved_at:%Y-%m-%d}"
    return (
        finding.severity.value,
        finding.server,
        finding.rule,
        finding.summary,
        f"{tracked.opened_at:%Y-%m-%d}",
        state,
    )


FINDING_HEADER = ("severity", "server", "rule", "what", "since", "state")


def finding_json(tracked: Tracked) -> dict[str, object]:
    """Return one finding as JSON: fingerprint, rule, server, subject, severity, …; times in ISO 8601, UTC."""
    finding = tracked.finding
    return {
        "fingerprint": finding.fingerprint,
        "rule": finding.rule,
        "server": finding.server,
        "subject": finding.subject,
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "summary": finding.summary,
        "about": str(finding.about) if finding.about else None,
        "facts": [{"label": fact.label, "value": fact.value, "source": fact.source} for fact in finding.facts],
        "opened_at": tracked.opened_at.isoformat(),
        "resolved_at": tracked.resolved_at.isoformat() if tracked.resolved_at else None,
        "occurrences": tracked.occurrences,
    }


LINE_HEADER = (
    "server",
    "approved",
    "newest seen",
    "deployed",
    "verification",
    "advisories",
    "findings",
    "could not check",
)


def show_lines(lines: Sequence[ServerLine]) -> None:
    """Show the servers as a table."""
    show_table(LINE_HEADER, [_line_row(line) for line in lines], empty="The registry lists no server.")


def line_json(line: ServerLine) -> dict[str, object]:
    """Return one server's line as JSON."""
    return {
        "name": line.name,
        "approved": line.approved,
        "newest_seen": line.newest_seen,
        "deployed": line.deployed,
        "verification": line.verification,
        "advisories": line.advisories,
        "findings": line.findings,
        "worst": line.worst.value if line.worst else None,
        "could_not_check": [str(each) for each in _blind(line)],
    }


def _line_row(line: ServerLine) -> tuple[str, ...]:
    findings = f"{line.findings} ({line.worst.value})" if line.worst else str(line.findings)
    blind = ", ".join(dict.fromkeys(each.source for each in _blind(line)))
    shown = (line.name, line.approved, line.newest_seen, line.deployed, line.verification, line.advisories)
    return (*shown, findings, blind)


def _blind(line: ServerLine) -> list[Unknown]:
    """What no source covers was no failure to check."""
    return [each for each in line.unknowns if each.reason is not Reason.NOT_COVERED]


def worst_first(tracked: Sequence[Tracked]) -> list[Tracked]:
    """Sort by severity, then server, then age."""
    return sorted(tracked, key=lambda each: (-each.finding.severity.rank, each.finding.server, each.opened_at))


def _style(cell: str) -> str:
    return STYLES[Severity(cell)] if cell in set(Severity) else ""
