"""Results on stdout: a table for a terminal, aligned lines for a pipe, JSON for a machine. No untrusted text reaches a terminal raw."""

import json
import sys
from collections.abc import Sequence
from itertools import zip_longest

from rich.console import Console
from rich.text import Text

from monitor.commands.table import GAP, Column, fit, pad, wrap
from monitor.domain.finding import Severity, Tracked
from monitor.domain.text import one_line
from monitor.domain.unknown import Reason, Unknown
from monitor.domain.waiver import Waiver
from monitor.jobs.overview import ServerLine
from monitor.rules.documentation import remedy
from monitor.wording import answered_words

LONGEST_CELL = 300
"""Of a sentence."""
LONGEST_NAME = 4000
"""Of a cell: what strangers wrote may be longer, nothing that has a name is."""
LONGEST_PAD = 120
"""In a pipe: a longer cell pushes the rest of its own line, not of every line."""
SHORT = 8
"""Characters of a finding's fingerprint, by which commands name it."""
STYLES = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.INFO: "dim",
}


def show_table(header: Sequence[Column], rows: Sequence[Sequence[str]], *, empty: str) -> None:
    """Write a table to stdout, fitted to a terminal, and whole into a pipe; `empty` is the sentence for no rows."""
    lines = [[one_line(cell, LONGEST_NAME) for cell in row] for row in rows]
    if not lines:
        say(empty)
    elif sys.stdout.isatty():
        _draw(header, lines)
    else:
        names = [column.name for column in header]
        widths = [min(max(map(len, column)), LONGEST_PAD) for column in zip(names, *lines, strict=True)]
        for line in (names, *lines):
            say(GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)))


def _draw(header: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    console = Console(highlight=False)
    fitted = fit(header, rows, console.width)
    for number, row in enumerate(([column.name for column in header], *rows)):
        shown = [(row[index], width) for index, width in zip(fitted.shown, fitted.widths, strict=True)]
        for parts in zip_longest(*(wrap(cell, width) for cell, width in shown), fillvalue=""):
            line = Text(GAP).join(
                Text(pad(part, width), style=_style(cell) if number else "bold")
                for part, (cell, width) in zip(parts, shown, strict=True)
            )
            line.rstrip()
            console.print(line, soft_wrap=True)
    if left_out := [column.name for index, column in enumerate(header) if index not in fitted.shown]:
        text = f"No room for: {', '.join(left_out)}. A wider terminal, a pipe or --json has everything."
        console.print(Text(text, style="dim"), soft_wrap=True)


def show_json(value: object) -> None:
    """Write one JSON document to stdout; escapes keep control characters off a terminal."""
    say(json.dumps(value, indent=2, ensure_ascii=True, default=str))


def say(line: str) -> None:
    """Write one line to stdout."""
    sys.stdout.write(line.rstrip() + "\n")


def note(line: str) -> None:
    """Write one line to stderr."""
    sys.stderr.write(one_line(line, 1000) + "\n")


def finding_row(tracked: Tracked, answer: Waiver | None = None) -> tuple[str, ...]:
    """Return the cells of one finding, with who answers for it; `FINDING_HEADER` names them."""
    finding = tracked.finding
    because = f": {tracked.note}" if tracked.note else ""
    shown = f"open, {answered_words(answer)}" if answer else "open"
    state = shown if tracked.resolved_at is None else f"resolved {tracked.resolved_at:%Y-%m-%d}{because}"
    return (
        finding.severity.value,
        finding.server,
        finding.rule,
        finding.summary,
        f"{tracked.opened_at:%Y-%m-%d}",
        state,
        finding.fingerprint[:SHORT],
    )


FINDING_HEADER = (
    Column("severity"),
    Column("server"),
    Column("rule"),
    Column("what"),
    Column("since", gives_way=2),
    Column("state", gives_way=1),
    Column("id"),
)


def answer_json(answer: Waiver | None) -> dict[str, object] | None:
    """Return who answers for a finding as JSON; None: nobody."""
    if answer is None:
        return None
    return {
        "kind": answer.kind.value,
        "by": answer.by,
        "reason": answer.reason,
        "expires_at": answer.expires_at.isoformat(),
        "id": answer.id or None,
    }


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
        "remedy": remedy(finding.rule) or None,
        "about": str(finding.about) if finding.about else None,
        "facts": [{"label": fact.label, "value": fact.value, "source": fact.source} for fact in finding.facts],
        "opened_at": tracked.opened_at.isoformat(),
        "resolved_at": tracked.resolved_at.isoformat() if tracked.resolved_at else None,
        "note": tracked.note or None,
        "occurrences": tracked.occurrences,
    }


LINE_HEADER = (
    Column("server"),
    Column("approved"),
    Column("newest seen", gives_way=1),
    Column("deployed"),
    Column("verification", gives_way=2),
    Column("advisories", gives_way=3),
    Column("findings"),
    Column("could not check"),
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
        "quarantined": list(line.quarantined),
        "findings": line.findings,
        "worst": line.worst.value if line.worst else None,
        "could_not_check": [str(each) for each in _blind(line)],
    }


def _line_row(line: ServerLine) -> tuple[str, ...]:
    findings = f"{line.findings} ({line.worst.value})" if line.worst else str(line.findings)
    blind = ", ".join(dict.fromkeys(each.source for each in _blind(line)))
    advisories = (
        f"QUARANTINED {', '.join(line.quarantined)}; {line.advisories}" if line.quarantined else line.advisories
    )
    shown = (line.name, line.approved, line.newest_seen, line.deployed, line.verification, advisories)
    return (*shown, findings, blind)


def _blind(line: ServerLine) -> list[Unknown]:
    """What no source covers was no failure to check."""
    return [each for each in line.unknowns if each.reason is not Reason.NOT_COVERED]


def worst_first(tracked: Sequence[Tracked]) -> list[Tracked]:
    """Sort by severity, then server, then age."""
    return sorted(tracked, key=lambda each: (-each.finding.severity.rank, each.finding.server, each.opened_at))


def _style(cell: str) -> str:
    return STYLES[Severity(cell)] if cell in set(Severity) else ""
