"""`run`: the cron one-shot, its progress, and what it shows at its end."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from monitor.app import App
from monitor.commands.opening import build_app, open_settings, require_schema, store_errors
from monitor.commands.output import (
    FINDING_HEADER,
    finding_json,
    finding_row,
    line_json,
    note,
    say,
    show_json,
    show_lines,
    show_table,
)
from monitor.commands.table import Column
from monitor.domain.finding import Severity
from monitor.domain.unknown import Reason, Unknown
from monitor.ending import ExitCode, Stop
from monitor.report import Report
from monitor.runner import FULL, Progress, run

SHOWN = 3
"""Things that could not be checked, a source."""


def run_once(config: Path, jobs: Sequence[str], *, servers: Sequence[str], as_json: bool) -> int:
    """Run the jobs and show the report; return its exit code."""
    settings = open_settings(config, reports=True)
    app = build_app(settings, out=sys.stderr if as_json else sys.stdout)
    require_schema(app.store)
    with store_errors(), _progress() as progress:
        account = _Account(progress)
        try:
            report = asyncio.run(_run(app, jobs or FULL, servers, account))
        except KeyboardInterrupt:
            raise Stop(f"interrupted. {account.told()}", ExitCode.INTERRUPTED) from None
    if as_json:
        show_json(_as_json(report))
    else:
        show(report)
    for line in (*report.problems, *settings.ended_waivers(app.clock())):
        note(line)
    return report.exit_code


async def _run(app: App, jobs: Sequence[str], servers: Sequence[str], account: "_Account") -> Report:
    """Run; SIGTERM cancels, which gives the claims back."""
    task = asyncio.current_task()
    terminated = asyncio.Event()

    def terminate() -> None:
        terminated.set()
        if task:
            task.cancel()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminate)
    try:
        return await run(app, jobs, servers=servers or None, forced=True, progress=account)
    except asyncio.CancelledError:
        if not terminated.is_set():
            raise
        raise Stop(f"stopped by SIGTERM. {account.told()}", ExitCode.TERMINATED) from None


# --- progress ---------------------------------------------------------------------------------------------------------


class _Account:
    """Shows progress, and remembers it for the last words of a run that is stopped."""

    def __init__(self, shown: Progress) -> None:
        self._shown = shown
        self._totals: dict[str, int] = {}
        self._steps: dict[str, int] = {}
        self._ended: set[str] = set()

    def start(self, job: str, total: int) -> None:
        self._totals[job] = total
        self._shown.start(job, total)

    def step(self, job: str, done: int) -> None:
        self._steps[job] = self._steps.get(job, 0) + done
        self._shown.step(job, done)

    def end(self, job: str) -> None:
        self._ended.add(job)
        self._shown.end(job)

    def told(self) -> str:
        """Say what was done, and that a repetition does no harm."""
        begun = [
            f"{job} (stopped after {self._steps.get(job, 0)} of {total} servers)" if total else f"{job} (stopped)"
            for job, total in self._totals.items()
            if job not in self._ended
        ]
        done = ", ".join([*(job for job in self._totals if job in self._ended), *begun]) or "nothing"
        return (
            f"Done: {done}. What was recorded is kept, and the servers in hand were given back. "
            "Repeating the run is safe: nothing is told twice."
        )


class _Lines:
    """For a log: a line when a job begins."""

    def start(self, job: str, total: int) -> None:
        note(f"{job}: {total} servers" if total else job)

    def step(self, job: str, done: int) -> None:
        """Say nothing more."""

    def end(self, job: str) -> None:
        """Say nothing more."""


class _Drawn:
    """For a terminal: a bar for each job."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def start(self, job: str, total: int) -> None:
        self._tasks[job] = self._bars.add_task(job, total=total or None)

    def step(self, job: str, done: int) -> None:
        self._bars.advance(self._tasks[job], done)

    def end(self, job: str) -> None:
        task = self._tasks[job]
        total = self._bars.tasks[task].total or 1
        self._bars.update(task, total=total, completed=total)


@contextmanager
def _progress() -> Iterator[Progress]:
    """Draw bars on stderr where that is a terminal, else write lines there."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield _Lines()
        return
    columns = (TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        yield _Drawn(bars)


# --- the report -------------------------------------------------------------------------------------------------------


def show(report: Report) -> None:
    """Show servers, findings, what could not be checked, and a last line that says it all."""
    if report.exit_code == ExitCode.USAGE:
        return
    show_lines(report.servers)
    findings = [each for each in report.findings if each.finding.fingerprint not in report.waived]
    told = [each for each in findings if each.finding.severity > Severity.INFO]
    if told:
        say("")
        rows = [finding_row(each, report.acknowledged.get(each.finding.fingerprint)) for each in told]
        show_table(FINDING_HEADER, rows, empty="")
    blind = [each for each in report.unknowns if each.reason is not Reason.NOT_COVERED]
    if blind:
        say("\nCOULD NOT CHECK")
        show_table([Column(name) for name in ("source", "reason", "detail")], _unknown_rows(blind), empty="")
    say(f"\n{_verdict(report, len(findings), len(findings) - len(told), len(blind))}")


def _verdict(report: Report, findings: int, infos: int, blind: int) -> str:
    parts = [f"{len(report.servers)} servers", f"{findings} open findings"]
    parts += [f"{infos} of them for information (`mcp-monitor findings` lists them)"] if infos else []
    parts += [f"{len(report.waived)} waived"] if report.waived else []
    parts += [f"{blind} things could not be checked"] if blind else []
    parts += [f"{len(report.problems)} problems (see stderr)"] if report.problems else []
    parts += ["interrupted"] if report.interrupted else []
    meaning = {
        0: "quiet",
        1: "findings at or above the threshold",
        2: "wrong usage or configuration",
        3: "something could not be checked",
    }
    return f"{', '.join(parts)}. Exit code {report.exit_code}: {meaning.get(report.exit_code, '')}."


def _unknown_rows(unknowns: Sequence[Unknown]) -> list[tuple[str, str, str]]:
    """A few of each source: one that is away fails for every package."""
    by_source: dict[tuple[str, str], list[str]] = {}
    for unknown in unknowns:
        by_source.setdefault((unknown.source, unknown.reason.value), []).append(unknown.detail)
    rows: list[tuple[str, str, str]] = []
    for (source, reason), details in by_source.items():
        rows += [(source, reason, detail) for detail in details[:SHOWN]]
        if len(details) > SHOWN:
            rows.append((source, reason, f"and {len(details) - SHOWN} more (--json has all)"))
    return rows


def _as_json(report: Report) -> dict[str, object]:
    return {
        "exit_code": report.exit_code,
        "jobs": list(report.jobs),
        "interrupted": report.interrupted,
        "servers": [line_json(line) for line in report.servers],
        "findings": [
            finding_json(each) | {"waived": each.finding.fingerprint in report.waived} for each in report.findings
        ],
        "unknowns": [
            {"source": each.source, "reason": each.reason.value, "detail": each.detail} for each in report.unknowns
        ],
        "problems": list(report.problems),
    }
