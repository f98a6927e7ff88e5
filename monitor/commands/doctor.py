"""`doctor`: what was found, line by line, and what to do."""

import asyncio
import os
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from monitor import wiring_sources
from monitor.commands.opening import build_app, open_settings
from monitor.commands.output import LONGEST_CELL, say
from monitor.doctor import Line, Status, examine
from monitor.domain.text import one_line
from monitor.ending import ExitCode

STYLES = {Status.OK: "green", Status.WARN: "yellow", Status.FAIL: "bold red"}


def examine_and_tell(config: Path) -> int:
    """Show every line as it comes; 1 when something failed."""
    settings = open_settings(config, reports=True)
    app = build_app(settings, out=sys.stdout)
    said_by = wiring_sources.said_by(settings, os.environ, Path.home())
    worst: set[Status] = set()

    async def tell() -> None:
        async for line in examine(app, settings, said_by=said_by):
            worst.add(line.status)
            _show(line)

    asyncio.run(tell())
    return ExitCode.FINDINGS if Status.FAIL in worst else ExitCode.QUIET


def _show(line: Line) -> None:
    found = one_line(line.found, LONGEST_CELL)
    if sys.stdout.isatty():
        Console().print(Text.assemble((f"{line.status:<5}", STYLES[line.status]), f"{line.part:<31}", found))
    else:
        say(f"{line.status:<5}{line.part:<31}{found}")
    if line.remedy:
        say(f"     -> {one_line(line.remedy, LONGEST_CELL)}")
    sys.stdout.flush()
