"""A host's report that was sent: checked, and put into the folder from which reports are read, in place of the host's last."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from connectors._host_report import MAX_BYTES, Report, read_report
from connectors._reading_files.opening import opened
from connectors._whole_file import write_whole
from monitor.ports.errors import SourceError

LONGEST_REPORT = MAX_BYTES
"""Of what is sent."""

EARLY = timedelta(minutes=5)
"""A clock may be ahead of ours by that much."""


class OlderReport(ValueError):
    """A report of an earlier time than the one that is kept."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What was understood of a report."""

    host: str
    deployments: int
    problems: tuple[str, ...]
    complete: bool


def keep_report(folder: Path, fleet: str, data: bytes, now: datetime) -> Taken:
    """Check a report and keep it. Raises ValueError with the reason where it is refused, OSError where it cannot be written."""
    report = read_report(data, "report")
    about = report.about
    if about.reported_at > now + EARLY:
        raise ValueError(f"collected_at is {about.reported_at - now} in the future: set the host's clock")
    key = sha256(b"\0".join((fleet.encode(), about.host.encode()))).hexdigest()[:32]
    path = folder / f"{key}.jsonl"
    before = _kept(path)
    if before and before.about.reported_at > about.reported_at:
        raise OlderReport(f"a report of {before.about.reported_at:%Y-%m-%dT%H:%M:%SZ} is here already")
    write_whole(path, data)
    return Taken(about.host, len(report.deployments), report.problems, report.complete)


def _kept(path: Path) -> Report | None:
    try:
        with opened(path, source="kept report") as file:
            return read_report(file.read(MAX_BYTES + 1), "kept report")
    except (SourceError, ValueError):
        return None
