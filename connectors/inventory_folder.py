"""A folder into which hosts drop their reports: one file a host, of which the newest counts.

Knows: what each host said last, and when. Does not know: whether a host that says nothing any more is gone or only silent. A file appears
whole or not at all (written beside, and renamed); one that is half there is a problem and no loss: nothing of its host that was seen
before counts as gone, and where it cannot be told whose it is nothing of any host without a report. Nothing is deleted.

The shape of a report is told at the top of `connectors/_host_report.py`.
"""

import asyncio
import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from connectors._host_report import MAX_BYTES, Report, read_report
from connectors._reading_files.opening import opened
from monitor.domain.deployment import FORGOTTEN_AFTER, Deployment, HostReport, Inventory
from monitor.ports.errors import Malformed, SourceError, Unavailable
from monitor.ports.sources import Clock, DeploymentSource

NAME = "inventory-folder"
PATTERN = "*.jsonl"
MAX_FILES = 100_000
MAX_PROBLEMS = 1000
"""More are counted, not listed."""

State = tuple[int, int, int]
"""Of a file: when it was written (nanoseconds), its bytes, its number. While they are the same its content is."""

Newest = tuple[tuple[datetime, datetime, Path], Report]
"""A report, after when its host was heard of, when it says it was written, and its file."""


def build(path: str | Path, *, clock: Clock, pattern: str = PATTERN, fleet: str = "") -> DeploymentSource:
    """Read the folder anew at each call; of files that did not change what was read before is taken.

    A folder of one `fleet` alone: its hosts are called `fleet/host`, since no other fleet's word says anything of them.
    """
    return InventoryFolder(Path(path), pattern, clock, fleet)


class InventoryFolder:
    """One folder."""

    def __init__(self, path: Path, pattern: str, clock: Clock, fleet: str) -> None:
        """Hold the name; nothing is read yet."""
        self._path = path
        self._pattern = pattern
        self._fleet = fleet
        self._clock = clock
        self._read: dict[Path, tuple[State, Report]] = {}

    @property
    def name(self) -> str:
        """The connector's name and its place, for people."""
        return f"{NAME} {self._path}"

    async def inventory(self) -> Inventory:
        """Return what every host reported last. Raises Unavailable where there is no such folder, Malformed where it holds too much."""
        return await asyncio.to_thread(self._all)

    def _all(self) -> Inventory:
        newest: dict[str, Newest] = {}
        problems: list[str] = []
        slow: list[str] = []
        kept: dict[Path, tuple[State, Report]] = {}
        now = self._clock()
        for path in self._files():
            try:
                state, report = self._report(path)
            except (ValueError, SourceError, OSError) as error:
                problems.append(f"{path}: {_why(error, path)}")
                continue
            kept[path] = state, report
            order = _heard_at(report, state, now), report.about.reported_at, path
            if report.about.reported_at < now - FORGOTTEN_AFTER <= datetime.fromtimestamp(state[0] / 1e9, UTC):
                age = (now - report.about.reported_at).days
                slow.append(
                    f"{path}: {report.about.host} says that this is of {age} days ago, and is not counted: set its clock"
                )
            host = report.about.host.casefold()
            before = newest.get(host)
            if before is None or order > before[0]:
                newest[host] = order, report
        self._read = kept
        return _inventory(self.name, newest.values(), problems, slow)

    def _report(self, path: Path) -> tuple[State, Report]:
        with opened(path, source=self.name) as file:
            status = os.fstat(file.fileno())
            state = status.st_mtime_ns, status.st_size, status.st_ino
            known = self._read.get(path)
            if known and known[0] == state:
                return known
            return state, _of_fleet(read_report(file.read(MAX_BYTES + 1), str(path)), self._fleet)

    def _files(self) -> list[Path]:
        if not self._path.is_dir():
            raise Unavailable(self.name, "no such folder; make it, or set the path in the configuration")
        if Path(self._pattern).is_absolute():
            raise Unavailable(self.name, "the pattern has to be relative to the folder")
        try:
            found = sorted(islice(self._path.glob(self._pattern), MAX_FILES + 1))
        except (OSError, ValueError) as error:
            raise Unavailable(self.name, f"cannot be read: {error}") from error
        if len(found) > MAX_FILES:
            raise Malformed(self.name, f"over {MAX_FILES} files")
        return [path for path in found if not path.name.startswith(".")]


def _of_fleet(report: Report, fleet: str) -> Report:
    """Call the host after its fleet, too, so that another fleet's host of that name is another one."""
    if not fleet:
        return report
    host = f"{fleet}/{report.about.host}"
    there = tuple(replace(each, host=host) for each in report.deployments)
    return replace(report, about=replace(report.about, host=host), deployments=there)


def _why(error: ValueError | SourceError | OSError, path: Path) -> str:
    text = error.detail if isinstance(error, SourceError) else str(error)
    text = text.removeprefix(f"{path}: ").removeprefix(f"{path} ")
    return f"{text}; let the user of this program read it" if isinstance(error.__cause__, PermissionError) else text


def _heard_at(report: Report, state: State, now: datetime) -> datetime:
    """Return when the host was heard of: as it says, but not after its file came, nor in our future, whatever its clock shows."""
    came = datetime.fromtimestamp(state[0] / 1e9, UTC)
    return min(report.about.reported_at, came, now)


def _inventory(source: str, newest: Iterable[Newest], problems: list[str], slow: Iterable[str]) -> Inventory:
    deployments: dict[str, Deployment] = {}
    reports: list[HostReport] = []
    partial: set[str] = set()
    complete = not problems
    problems += slow
    for (heard_at, _, path), report in newest:
        reports.append(replace(report.about, reported_at=heard_at))
        deployments |= {each.key: each for each in report.deployments}
        problems += (f"{path}: {problem}" for problem in report.problems)
        if not report.complete and not report.problems:
            problems.append(f"{path}: {report.about.host} could not read everything there")
        if not report.complete:
            partial.add(report.about.host)
    more = len(problems) - MAX_PROBLEMS
    listed = (*problems[:MAX_PROBLEMS], f"and {more} more") if more > 0 else tuple(problems)
    return Inventory(
        source, tuple(deployments.values()), listed, complete, reports=tuple(reports), partial=frozenset(partial)
    )
