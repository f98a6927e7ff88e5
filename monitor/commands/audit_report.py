"""`audit report`: a quarter for an auditor, as one page or as sheets."""

import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from monitor import wiring
from monitor.commands.files import READABLE
from monitor.commands.opening import open_settings, recall
from monitor.commands.output import note, say
from monitor.domain.text import one_line
from monitor.ending import ExitCode, Stop
from monitor.jobs.audit_period import Period
from monitor.jobs.audit_report import Report, report
from monitor.ports.store import UnitOfWork
from monitor.reports.audit_tables import TABLES
from monitor.reports.page import write_page
from monitor.reports.section import Section
from monitor.reports.sheet import write_sheet

Format = Literal["html", "csv"]
MONTHS, QUARTERS = 3, 4
SHOWN = 5
"""Foreign files that are named."""


def audit_report(config: Path, quarter: str, output: Path, *, form: Format, timezone: str) -> int:
    """Write the report; exit code 1 where the audit log does not hold."""
    period, now = read_period(quarter, timezone), wiring.utc_now()
    if period.begin > now:
        raise Stop(f"--quarter: {period.name} has not begun: nothing is known of it", ExitCode.USAGE)
    if form == "csv":
        _require_ours(output)
    settings = open_settings(config, reports=True, only_store=True)
    policy = wiring.policy(settings.config)

    def work(unit: UnitOfWork) -> bool:
        found = report(unit, period, policy, everything=form == "csv", over=period.end <= now)
        try:
            _page(found, period, output) if form == "html" else _sheets(found.sections, output)
        except OSError as error:
            raise Stop(f"{output}: {error.strerror}", ExitCode.USAGE) from error
        return found.whole

    whole = recall(settings, work)
    say(f"{output}: {period.name}, {period.begin:%Y-%m-%d %H:%M} to {period.end:%Y-%m-%d %H:%M} UTC.")
    if period.end > now:
        note(f"{period.name} is not over yet: the report holds what is known so far")
    if not whole:
        note("the audit log does not hold: the report says where; mcp-monitor audit verify")
    return ExitCode.QUIET if whole else ExitCode.FINDINGS


def read_period(quarter: str, timezone: str) -> Period:
    """Read `2026Q4`, whose days begin in that time zone. Raises `Stop`."""
    found = re.fullmatch(r"([12][0-9]{3})-?[Qq]([1-4])", quarter.strip())
    if not found:
        raise Stop(f"--quarter: expected 2026Q4, got {one_line(quarter, 30)}", ExitCode.USAGE)
    year, number = int(found[1]), int(found[2])
    zone = _zone(timezone)
    begin = datetime(year, (number - 1) * MONTHS + 1, 1, tzinfo=zone)
    last = number == QUARTERS
    end = datetime(year + last, 1 if last else number * MONTHS + 1, 1, tzinfo=zone)
    return Period(f"{year}Q{number}", begin.astimezone(UTC), end.astimezone(UTC))


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Stop(f"--timezone: {one_line(name, 50)} is none that this machine knows", ExitCode.USAGE) from error


def _require_ours(folder: Path) -> None:
    """Refuse a folder that holds something else: whoever reads the report there would take it for a part."""
    try:
        there = sorted(each.name for each in folder.iterdir()) if folder.exists() else []
    except OSError as error:
        raise Stop(f"--output: {folder}: {error.strerror}", ExitCode.USAGE) from error
    ours = tuple(f"{name}.csv" for name in TABLES)
    # A name that begins with a dot and a sheet's is what a report that was ended halfway left.
    foreign = [name for name in there if name not in ours and not name.startswith(tuple(f".{each}." for each in ours))]
    if foreign:
        more = f" and {len(foreign) - SHOWN} more" if len(foreign) > SHOWN else ""
        shown = ", ".join(one_line(name, 100) for name in foreign[:SHOWN])
        raise Stop(f"--output: {folder} holds what is no report's: {shown}{more}; name another folder", ExitCode.USAGE)


def _page(found: Report, period: Period, output: Path) -> None:
    _write(output, write_page(f"MCP servers in {period.name}", found.lead, found.sections))


def _sheets(sections: Iterable[Section], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for each in sections:
        _write(folder / f"{each.name}.csv", each)


def _write(path: Path, what: Section | Iterable[str]) -> None:
    """Replace the file at once, however long it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(
        "w", encoding="utf-8", newline="", dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as file:
        place = Path(file.name)
        try:
            if isinstance(what, Section):
                write_sheet(file, what.header, what.rows)
            else:
                file.writelines(what)
            file.flush()
            os.fsync(file.fileno())
            place.chmod(READABLE)
            place.replace(path)
        finally:
            place.unlink(missing_ok=True)
